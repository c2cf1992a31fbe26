//! A store on a PostgreSQL server: one server of Writ at a time has it, no password of it is shown, and while the
//! database is away nothing is done, and nothing half.

use std::fs;

use writ_tests::story::{REFUND, refund};
use writ_tests::trail::Export;
use writ_tests::{Acme, Desk, Postgres, Server, wait};

/// A database of a server of the test's own, and a workspace whose store is there.
fn workspace(server: &Postgres) -> Acme {
    server.create("acme");
    let acme = Acme::plain();
    acme.say_store(&server.url("acme"));
    acme
}

/// Whether the server says that it accepts work.
async fn is_well(desk: &Desk) -> bool {
    desk.lea.get("/api/health").await.status == 200
}

#[tokio::test]
async fn nothing_is_done_while_the_database_is_away() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start();
    let desk = Desk::serve(workspace(&server)).await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(40)).await;
    let digest = desk.decision(&decision).await["proposal"]["action_digest"].clone();
    for crash in [false, true] {
        if crash {
            server.crash();
        } else {
            server.stop();
        }
        wait::until("the server says that it cannot work", async || (!is_well(&desk).await).then_some(())).await;
        desk.lea.vote_on(&decision, &digest, true, None).await.refused(503, "store_unavailable");
        desk.acme.nothing_was_done();
        server.start_again();
        wait::until("the server goes on", async || is_well(&desk).await.then_some(())).await;
        assert_eq!(desk.decision(&decision).await["status"], "pending", "a refused vote does not count");
    }
    desk.lea.approve(&decision).await;
    desk.decision_when(&decision, "succeeded").await;
    assert_eq!(desk.acme.effects().len(), 1);
    let export = Export::of(&desk, "trail").await;
    export.verify().await.ok();
    let votes = export.events().iter().filter(|event| event["event"] == "voted").count();
    assert_eq!(votes, 1);
}

#[tokio::test]
async fn one_server_at_a_time_has_a_database() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start();
    let mut desk = Desk::serve(workspace(&server)).await;
    let why = Server::spawn(&workspace(&server)).listening().await.expect_err("a second server");
    assert!(why.contains("in use"), "{why}");
    desk.run().await;
    // A kill leaves no lock behind, and another data folder is another log.
    desk.server.kill().await;
    let why = Server::spawn(&workspace(&server)).listening().await.expect_err("a server without the checkpoint");
    assert!(why.contains("no checkpoint file"), "{why}");
    desk.restart().await;
    desk.run().await;
}

#[tokio::test]
async fn a_password_of_the_store_is_not_shown() {
    let acme = Acme::plain();
    acme.say_store("{ file: store.url }");
    // Nobody listens at port 1.
    fs::write(acme.file("store.url"), "postgres://writ:swordfish@127.0.0.1:1/acme\n").unwrap();
    let why = Server::spawn(&acme).listening().await.expect_err("there is no such server");
    assert!(why.contains("the database") && !why.contains("swordfish"), "{why}");
}
