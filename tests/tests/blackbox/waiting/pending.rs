//! A client that can take neither a task nor a page is told honestly that a person has not decided yet.

use serde_json::{Value as Json, json};
use writ_tests::Desk;
use writ_tests::story::{REFUND, refund};

use super::client::Session;

#[tokio::test]
async fn a_session_is_told_that_it_is_pending_and_can_wait() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let session = Session::open(&worker, "2025-06-18").await;
    let answer = session.call(REFUND, refund(240)).await;
    let pending = &answer["structuredContent"]["pending"];
    assert_eq!((&pending["status"], &answer["isError"]), (&json!("pending"), &json!(false)), "{answer}");
    assert!(pending["hint"].as_str().is_some_and(|hint| hint.contains("decision_wait")), "{answer}");
    assert!(["task", "resultType", "inputRequests"].iter().all(|name| answer.get(name).is_none()), "{answer}");
    // Clients that only show text get the same.
    let text = answer["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Json>(text).unwrap(), answer["structuredContent"]);
    desk.acme.nothing_was_done();

    // Asking again, in this session or in another one, finds the same decision.
    let later = Session::open(&worker, "2025-11-25").await;
    for session in [&session, &later] {
        let again = session.call(REFUND, refund(240)).await;
        assert_eq!(again["structuredContent"]["pending"]["decision"], pending["decision"], "{again}");
    }
    let decision = pending["decision"].as_str().unwrap();
    desk.lea.approve(decision).await;
    let waited = session.call("decision_wait", json!({ "decision": decision, "seconds": 25 })).await;
    let settled = &waited["structuredContent"]["decision"];
    assert_eq!(settled["status"], "succeeded", "{waited}");
    let again = later.call(REFUND, refund(240)).await;
    assert_eq!(&again["structuredContent"]["decision"], settled);
    assert_eq!((desk.acme.effects().len(), desk.lea.decisions("all").await.len()), (1, 1));
}
