//! An effect whose answer is lost is never sent again blindly.
//!
//! The shop ends itself after it has committed and before it answers, or answers so late that the server is killed in
//! between. By what the operator says of the integration, the same request is sent again under the same key, or a
//! person says what happened.

use serde_json::{Value as Json, json};
use writ_tests::acme::Edit;
use writ_tests::story::{REFUND, refund};
use writ_tests::{Console, Desk, Worker, wait};

const INTEGRATION: &str = "integrations/shop.yaml";
const SERVE: &str = "args: [serve, --db, data/shop.db]";
const LOSE_ANSWERS: Edit<'_> = (INTEGRATION, SERVE, "args: [serve, --db, data/shop.db, --fail, lose-answer]");
/// Longer than it takes to notice the change and to kill the server.
const ANSWER_LATE: Edit<'_> = (INTEGRATION, SERVE, "args: [serve, --db, data/shop.db, --delay-ms, \"1000\"]");
/// Nobody can tell but a person.
const OPAQUE: Edit<'_> = (
    INTEGRATION,
    "refund_payment:\n    class: effect\n    profile: keyed",
    "refund_payment:\n    class: effect\n    profile: opaque",
);

#[tokio::test]
async fn a_keyed_effect_is_sent_again_under_its_key() {
    let desk = Desk::edited(&[LOSE_ANSWERS]).await;
    let (worker, decision) = approved(&desk).await;
    let done = desk.decision_when(&decision, "succeeded").await;
    assert_eq!((&done["attempts"], &done["result"]["refunded"]), (&json!(2), &json!(240)), "{done}");
    sent_again(&desk, &worker, &decision).await;
}

#[tokio::test]
async fn a_server_killed_between_sending_and_the_answer_sends_again_under_the_key() {
    let mut desk = Desk::edited(&[ANSWER_LATE]).await;
    let (worker, decision) = approved(&desk).await;
    wait::until("the shop has committed", async || (!desk.acme.effects().is_empty()).then_some(())).await;
    desk.server.kill().await;
    desk.restart().await;
    desk.decision_when(&decision, "succeeded").await;
    sent_again(&desk, &worker, &decision).await;
}

#[tokio::test]
async fn an_opaque_effect_is_left_to_a_person() {
    let mut desk = Desk::edited(&[LOSE_ANSWERS, OPAQUE]).await;
    let (worker, decision) = approved(&desk).await;
    let unknown = desk.decision_when(&decision, "unknown").await;
    assert_eq!(unknown["attempts"], 1);
    // It holds the key, whatever happened, and the worker is not told that it is done.
    assert_eq!(worker.call(REFUND, refund(100)).await.ok()["pending"]["status"], "unknown");
    desk.run().await.call(REFUND, refund(50)).await.refused("effect_key_taken");
    worker.call("conclude", json!({ "verdict": writ_tests::story::refunded(100) })).await.refused("bad_verdict");

    // A restart, and time, change nothing about it.
    desk.server.kill().await;
    desk.restart().await;
    let before = desk.lea.get("/api/health").await.ok()["leaves"].clone();
    wait::pause(1_200).await;
    assert_eq!(desk.lea.get("/api/health").await.ok()["leaves"], before, "nothing was tried");
    assert_eq!(desk.decision(&decision).await["status"], "unknown");
    assert_eq!(desk.acme.effects().len(), 1);

    let settled = ["decision", "settle", &decision, "--succeeded", "true", "--note", "the ledger has it", "--json"];
    let refused = desk.writ_as("ana", &settled).await.refused();
    assert!(refused.contains("vote_refused"), "{refused}");
    let said = desk.writ_as("lea", &settled).await.json();
    assert_eq!((&said["status"], &said["note"]), (&json!("succeeded"), &json!("the ledger has it")));
    let refused = desk.writ_as("lea", &settled).await.refused();
    assert!(refused.contains("decision_closed"), "{refused}");
    let worker = worker.at(desk.address());
    assert_eq!(worker.wait(&decision).await["status"], "succeeded");
    let settled = desk.events(worker.run(), "outcome_settled").await;
    assert_eq!((&settled[0]["by"], &settled[0]["succeeded"]), (&json!("lea"), &json!(true)));
    assert_eq!(desk.acme.effects().len(), 1);
}

#[tokio::test]
async fn what_did_not_happen_after_all_may_be_asked_again() {
    let desk = Desk::edited(&[LOSE_ANSWERS, OPAQUE]).await;
    let (worker, decision) = approved(&desk).await;
    desk.decision_when(&decision, "unknown").await;
    let console = Console::signed_in(&desk, "lea").await;
    let path = format!("/decisions/{decision}");
    let page = console.get(&path).await;
    assert!(page.html.contains("outcome unknown") && page.html.contains("Look it up first"), "{}", page.html);
    let csrf = page.field("csrf");
    let settle = format!("{path}/settle");
    let without = [("csrf", csrf), ("succeeded", "no"), ("note", " ")];
    assert_eq!(console.post(&settle, &without).await.status, 400, "a note is needed");
    let fields = [("csrf", csrf), ("succeeded", "no"), ("note", "the bank has nothing")];
    assert_eq!(console.post(&settle, &fields).await.status, 303);
    let told = worker.wait(&decision).await;
    assert_eq!((&told["status"], &told["note"]), (&json!("failed"), &json!("the bank has nothing")));
    // The key is free again; the same call in the same run keeps its recorded result.
    assert_eq!(worker.call(REFUND, refund(100)).await.ok()["decision"]["status"], "failed");
    desk.run().await.propose(REFUND, refund(50)).await;
}

#[tokio::test]
async fn what_the_integration_refuses_has_failed() {
    let desk = Desk::edited(&[("missions/refund.yaml", "captured - refunded", "captured + 1000")]).await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(300)).await;
    desk.lea.approve(&decision).await;
    let told = worker.wait(&decision).await;
    assert_eq!(told["status"], "failed", "{told}");
    assert!(told["result"].as_str().unwrap().contains("too much"), "the shop's own words: {told}");
    desk.acme.nothing_was_done();
    assert_eq!(worker.call(REFUND, refund(300)).await.ok()["decision"], told, "and it is not tried again");
}

/// A refund that was approved.
async fn approved(desk: &Desk) -> (Worker, String) {
    let worker = desk.run().await;
    let amount = if desk.acme.text(INTEGRATION).contains("opaque") { 100 } else { 240 };
    let decision = worker.propose(REFUND, refund(amount)).await;
    desk.lea.approve(&decision).await;
    (worker, decision)
}

/// The effect happened once, and the second request was the first one again.
async fn sent_again(desk: &Desk, worker: &Worker, decision: &str) {
    let key = format!("writ-{decision}");
    let effects = desk.acme.effects();
    let keys: Vec<Option<&str>> = effects.iter().map(|effect| effect.idempotency_key.as_deref()).collect();
    assert_eq!(keys, [Some(key.as_str())]);
    let intents = desk.events(worker.run(), "intent_recorded").await;
    let attempts: Vec<(&Json, &Json)> =
        intents.iter().map(|intent| (&intent["attempt"], &intent["idempotency_key"])).collect();
    assert_eq!(attempts, [(&json!(1), &json!(key)), (&json!(2), &json!(key))]);
    assert_eq!(intents[0]["action_digest"], intents[1]["action_digest"]);
    assert_eq!(desk.events(worker.run(), "outcome_unknown").await.len(), 1, "nobody knew in between, and it says so");
}
