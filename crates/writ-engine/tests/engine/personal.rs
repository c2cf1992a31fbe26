//! Connections that are people's own: what their servers offer is compared with what was pinned before a read leaves,
//! and only as often as something may have changed.

use serde_json::{Value as Json, json};
use writ_core::decision::DecisionStatus;
use writ_core::event::Event;
use writ_engine::pin::Snapshot;
use writ_engine::view::WorkerAccess;

use crate::desk::{Desk, Site, T0, note};

const READ: &str = "pay_get_payment";
/// Longer than one look is good for.
const A_WHILE: i64 = 31_000;

/// A desk at which everybody has a connection of their own to `pay`, and a run of Ana's.
async fn desk() -> (Desk, WorkerAccess) {
    let site = Site::new();
    Snapshot::of("pay", &site.upstream.description("pay")).unwrap().save(site.path()).unwrap();
    site.upstream.opens_for_each("pay");
    let desk = Desk::at(site, T0).await;
    let run = desk.start("k-1").await;
    (desk, run)
}

fn payment() -> Json {
    json!({ "payment_id": "p-1" })
}

fn in_quarantine(desk: &Desk) -> Vec<String> {
    desk.engine.quarantines().into_iter().map(|quarantine| quarantine.tool).collect()
}

async fn reads(desk: &Desk, run: &WorkerAccess) {
    let told = desk.call(run, READ, payment()).await;
    assert!(!told.is_error, "{}", told.content);
}

#[tokio::test]
async fn a_read_waits_for_a_look_after_each_opening_and_not_otherwise() {
    let (desk, run) = desk().await;
    reads(&desk, &run).await;
    reads(&desk, &run).await;
    assert_eq!(desk.upstream().looks(), ["ana"], "at the first one alone");
    desk.upstream().opens_for_each("pay");
    reads(&desk, &run).await;
    reads(&desk, &run).await;
    assert_eq!(desk.upstream().looks().len(), 2);
    desk.pass(A_WHILE);
    reads(&desk, &run).await;
    assert_eq!(desk.upstream().looks().len(), 3);
    desk.reload().await;
    reads(&desk, &run).await;
    assert_eq!(desk.upstream().looks().len(), 4, "other definitions have other pins");
    assert_eq!(desk.upstream().reads(), 6, "each was sent once");
}

#[tokio::test]
async fn calls_at_once_share_one_look() {
    let (desk, run) = desk().await;
    tokio::join!(reads(&desk, &run), reads(&desk, &run), reads(&desk, &run));
    assert_eq!(desk.upstream().looks(), ["ana"]);
    assert_eq!(desk.upstream().reads(), 3);
}

#[tokio::test]
async fn a_read_tool_that_has_changed_is_refused_and_recorded() {
    let (desk, run) = desk().await;
    reads(&desk, &run).await;
    let pending = desk.propose(&run, "pay_notify", note()).await;
    desk.upstream().redescribe("get_payment", "Looks a payment up, and tells somebody.");
    desk.upstream().redescribe("notify", "Writes to everybody.");
    desk.upstream().opens_for_each("pay");
    let (code, message) = desk.refused(&run, READ, payment()).await;
    assert_eq!(code, "tool_quarantined");
    assert!(!message.contains("tells somebody"), "{message}");
    assert_eq!(desk.upstream().reads(), 1, "nothing was sent");
    assert_eq!(in_quarantine(&desk), ["pay.get_payment", "pay.notify"]);
    assert_eq!(desk.decision(&pending).await.status, DecisionStatus::Voided);
    let refusals = desk.refusals(&run).await;
    let reasons = &refusals.last().unwrap().2;
    assert!(reasons.iter().any(|reason| reason.detail.contains("tells somebody")), "{reasons:?}");
    let read = desk.rail(&run).await.into_iter().filter(|event| matches!(event, Event::ToolRead { .. })).count();
    assert_eq!(read, 1, "what was not sent does not count");
    // Nor does it come back by itself, or by another opening.
    desk.upstream().redescribe("get_payment", "Looks a payment up.");
    desk.upstream().opens_for_each("pay");
    assert_eq!(desk.refused(&run, READ, payment()).await.0, "tool_quarantined");
    desk.reload().await;
    reads(&desk, &run).await;
}

#[tokio::test]
async fn a_server_that_changes_without_a_word_is_found_out() {
    let (desk, run) = desk().await;
    reads(&desk, &run).await;
    desk.upstream().introduce_as("fake 2.0");
    reads(&desk, &run).await;
    desk.pass(A_WHILE);
    assert_eq!(desk.refused(&run, READ, payment()).await.0, "tool_quarantined");
    assert_eq!(in_quarantine(&desk).len(), 4, "every tool of that server");
    assert_eq!(desk.upstream().reads(), 2);
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_sent_nothing() {
    let (desk, run) = desk().await;
    desk.upstream().goes_down("pay");
    assert_eq!(desk.refused(&run, READ, payment()).await.0, "not_sent");
    let refusals = desk.refusals(&run).await;
    assert!(refusals.last().unwrap().2[0].detail.contains("nobody listens"), "{refusals:?}");
    assert_eq!(desk.upstream().reads(), 0);
    assert!(in_quarantine(&desk).is_empty());
    desk.upstream().comes_up("pay");
    reads(&desk, &run).await;
}

#[tokio::test]
async fn what_one_person_is_not_offered_is_kept_from_nobody_else() {
    let (desk, run) = desk().await;
    let whole = desk.upstream().description("pay");
    desk.upstream().withdraw("get_payment");
    let (code, message) = desk.refused(&run, READ, payment()).await;
    assert_eq!(code, "not_sent");
    assert!(message.contains("`pay.get_payment`") && message.contains("`ana`"), "{message}");
    assert_eq!(desk.refused(&run, READ, payment()).await.0, "not_sent", "without another look");
    assert_eq!((desk.upstream().looks().len(), desk.upstream().reads()), (1, 0));
    assert!(in_quarantine(&desk).is_empty());
    desk.upstream().offer("pay", whole);
    desk.pass(A_WHILE);
    reads(&desk, &run).await;
}
