//! What a run is shown of its tools has the limits in it that its mission sets, so that a model sees them first.

use serde_json::{Value as Json, json};
use writ_tests::story::{CASE, EMAIL, NOTE, OTHER_PAYMENT, PAYMENT, REFUND, note, refund};
use writ_tests::{Desk, Worker};

const MISSION: &str = "missions/refund.yaml";
const SUBJECT: &str = "Your refund";

#[tokio::test]
async fn each_run_sees_the_limits_of_its_own_parameters() {
    let desk = limited().await;
    let small = run(&desk, json!(20), OTHER_PAYMENT).await;
    let large = run(&desk, json!(100.5), PAYMENT).await;
    for (worker, most, payment) in [(&small, json!(20), OTHER_PAYMENT), (&large, json!(100.5), PAYMENT)] {
        let shown = arguments(worker, REFUND).await;
        assert_eq!((&shown["amount"]["maximum"], &shown["amount"]["exclusiveMinimum"]), (&most, &json!(0)), "{shown}");
        assert_eq!(shown["payment_id"]["const"], payment, "{shown}");
        assert_eq!(arguments(worker, NOTE).await["subject"]["const"], SUBJECT);
    }
    // What the mission says of facts is not known before the call: an address does not show.
    let shown = arguments(&large, NOTE).await;
    assert!(shown["to"].get("const").is_none() && !shown.to_string().contains(EMAIL), "{shown}");
}

#[tokio::test]
async fn what_is_shown_is_what_a_call_meets() {
    let desk = limited().await;
    let large = run(&desk, json!(100.5), PAYMENT).await;
    let of = |amount: f64| json!({ "payment_id": PAYMENT, "amount": amount });
    large.call(REFUND, of(100.51)).await.refused("not_permitted");
    large.propose(REFUND, of(100.5)).await;
    let mut letter = note("hello");
    letter["subject"] = json!("Something else");
    large.call(NOTE, letter).await.refused("not_permitted");
    large.propose(NOTE, note("hello")).await;
    // The payment is in the slice of this run, but it is not the one that it is for.
    run(&desk, json!(240), OTHER_PAYMENT).await.call(REFUND, refund(10)).await.refused("not_permitted");
}

#[tokio::test]
async fn a_mission_without_such_limits_shows_the_tools_own() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let shown = arguments(&worker, REFUND).await;
    assert!(shown["payment_id"].get("const").is_none(), "{shown}");
    assert!(shown["amount"]["maximum"].as_f64().is_some_and(|most| most > 1e6), "{shown}");
    assert!(arguments(&worker, NOTE).await["subject"].get("const").is_none());
}

/// A desk whose mission bounds arguments by a literal and by its own parameters.
async fn limited() -> Desk {
    let refundable = "when: context.input.amount.lessThanOrEqual(context.facts.refundable)";
    let limited = format!(
        "{refundable} && context.input.amount.lessThanOrEqual(context.mission.most) \
         && context.input.payment_id == context.mission.payment"
    );
    let to = "when: context.input.to == context.facts.email";
    let about = format!("{to} && context.input.subject == \"{SUBJECT}\"");
    Desk::edited(&[
        (MISSION, "params: { case: string }", "params: { case: string, most: decimal, payment: string }"),
        (MISSION, refundable, limited.as_str()),
        (MISSION, to, about.as_str()),
    ])
    .await
}

async fn run(desk: &Desk, most: Json, payment: &str) -> Worker {
    let params = json!({ "case": CASE, "most": most, "payment": payment });
    let started = desk.ana.post("/api/runs", &json!({ "mission": "refund", "params": params })).await.ok();
    Worker::of(&started, desk.address())
}

/// What a tool takes, as the run is shown it.
async fn arguments(worker: &Worker, tool: &str) -> Json {
    let listed = worker.ask("tools/list", json!({})).await;
    let found = listed["result"]["tools"].as_array().unwrap().iter().find(|listed| listed["name"] == tool);
    found.unwrap_or_else(|| panic!("no `{tool}` in {listed}"))["inputSchema"]["properties"].clone()
}
