//! A run ends where its limits, its time or a person say so.

use serde_json::json;
use writ_tests::story::{NOTE, REFUND, note, refund};
use writ_tests::{Desk, wait};

const MISSION: &str = "missions/refund.yaml";

#[tokio::test]
async fn reads_are_counted() {
    let desk = Desk::edited(&[(MISSION, "reads: 200", "reads: 3")]).await;
    let worker = desk.run().await;
    worker.rows("SELECT order_id FROM shop.orders").await;
    let search = json!({ "collection": "handbook.policies", "text": "refund" });
    worker.call("knowledge_search", search.clone()).await.ok();
    worker.query("SELECT nosuch FROM shop.orders").await.refused("sql_unknown_name");
    worker.rows("SELECT order_id FROM shop.orders").await;
    worker.query("SELECT order_id FROM shop.orders").await.refused("limit_reached");
    worker.call("knowledge_search", search).await.refused("limit_reached");
    let run = desk.run_view(worker.run()).await;
    assert_eq!((&run["reads"], &run["refused"]), (&json!(3), &json!(3)));
    assert_eq!(desk.events(worker.run(), "read").await.len(), 3, "what was not released is not recorded as read");
    // The rest of the mission goes on.
    worker.propose(REFUND, refund(240)).await;
}

#[tokio::test]
async fn rows_are_counted_and_withheld() {
    let desk = Desk::edited(&[(MISSION, "rows: 5000", "rows: 2")]).await;
    let worker = desk.run().await;
    worker.rows("SELECT order_id FROM shop.orders").await;
    let answer = worker.query("SELECT path, body FROM handbook.policies").await;
    assert!(!answer.content.to_string().contains("returns.md"), "{answer:?}");
    answer.refused("limit_reached");
    worker.rows("SELECT order_id FROM shop.orders").await;
    assert_eq!(desk.run_view(worker.run()).await["rows"], 2);
}

#[tokio::test]
async fn proposals_are_counted() {
    let desk = Desk::edited(&[(MISSION, "proposals: 10", "proposals: 2")]).await;
    let worker = desk.run().await;
    let first = worker.propose(NOTE, note("one")).await;
    worker.propose(NOTE, note("two")).await;
    worker.call(NOTE, note("three")).await.refused("limit_reached");
    assert_eq!(worker.propose(NOTE, note("one")).await, first, "asking again for the same is no new proposal");
    assert_eq!(desk.lea.decisions("all").await.len(), 2);
}

#[tokio::test]
async fn a_run_ends_with_its_time() {
    let desk = Desk::edited(&[(MISSION, "for: 30m", "for: 1s")]).await;
    let worker = desk.run().await;
    wait::until("the run's time is up", async || {
        let answer = worker.query("SELECT 1").await;
        answer.is_error.then(|| answer.refused("run_not_open"))
    })
    .await;
    wait::until("the run has expired", async || {
        (desk.run_view(worker.run()).await["status"] == "expired").then_some(())
    })
    .await;
    worker.call(REFUND, refund(240)).await.refused("run_not_open");
    assert_eq!(desk.events(worker.run(), "run_expired").await.len(), 1);
}

#[tokio::test]
async fn a_stop_holds_at_the_next_call() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    let path = format!("/api/runs/{}/stop", worker.run());
    desk.lea.post(&path, &json!({ "reason": "  " })).await.refused(400, "bad_arguments");
    desk.lea.post(&path, &json!({})).await.refused(400, "bad_arguments");
    let stopped = desk.lea.post(&path, &json!({ "reason": "wrong customer" })).await.ok();
    assert_eq!(stopped["status"], "stopped");

    let message = worker.query("SELECT 1").await.refused("run_not_open");
    assert!(message.contains("stopped"), "{message}");
    worker.call(REFUND, refund(240)).await.refused("run_not_open");
    worker.call("conclude", json!({ "verdict": {} })).await.refused("run_not_open");
    for method in ["server/discover", "tools/list"] {
        let answer = worker.ask(method, json!({})).await;
        assert_eq!(answer["error"]["data"]["code"], "run_not_open", "{method}: {answer}");
    }
    let withdrawn = desk.decision(&decision).await;
    assert_eq!((&withdrawn["status"], &withdrawn["may_vote"]), (&json!("withdrawn"), &json!(false)));
    desk.lea.vote(&decision, true, None).await.refused(409, "decision_closed");
    desk.acme.nothing_was_done();
    let events = desk.rail(worker.run()).await;
    let stop = events.iter().position(|event| event["event"] == "run_stopped").unwrap();
    assert_eq!((&events[stop]["by"], &events[stop]["reason"]), (&json!("lea"), &json!("wrong customer")));
    assert_eq!(events[stop + 1]["event"], "decision_withdrawn", "in the same record");
}

#[tokio::test]
async fn whoever_the_run_acts_for_may_stop_it() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let path = format!("/api/runs/{}/stop", worker.run());
    assert_eq!(desk.ana.post(&path, &json!({ "reason": "mistaken" })).await.ok()["status"], "stopped");
    desk.ana.post(&path, &json!({ "reason": "again" })).await.refused(404, "run_not_open");
}
