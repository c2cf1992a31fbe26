//! A no, with its reason, reaches the worker, and stands.

use serde_json::json;
use writ_tests::Desk;
use writ_tests::story::{NOTE, REFUND, note, refund};

const WHY: &str = "ask the customer for a photo first";

#[tokio::test]
async fn a_no_reaches_the_worker_and_stands() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.lea.vote(&decision, false, None).await.refused(400, "bad_arguments");
    desk.lea.vote(&decision, false, Some("  ")).await.refused(400, "bad_arguments");
    assert_eq!(desk.decision(&decision).await["status"], "pending", "a no without a reason is none");

    let rejected = desk.lea.vote(&decision, false, Some(WHY)).await.ok();
    assert_eq!((&rejected["status"], &rejected["note"]), (&json!("rejected"), &json!(WHY)));
    let told = worker.wait(&decision).await;
    assert_eq!((&told["status"], &told["note"]), (&json!("rejected"), &json!(WHY)));

    let message = worker.call(REFUND, refund(240)).await.refused("rejected_before");
    assert!(message.contains(WHY), "the reason is told again: {message}");
    // Another wording of the same arguments is the same call.
    worker.call(REFUND, json!({ "amount": 240.0, "payment_id": "pay_88213" })).await.refused("rejected_before");
    desk.lea.vote(&decision, true, None).await.refused(409, "decision_closed");
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn a_no_holds_for_its_run_and_for_exactly_this() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.writ_as("lea", &reject(&desk, &decision).await.each_ref().map(String::as_str)).await.json();
    // Less may be asked for, and another run may ask anew: a person decides again.
    let less = worker.propose(REFUND, refund(100)).await;
    desk.lea.vote(&less, false, Some("not yet")).await.ok();
    desk.run().await.propose(REFUND, refund(240)).await;

    let open = worker.propose(NOTE, note("we need a photo")).await;
    let verdict = json!({ "verdict": { "outcome": "declined", "amount": 0, "reason": WHY } });
    let message = worker.call("conclude", verdict.clone()).await.refused("bad_verdict");
    assert!(message.contains("not final"), "{message}");
    desk.lea.vote(&open, false, Some("no need")).await.ok();
    worker.call("conclude", json!({ "verdict": { "outcome": "lost" } })).await.refused("bad_verdict");
    worker.call("conclude", verdict).await.ok();
    worker.call("observe", json!({ "text": "one more thing" })).await.refused("run_not_open");
    assert_eq!(desk.run_view(worker.run()).await["status"], "concluded");
    desk.acme.nothing_was_done();
}

/// The words that reject what is shown.
async fn reject(desk: &Desk, decision: &str) -> [String; 8] {
    let shown = desk.decision(decision).await;
    let digest = shown["proposal"]["action_digest"].as_str().unwrap();
    ["decision", "reject", decision, "--digest", digest, "--reason", WHY, "--json"].map(str::to_owned)
}
