//! A data folder that is not the one that was signed is not served.

use std::fs;
use std::path::{Path, PathBuf};

use writ_tests::{Desk, Postgres, Server, trail};

const CHECKPOINT: &str = "data/checkpoint";

#[tokio::test]
async fn a_restored_backup_is_noticed() {
    let mut desk = Desk::open().await;
    let worker = desk.run().await;
    ended(&mut desk).await;
    back_up(&desk, "backup");
    desk.restart().await;
    worker.at(desk.address()).rows("SELECT order_id FROM shop.orders").await;
    ended(&mut desk).await;
    back_up(&desk, "latest");

    restore(&desk, "backup");
    let why = refused(&desk).await;
    assert!(why.contains("leaves were signed"), "{why}");
    // An empty database is an old one too.
    remove(&desk);
    refused(&desk).await;
    // With its own database, the server goes on.
    restore(&desk, "latest");
    desk.restart().await;
    assert_eq!(desk.events(worker.run(), "read").await.len(), 1);
}

#[tokio::test]
async fn a_checkpoint_that_is_damaged_or_gone_is_noticed() {
    let mut desk = Desk::open().await;
    desk.run().await;
    ended(&mut desk).await;
    let signed = desk.acme.text(CHECKPOINT);
    let file = desk.acme.file(CHECKPOINT);
    let root = signed.lines().nth(2).unwrap();
    let size = signed.lines().nth(1).unwrap();
    let damaged = [
        signed[..signed.len() / 2].to_owned(),
        String::new(),
        signed.replacen(root, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1),
        signed.replacen(&format!("\n{size}\n"), "\n0\n", 1),
    ];
    for text in damaged {
        fs::write(&file, &text).unwrap();
        let why = refused(&desk).await;
        assert!(why.contains("checkpoint"), "for `{text}`: {why}");
    }
    fs::remove_file(&file).unwrap();
    let why = refused(&desk).await;
    assert!(why.contains("no checkpoint file"), "{why}");
    fs::write(&file, &signed).unwrap();
    desk.restart().await;
}

#[tokio::test]
async fn another_keys_log_is_not_taken_over() {
    let mut desk = Desk::open().await;
    desk.run().await;
    ended(&mut desk).await;
    fs::write(desk.acme.file("data/keys/trail.key"), format!("{}\n", "7".repeat(64))).unwrap();
    refused(&desk).await;
}

#[tokio::test]
async fn one_server_at_a_time_has_a_data_folder() {
    let mut desk = Desk::open().await;
    let why = Server::spawn(&desk.acme).listening().await.expect_err("a second server");
    assert!(why.contains("in use"), "{why}");
    desk.run().await;
    // A kill leaves no lock behind.
    desk.server.kill().await;
    desk.restart().await;
    desk.run().await;
}

/// Ends the server once everything is signed.
async fn ended(desk: &mut Desk) {
    trail::signed(desk).await;
    assert_eq!(desk.server.terminate().await, Some(0));
}

/// Why the server does not start.
async fn refused(desk: &Desk) -> String {
    let why = Server::spawn(&desk.acme).listening().await.expect_err("it must not be served");
    assert!(why.starts_with("exit code Some(1)"), "{why}");
    why
}

/// The files of an embedded database.
fn files(desk: &Desk) -> Vec<PathBuf> {
    let entries = fs::read_dir(desk.acme.file("data")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("writ.db")).collect()
}

fn copy(files: &[PathBuf], to: &Path) {
    for file in files {
        fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
    }
}

/// Copies the database of a server that does not run.
fn back_up(desk: &Desk, name: &str) {
    match desk.acme.postgres() {
        Some(database) => Postgres::shared().replace(&format!("{database}-{name}"), &database),
        None => {
            let backup = desk.acme.beside(name);
            fs::create_dir(&backup).unwrap();
            copy(&files(desk), &backup);
        }
    }
}

/// Puts a copy of the database in the place of the present one.
fn restore(desk: &Desk, name: &str) {
    match desk.acme.postgres() {
        Some(database) => Postgres::shared().replace(&database, &format!("{database}-{name}")),
        None => {
            remove(desk);
            let entries = fs::read_dir(desk.acme.beside(name)).unwrap().map(|entry| entry.unwrap().path());
            copy(&entries.collect::<Vec<_>>(), &desk.acme.file("data"));
        }
    }
}

/// Puts an empty database in the place of the present one.
fn remove(desk: &Desk) {
    match desk.acme.postgres() {
        Some(database) => {
            Postgres::shared().remove(&database);
            Postgres::shared().create(&database);
        }
        None => files(desk).iter().for_each(|file| fs::remove_file(file).unwrap()),
    }
}
