//! A log that is not the one that was signed is refused: an older copy of it, another history, a changed leaf, a
//! missing or foreign checkpoint. What only an export can notice, an export notices.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use writ_store::{OpenError, Options, Store};
use writ_trail::note::Signer;

use crate::fixture::{
    archive, claimed, close, commit, database, database_of, little_mission, log, open, play, signed, signer, started,
    try_open,
};
use crate::tables::{back_up, restore};

/// A closed store, all of it signed.
async fn closed_store() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, little_mission()).await;
    close(store, folder.path()).await;
    folder
}

/// Adds events to a closed store, waits for their checkpoint, and closes it again.
async fn go_on(folder: &Path, words: &[&str]) {
    let store = open(folder);
    for text in words {
        play(&store, [commit("r-3", [claimed(text)])]).await;
    }
    signed(&store, log(folder).len() as u64).await;
    close(store, folder).await;
}

fn copy(from: &Path, to: &Path, name: &str) {
    fs::copy(from.join(name), to.join(name)).unwrap();
}

#[track_caller]
fn assert_forked(folder: &Path, what: &str) {
    match try_open(folder) {
        Err(OpenError::Forked(why)) => assert!(why.contains(what), "{why}"),
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test]
async fn a_restored_backup_is_refused() {
    let (folder, backup) = (closed_store().await, tempfile::tempdir().unwrap());
    let store = open(folder.path());
    play(&store, [commit("r-3", [started()])]).await;
    close(store, folder.path()).await;
    back_up(folder.path(), backup.path());
    copy(folder.path(), backup.path(), "checkpoint");
    go_on(folder.path(), &["one", "two", "three"]).await;

    restore(backup.path(), folder.path());
    assert_forked(folder.path(), "leaves were signed");
    // Refusing changes nothing: it is refused again, and with its own checkpoint the backup is a store.
    assert_forked(folder.path(), "leaves were signed");
    let newer = fs::read(folder.path().join("checkpoint")).unwrap();
    copy(backup.path(), folder.path(), "checkpoint");
    go_on(folder.path(), &["another one", "another two", "another three", "and four"]).await;
    // That other history is longer than what was signed first, and still not the same.
    fs::write(folder.path().join("checkpoint"), newer).unwrap();
    assert_forked(folder.path(), "another root");
}

#[tokio::test]
async fn a_changed_leaf_is_refused() {
    let changes = [
        ("UPDATE events SET leaf = zeroblob(32) WHERE seq = 3", "another root"),
        ("UPDATE events SET leaf = (SELECT leaf FROM events WHERE seq = 4) WHERE seq = 3", "another root"),
        ("DELETE FROM events WHERE seq = 3", "is missing"),
        ("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)", "leaves were signed"),
        ("DELETE FROM events WHERE seq = 0", "is missing"),
        ("DELETE FROM events", "leaves were signed"),
    ];
    for (change, what) in changes {
        let folder = closed_store().await;
        assert!(database(folder.path()).execute(change) > 0);
        assert_forked(folder.path(), what);
    }
    let folder = closed_store().await;
    database(folder.path()).execute("UPDATE events SET leaf = x'00' WHERE seq = 3");
    assert!(matches!(try_open(folder.path()), Err(OpenError::Damaged(_))));
}

#[tokio::test]
async fn a_changed_body_or_salt_is_found_by_an_export() {
    let changes = [
        "UPDATE events SET body = CAST(replace(CAST(body AS TEXT), 'refunded', 'declined') AS BLOB) WHERE kind = 'run_concluded'",
        "UPDATE events SET salt = zeroblob(32) WHERE seq = 5",
        "UPDATE events SET body = x'7b7d' WHERE seq = 0",
    ];
    for change in changes {
        let folder = closed_store().await;
        let out = tempfile::tempdir().unwrap();
        let before = archive(folder.path(), signer().verifier()).unwrap();
        before.export(&out.path().join("before")).unwrap();
        assert_eq!(database(folder.path()).execute(change), 1);
        let after = archive(folder.path(), signer().verifier()).unwrap();
        assert!(after.export(&out.path().join("after")).is_err(), "{change}");
    }
}

#[tokio::test]
async fn a_missing_or_foreign_checkpoint_is_refused() {
    let folder = closed_store().await;
    let path = folder.path().join("checkpoint");
    let note = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_forked(folder.path(), "no checkpoint file");
    for (at, byte) in note.bytes().enumerate() {
        let mut changed = note.clone().into_bytes();
        changed[at] = if byte == b'A' { b'B' } else { b'A' };
        fs::write(&path, changed).unwrap();
        // A file that is not even text is refused as a file.
        let refused = matches!(try_open(folder.path()), Err(OpenError::Forked(_) | OpenError::File { .. }));
        assert!(refused, "byte {at} of the checkpoint");
    }
    fs::write(&path, &note).unwrap();
    for (name, seed) in [("test.example/trail", [8; 32]), ("other.example/trail", [7; 32])] {
        let signer = Signer::new(name, &seed).unwrap();
        let database = database_of(folder.path());
        let opened = Store::open(Options { folder: folder.path().to_owned(), signer, database });
        assert!(matches!(opened, Err(OpenError::Forked(_))), "{name}: {opened:?}");
    }
    assert!(try_open(folder.path()).is_ok());
}
