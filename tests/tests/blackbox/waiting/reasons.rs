//! Why a worker makes a call is put on record as its claim, and goes no further.

use serde_json::json;
use writ_tests::story::{NOTE, REFUND, note, refund};
use writ_tests::{Console, Desk};

use super::client::{Client, Session};

const INVOCATION: &str = "io.modelcontextprotocol/aiInvocation";
const INVOKED: &str = "the lining is torn";
const ARGUED: &str = "the customer wants to know";

#[tokio::test]
async fn a_reason_is_recorded_as_claimed_and_is_not_sent() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    // Where both are there, what the client tells of the model comes first; neither stays among the arguments.
    let mut arguments = refund(240);
    arguments["writ_reason"] = json!(ARGUED);
    let params = json!({ "name": REFUND, "arguments": arguments, "_meta": { INVOCATION: { "reason": INVOKED } } });
    let answer = Client::plain(&worker).result("tools/call", params).await;
    let first = answer["structuredContent"]["pending"]["decision"].as_str().expect("a decision").to_owned();
    let mut letter = note("on its way");
    letter["writ_reason"] = json!(ARGUED);
    let second = worker.propose(NOTE, letter).await;

    let proposed = desk.events(worker.run(), "proposed").await;
    assert_eq!((&proposed[0]["claim"], &proposed[1]["claim"]), (&json!(INVOKED), &json!(ARGUED)));
    for (decision, arguments, claim) in [(&first, refund(240), INVOKED), (&second, note("on its way"), ARGUED)] {
        let shown = desk.decision(decision).await;
        assert_eq!(shown["proposal"]["action"]["arguments"], arguments, "no part of what is approved");
        let page = Console::signed_in(&desk, "lea").await.get(&format!("/decisions/{decision}")).await;
        let (heading, words) = (page.html.find("claimed, not checked"), page.html.find(claim));
        assert!(heading.is_some() && heading < words, "the claim stands under its own heading: {}", page.html);
        desk.lea.approve(decision).await;
        desk.decision_when(decision, "succeeded").await;
    }
    let sent: Vec<_> = desk.acme.effects().into_iter().map(|effect| effect.arguments).collect();
    assert_eq!(sent, [refund(240), note("on its way")]);
}

#[tokio::test]
async fn a_read_has_its_reason_too_in_a_session_as_well() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let session = Session::open(&worker, "2025-11-25").await;
    let sql = json!({ "sql": "SELECT order_id FROM shop.orders" });
    let told = json!({ "name": "knowledge_query", "arguments": sql, "_meta": { INVOCATION: { "reason": INVOKED } } });
    let read = session.result("tools/call", told).await;
    assert_eq!(read["isError"], false, "{read}");
    session.call("knowledge_query", sql).await;
    let reads = desk.events(worker.run(), "read").await;
    assert_eq!((&reads[0]["claim"], reads[1].get("claim")), (&json!(INVOKED), None), "{reads:?}");
    assert!(!reads[0]["statement"].to_string().contains(INVOKED), "{reads:?}");
}
