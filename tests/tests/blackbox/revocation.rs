//! What is taken away is gone at the next call, in runs that are under way as well.

use serde_json::{Value as Json, json};
use writ_tests::story::{NOTE, REFUND, note, refund};
use writ_tests::{Desk, Worker, wait};

const ENTITLEMENTS: &str = "policy/entitlements.cedar";
const ORDERS: &str = "SELECT order_id FROM shop.orders";

#[tokio::test]
async fn a_group_that_is_left_takes_its_rows_along() {
    let desk = Desk::open().await;
    let worker = reading(&desk).await;
    desk.acme.edit(("people.yaml", "name: Ana Prieto, groups: [support]", "name: Ana Prieto, groups: []"));
    desk.reload().await;
    assert_eq!(worker.rows(ORDERS).await, json!([]));
    assert_eq!(worker.rows("SELECT count(*) FROM shop.payments").await, json!([[0]]));
    // Whether the payment exists is not told any more.
    worker.call(REFUND, refund(240)).await.refused("fact_missing");
    // The rule about the handbook is for everybody.
    assert_eq!(worker.rows("SELECT count(*) FROM handbook.policies").await, json!([[2]]));
    let start = json!({ "mission": "refund", "params": { "case": "C-1044" } });
    desk.ana.post("/api/runs", &start).await.refused(403, "start_refused");
}

#[tokio::test]
async fn a_person_who_is_disabled_can_do_nothing_and_nothing_is_done_for_them() {
    let desk = Desk::open().await;
    let worker = reading(&desk).await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.acme.edit((
        "people.yaml",
        "name: Ana Prieto, groups: [support]",
        "name: Ana Prieto, groups: [support], disabled: true",
    ));
    desk.reload().await;
    worker.query(ORDERS).await.refused("not_permitted");
    let listed = worker.ask("tools/list", json!({})).await;
    assert_eq!(listed["error"]["data"]["code"], "not_permitted", "{listed}");
    desk.ana.get("/api/runs").await.refused(401, "not_authenticated");
    // Whatever becomes of the vote, nothing is sent.
    desk.lea.vote(&decision, true, None).await;
    let decision = wait::until("the decision is closed, or was never approved", async || {
        let found = desk.decision(&decision).await;
        (found["status"] != "approved" && found["status"] != "sending").then_some(found)
    })
    .await;
    assert_ne!(decision["status"], "succeeded");
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn a_worker_that_is_disabled_can_do_nothing() {
    let desk = Desk::open().await;
    let worker = reading(&desk).await;
    desk.acme.edit((
        "people.yaml",
        "purpose: Prepares refunds and answers for the support desk.",
        "purpose: Prepares refunds.\n    disabled: true",
    ));
    desk.reload().await;
    worker.query(ORDERS).await.refused("not_permitted");
    let start = json!({ "mission": "refund", "params": { "case": "C-1044" } });
    desk.ana.post("/api/runs", &start).await.refused(403, "start_refused");
}

#[tokio::test]
async fn an_entitlement_that_ends_before_the_vote_voids_the_decision() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.acme.edit((ENTITLEMENTS, "decimal(\"500.00\")", "decimal(\"100.00\")"));
    desk.reload().await;
    let voided = voided(&desk, &worker, &decision).await;
    let named = voided.iter().any(|reason| {
        reason["set"] == "entitlements"
            && reason["policy"] == "agents-refund-up-to-500"
            && reason["detail"].as_str().unwrap().contains("240")
    });
    assert!(named, "the reasons name set, policy and value: {voided:?}");
    worker.call(REFUND, refund(240)).await.refused("not_permitted");
    worker.propose(REFUND, refund(100)).await;
}

#[tokio::test]
async fn any_change_of_the_rules_voids_what_was_shown_under_the_old_ones() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.acme.edit(("policy/guardrails.cedar", "decimal(\"5000.00\")", "decimal(\"4000.00\")"));
    desk.reload().await;
    let voided = voided(&desk, &worker, &decision).await;
    assert!(voided.iter().any(|reason| reason["detail"].as_str().unwrap().contains("`policy`")), "{voided:?}");
    // The same may be asked under the new rules, and a person decides anew.
    let again = worker.propose(REFUND, refund(240)).await;
    desk.lea.approve(&again).await;
    assert_eq!(worker.wait(&again).await["status"], "succeeded");
}

#[tokio::test]
async fn facts_are_read_again_before_anything_is_sent() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(100)).await;
    // It would still be allowed, but it is not what was shown.
    desk.acme.in_shop("UPDATE payments SET refunded = 5000 WHERE payment_id = 'pay_88213'");
    let voided = voided(&desk, &worker, &decision).await;
    assert!(voided.iter().any(|reason| reason["detail"].as_str().unwrap().contains("`facts`")), "{voided:?}");
    let decision = worker.propose(REFUND, refund(100)).await;
    desk.acme.in_shop("UPDATE payments SET refunded = 20000 WHERE payment_id = 'pay_88213'");
    desk.lea.approve(&decision).await;
    desk.decision_when(&decision, "voided").await;
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn an_approver_who_may_not_approve_any_more_has_not_approved() {
    let desk = Desk::edited(&[
        ("missions/refund.yaml", "approvals: 1", "approvals: 2"),
        ("people.yaml", "workers:", "  lou: { name: Lou Amsel, groups: [support-leads] }\nworkers:"),
    ])
    .await;
    let worker = desk.run().await;
    let lou = desk.person("lou").await;
    let decision = worker.propose(REFUND, refund(240)).await;
    lou.approve(&decision).await;
    desk.acme.edit(("people.yaml", "name: Lou Amsel, groups: [support-leads]", "name: Lou Amsel, groups: []"));
    desk.reload().await;
    voided(&desk, &worker, &decision).await;
}

#[tokio::test]
async fn a_case_that_is_given_to_somebody_else_is_gone() {
    let desk = Desk::edited(&[("missions/refund.yaml", "reads: 200", "reads: 100000")]).await;
    let worker = reading(&desk).await;
    desk.acme.in_shop("UPDATE cases SET agent = 'ben' WHERE case_id = 'C-1044'");
    // What is looked up about a person is used for a few seconds.
    wait::until("the case's rows are gone", async || (worker.rows(ORDERS).await == json!([])).then_some(())).await;
    worker.call(REFUND, refund(240)).await.refused("fact_missing");
}

#[tokio::test]
async fn a_run_keeps_its_mission_and_definitions_that_are_wrong_change_nothing() {
    let desk = Desk::open().await;
    let worker = reading(&desk).await;
    desk.acme.edit(("missions/refund.yaml", "  - tool: shop.notify_customer", "  - tool: shop.cancel_pending_order"));
    desk.server.signal("HUP");
    wait::until("the new definitions are refused", async || {
        desk.server.log().contains("the old ones stay in force").then_some(())
    })
    .await;
    assert_eq!(desk.lea.get("/api/health").await.ok()["epoch"], 1);
    worker.rows(ORDERS).await;
    // Another version of the mission is for new runs.
    desk.acme.edit(("missions/refund.yaml", "  - tool: shop.cancel_pending_order", "  - tool: shop.notify_customer"));
    desk.acme.edit((
        "missions/refund.yaml",
        "context.input.to == context.facts.email",
        "context.input.to == \"nobody\"",
    ));
    desk.reload().await;
    worker.propose(NOTE, note("as started")).await;
    desk.run().await.call(NOTE, note("as it is now")).await.refused("not_permitted");
}

/// A run that reads an order now.
async fn reading(desk: &Desk) -> Worker {
    let worker = desk.run().await;
    assert_eq!(worker.rows(ORDERS).await, json!([["#W2611340"]]));
    worker
}

/// Approves, and sees the decision voided with nothing sent; gives the reasons on the rail.
async fn voided(desk: &Desk, worker: &Worker, decision: &str) -> Vec<Json> {
    desk.lea.approve(decision).await;
    let told = worker.wait(decision).await;
    assert_eq!(told["status"], "voided", "{told}");
    desk.acme.nothing_was_done();
    assert!(desk.events(worker.run(), "intent_recorded").await.is_empty(), "nothing was even meant to be sent");
    let events = desk.events(worker.run(), "decision_voided").await;
    let event = events.iter().find(|event| event["decision"] == decision).expect("the reasons are on the rail");
    event["reasons"].as_array().expect("reasons").clone()
}
