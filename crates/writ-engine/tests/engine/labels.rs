//! What a run has read follows it: labels of an integration and of a tool hold from the next call on, however its record
//! is kept.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use writ_engine::upstream::Nobody;
use writ_engine::view::WorkerAccess;

use crate::consulting::{CANARY, Consulting, call, passed};
use crate::desk::{Site, note};
use crate::play::Play;
use crate::records;

/// A workspace in which a result does not wait for its record to be on disk.
fn buffered() -> Arc<Site> {
    let site = records::site();
    site.edit("writ.yaml", "origin: test.example/desk", "origin: test.example/desk, reads: buffered");
    site
}

fn written(text: &str) -> Json {
    json!({ "text": text })
}

async fn is_forbidden(consulting: &Consulting, run: &WorkerAccess, tool: &str, arguments: Json, policy: &str) {
    let (code, message) = consulting.desk.refused(run, tool, arguments).await;
    assert_eq!(code, "not_permitted", "{message}");
    let refusals = consulting.desk.refusals(run).await;
    let (_, _, reasons) = refusals.last().unwrap();
    let forbids = |set: &str| reasons.iter().any(|reason| reason.set == set && reason.to_string().contains(policy));
    assert!(forbids("guardrails"), "{reasons:?}");
}

/// Reads a note, whose words nobody vouches for, and writes one at once.
async fn a_tools_label_holds_at_the_next_call(consulting: &Consulting) {
    for number in 0..5 {
        let run = consulting.another_run("k-1").await;
        consulting.desk.propose(&run, "records_write_note", written("before")).await;
        consulting.will(Play::structured(&json!({ "text": format!("Note {number}.") })));
        let read = call("records_get_note", &json!({ "note_id": "n-1" }));
        passed(consulting.desk.engine.worker_call(&run, read, Arc::new(Nobody)).await);
        is_forbidden(consulting, &run, "records_write_note", written("after"), "no-notes-after-untrusted-words").await;
        let labels = consulting.desk.run(&run).await.labels;
        assert_eq!(labels.iter().collect::<Vec<_>>(), ["outside", "untrusted"]);
    }
}

#[tokio::test]
async fn when_a_result_waits_for_its_record() {
    a_tools_label_holds_at_the_next_call(&Consulting::new().await).await;
}

#[tokio::test]
async fn when_a_result_does_not_wait_for_its_record() {
    a_tools_label_holds_at_the_next_call(&Consulting::at(buffered()).await).await;
}

#[tokio::test]
async fn the_limit_of_reads_holds_when_a_result_does_not_wait() {
    let consulting = Consulting::at(buffered()).await;
    let find = || json!({ "text": "lamp" });
    for _ in 0..60 {
        assert!(!consulting.desk.call(&consulting.run, "records_find", find()).await.is_error);
    }
    assert_eq!(consulting.refused("records_find", find()).await.0, "limit_reached");
    assert_eq!(consulting.desk.upstream().reads(), 60, "none past the limit is even sent");
    assert_eq!(consulting.desk.run(&consulting.run).await.reads, 60);
    assert_eq!(consulting.reads().await.len(), 60, "each is on the rail");
}

#[tokio::test]
async fn an_integrations_label_comes_with_whatever_it_answers() {
    let consulting = Consulting::new().await;
    consulting.desk.propose(&consulting.run, "pay_notify", note()).await;
    let plays = [
        ("order", json!({ "customer_id": "c-1" }), Play::error(CANARY)),
        ("records_find", written("lamp"), Play::error("no such thing")),
        ("records_find", written("lamp"), Play::structured(&json!({ "found": [] }))),
    ];
    for (tool, arguments, play) in plays {
        let run = consulting.another_run("k-1").await;
        consulting.will(play);
        consulting.desk.engine.worker_call(&run, call(tool, &arguments), Arc::new(Nobody)).await;
        let mut letter = note();
        letter["text"] = json!("Another letter.");
        is_forbidden(&consulting, &run, "pay_notify", letter, "no-mail-after-the-outside").await;
        // The tool's own label is another matter.
        consulting.desk.propose(&run, "records_write_note", written(tool)).await;
    }
}

/// A label is the run's, not the worker's or the person's.
#[tokio::test]
async fn another_run_is_not_labelled() {
    let consulting = Consulting::new().await;
    consulting.will(Play::structured(&json!({ "text": "It rained." })));
    consulting.passed("records_get_note", json!({ "note_id": "n-1" })).await;
    let another = consulting.another_run("k-1").await;
    assert!(consulting.desk.run(&another).await.labels.is_empty());
    consulting.desk.propose(&another, "records_write_note", written("elsewhere")).await;
}
