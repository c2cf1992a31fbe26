//! The command line: runs from start to stop, and how it says no.

use serde_json::json;
use writ_tests::story::{CASE, REFUND, refund};
use writ_tests::{Acme, Desk, Worker, program};

#[tokio::test]
async fn a_run_is_started_shown_followed_and_stopped() {
    let desk = Desk::open().await;
    let case = format!("case={CASE}");
    let started = desk.writ_as("ana", &["run", "start", "refund", "--param", &case, "--json"]).await.json();
    assert!(started["token_expires_at"].as_i64().unwrap() > 0, "{started}");
    let worker = Worker::of(&started, desk.address());
    let run = worker.run();
    worker.rows("SELECT order_id FROM shop.orders").await;

    let listed = desk.writ_as("ana", &["run", "list"]).await.ok();
    assert!(listed.contains(run) && listed.contains("running") && listed.contains("refund for ana"), "{listed}");
    let listed = desk.writ_as("ana", &["run", "list", "--json"]).await.json_lines();
    assert_eq!(listed[0]["id"], run);
    assert_eq!(desk.writ_as("ben", &["run", "list"]).await.ok(), "", "none of Ben's business");
    let shown = desk.writ_as("lea", &["run", "show", run, "--json"]).await.json();
    assert_eq!(shown["start"]["bound"]["case"], CASE);
    let rail = desk.writ_as("ana", &["run", "rail", run, "--json"]).await.json_lines();
    assert_eq!(rail, desk.rail(run).await);
    let read = desk.writ_as("ana", &["run", "rail", run]).await.ok();
    assert!(read.lines().count() == rail.len() && read.contains("run_started"), "{read}");

    desk.writ_as("ben", &["run", "stop", run, "--reason", "mine"]).await.refused();
    let stopped = desk.writ_as("lea", &["run", "stop", run, "--reason", "wrong customer", "--json"]).await.json();
    assert_eq!(stopped["status"], "stopped");
    let why = desk.writ_as("lea", &["run", "stop", run, "--reason", "again"]).await.refused();
    assert!(why.starts_with("error: ") && why.contains("(run_not_open)"), "{why}");
}

#[tokio::test]
async fn a_run_may_be_started_for_somebody_else_by_who_may_start_it() {
    let lou = ("people.yaml", "workers:", "  lou: { name: Lou Amsel, groups: [support, support-leads] }\nworkers:");
    let desk = Desk::edited(&[lou]).await;
    let case = format!("case={CASE}");
    let words = ["run", "start", "refund", "--for", "ana", "--param", &case, "--json"];
    let started = desk.writ_as("lou", &words).await.json();
    let worker = Worker::of(&started, desk.address());
    let start = desk.run_view(worker.run()).await["start"].clone();
    assert_eq!((&start["person"], &start["started_by"]), (&json!("ana"), &json!("lou")));
    let decision = worker.propose(REFUND, refund(240)).await;
    // Whoever started it is not the person acted for.
    desk.person("lou").await.approve(&decision).await;
    assert_eq!(worker.wait(&decision).await["status"], "succeeded");
    let why = desk.writ_as("lea", &words).await.refused();
    assert!(why.contains("start_refused"), "{why}");
}

#[tokio::test]
async fn a_refusal_is_on_standard_error_and_has_a_code() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    let digest = "0".repeat(64);
    let cases: [(&str, &[&str], &str); 5] = [
        ("lea", &["decision", "approve", &decision, "--digest", &digest], "digest_mismatch"),
        ("ben", &["decision", "show", &decision], "decision_unknown"),
        ("lea", &["decision", "show", "d-0000000000"], "decision_unknown"),
        ("lea", &["run", "show", "r-0000000000"], "run_not_open"),
        ("nobody", &["decision", "list"], "no person `nobody`"),
    ];
    for (person, words, expected) in cases {
        let why = desk.writ_as(person, words).await.refused();
        assert!(why.starts_with("error: ") && why.contains(expected), "{words:?}: {why}");
    }
    // An approval names what it approves.
    let said = desk.writ_as("lea", &["decision", "approve", &decision]).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    assert!(said.stderr.contains("--digest"), "{}", said.stderr);
    assert_eq!(desk.decision(&decision).await["status"], "pending");
}

#[tokio::test]
async fn without_a_server_nothing_is_pretended() {
    let acme = Acme::plain();
    let why = program::writ(&["decision", "list", "--workspace", acme.word(), "--as", "lea"]).await.refused();
    assert!(why.contains("no server is running") && why.contains("writ serve"), "{why}");
    let why = program::writ(&["person", "token", "nobody", "--workspace", acme.word()]).await.refused();
    assert!(why.contains("ana, ben, lea"), "{why}");
    let nowhere = acme.beside("nowhere");
    let why = program::writ(&["person", "token", "ana", "--workspace", nowhere.to_str().unwrap()]).await.refused();
    assert!(why.contains("writ.yaml"), "{why}");
    let said = program::writ(&["--version"]).await.ok();
    assert!(said.starts_with("writ "), "{said}");
}

#[tokio::test]
async fn a_server_that_is_asked_to_end_ends_and_comes_back_with_everything() {
    let mut desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    let address = desk.acme.file("data/address");
    assert_eq!(std::fs::read_to_string(&address).unwrap().trim(), desk.address());
    assert_eq!(desk.server.terminate().await, Some(0));
    assert!(!address.exists(), "the address is gone with the server");
    desk.restart().await;
    desk.lea.approve(&decision).await;
    let worker = worker.at(desk.address());
    assert_eq!(worker.wait(&decision).await["status"], "succeeded");
    assert_eq!(desk.acme.effects().len(), 1);
}
