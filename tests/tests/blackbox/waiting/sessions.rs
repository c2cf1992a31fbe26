//! A session belongs to the run that opened it, holds nothing that others may have, and costs others nothing.

use serde_json::json;
use writ_tests::Desk;
use writ_tests::story::{ORDER, REFUND, refund};

use super::client::Session;

const REVISION: &str = "2025-11-25";
const SESSIONS_OF_A_RUN_MAX: usize = 32;
/// The length of 128 random bits in hexadecimal digits.
const ID_LENGTH_MIN: usize = 32;

#[tokio::test]
async fn a_session_is_of_no_use_to_another_run() {
    let desk = Desk::open().await;
    let session = Session::open(&desk.run().await, REVISION).await;
    let foreign = desk.run().await;
    let stolen = session.taken_by(&foreign);
    let guessed = session.with_id("00000000-0000-4000-8000-000000000000");
    for (method, params) in [
        ("ping", json!({})),
        ("tools/list", json!({})),
        ("tools/call", json!({ "name": REFUND, "arguments": refund(240) })),
    ] {
        let (status, answer) = stolen.ask(method, params.clone()).await;
        assert_eq!((status, &answer["error"]["data"]["code"]), (404, &json!("unknown_name")), "{answer}");
        assert_eq!(guessed.ask(method, params).await, (status, answer), "as if there were none");
    }
    assert_eq!((stolen.end().await, guessed.end().await), (404, 404), "nobody else ends it");
    // For its own run it is as it was, and nothing of the others' came through it.
    assert_eq!(session.result("ping", json!({})).await, json!({}));
    let query = json!({ "sql": "SELECT order_id FROM shop.orders" });
    let read = session.call("knowledge_query", query).await;
    assert_eq!(read["structuredContent"]["rows"], json!([[ORDER]]), "{read}");
    assert!(desk.lea.decisions("all").await.is_empty());

    let another = Session::open(&foreign, REVISION).await;
    assert_ne!(session.id(), another.id());
    assert!(session.id().len() >= ID_LENGTH_MIN, "long enough not to be guessed: {}", session.id());
}

#[tokio::test]
async fn a_session_ends_when_its_client_says_so() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let (first, second) = (Session::open(&worker, REVISION).await, Session::open(&worker, REVISION).await);
    assert!((200..300).contains(&first.end().await));
    assert_eq!(first.ask("ping", json!({})).await.0, 404);
    assert_eq!(first.end().await, 404);
    assert_eq!(second.result("ping", json!({})).await, json!({}));
    // The run itself goes on.
    worker.query("SELECT 1").await.ok();
}

#[tokio::test]
async fn a_session_says_that_its_run_has_ended() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let session = Session::open(&worker, REVISION).await;
    let task = session.begin(REFUND, refund(240)).await;
    let stop = format!("/api/runs/{}/stop", worker.run());
    desk.lea.post(&stop, &json!({ "reason": "wrong customer" })).await.ok();

    let answer = session.call("knowledge_query", json!({ "sql": "SELECT 1" })).await;
    let refused = &answer["structuredContent"]["refused"];
    assert_eq!((&answer["isError"], &refused["code"]), (&json!(true), &json!("run_not_open")), "{answer}");
    assert!(refused["message"].as_str().is_some_and(|message| message.contains("stopped")), "{answer}");
    for (method, params) in
        [("tools/list", json!({})), ("tasks/list", json!({})), ("tasks/get", json!({ "taskId": task }))]
    {
        let error = session.error(method, params).await;
        assert_eq!(error["data"]["code"], "run_not_open", "{method}: {error}");
    }
    desk.lea.vote(&task, true, None).await.refused(409, "decision_closed");
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn a_run_that_opens_too_many_sessions_loses_its_own_oldest_one() {
    let desk = Desk::open().await;
    let (worker, other) = (desk.run().await, desk.run().await);
    let foreign = Session::open(&other, REVISION).await;
    let mut sessions = Vec::new();
    for _ in 0..=SESSIONS_OF_A_RUN_MAX {
        sessions.push(Session::open(&worker, REVISION).await);
    }
    assert_eq!(sessions[0].ask("ping", json!({})).await.0, 404);
    for session in &sessions[1..] {
        assert_eq!(session.result("ping", json!({})).await, json!({}));
    }
    assert_eq!(foreign.result("ping", json!({})).await, json!({}), "another run's is none of theirs");
}
