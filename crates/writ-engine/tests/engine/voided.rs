//! An approval holds for what it was given for: whatever changes between the vote and the send calls it off, and says
//! what has changed.

use serde_json::Value as Json;
use writ_core::decision::DecisionStatus;
use writ_core::event::Event;
use writ_engine::view::WorkerAccess;

use crate::desk::{Desk, refund};
use crate::fake_upstream::{Answer, Held};

/// A refund that is approved and about to be sent: the executor is held where it asks who the integration is.
async fn about_to_be_sent(desk: &Desk) -> (WorkerAccess, String, Held) {
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    let mut held = desk.upstream().hold_next_question();
    desk.approve(&id).await;
    held.arrived().await;
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Approved);
    (run, id, held)
}

/// A refund that is approved and did not leave: the next attempt is about a second away.
async fn about_to_be_tried_again(desk: &Desk) -> (WorkerAccess, String) {
    desk.upstream().will([Answer::NotSent]);
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    desk.approve(&id).await;
    while desk.decision(&id).await.attempts == 0 {
        tokio::task::yield_now().await;
    }
    desk.until(&id, DecisionStatus::Approved).await;
    (run, id)
}

/// Lets the executor go on. Nothing may leave, and the reasons must say why.
async fn is_voided(desk: &Desk, (run, id, held): (WorkerAccess, String, Held), because: &[&str]) -> WorkerAccess {
    held.release();
    called_off(desk, &run, &id, because).await;
    assert!(desk.upstream().effects().is_empty());
    run
}

async fn called_off(desk: &Desk, run: &WorkerAccess, id: &str, because: &[&str]) {
    let sent = desk.upstream().effects().len();
    desk.swept_until(id, DecisionStatus::Voided).await;
    desk.settle_down(100).await;
    assert_eq!(desk.upstream().effects().len(), sent);
    let rail = desk.rail(run).await;
    let reasons = rail.iter().find_map(|event| match event {
        Event::DecisionVoided { reasons, .. } => Some(reasons),
        _ => None,
    });
    let reasons: Vec<String> = reasons.unwrap().iter().map(ToString::to_string).collect();
    let said = reasons.join("\n");
    assert!(because.iter().all(|because| said.contains(because)), "{because:?} in: {said}");
    assert_eq!(rail.iter().filter(|event| matches!(event, Event::IntentRecorded { .. })).count(), sent);
}

#[tokio::test]
async fn when_facts_have_changed_so_that_it_is_not_allowed_any_more() {
    let desk = Desk::new().await;
    let about = about_to_be_sent(&desk).await;
    desk.site.sql("UPDATE payments SET refunded = 12000 WHERE payment_id = 'p-1'");
    is_voided(&desk, about, &["mission", "refundable", "3.45"]).await;
}

#[tokio::test]
async fn when_facts_have_changed_and_it_is_allowed_all_the_same() {
    let desk = Desk::new().await;
    let about = about_to_be_sent(&desk).await;
    desk.site.sql("UPDATE payments SET refunded = 1000 WHERE payment_id = 'p-1'");
    let earlier = about.1.clone();
    let run = is_voided(&desk, about, &["facts", "refundable", "123.45", "113.45"]).await;
    // The same call may be proposed on the facts as they are now.
    let anew = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    assert_ne!(anew, earlier);
    assert_eq!(desk.decision(&anew).await.proposal.action.facts["refundable"], Json::from("113.45"));
    desk.approve(&anew).await;
    desk.until(&anew, DecisionStatus::Succeeded).await;
}

#[tokio::test]
async fn when_the_facts_are_gone() {
    let desk = Desk::new().await;
    let about = about_to_be_sent(&desk).await;
    desk.site.sql("DELETE FROM payments WHERE payment_id = 'p-1'");
    is_voided(&desk, about, &["refundable"]).await;
}

#[tokio::test]
async fn when_the_tool_is_described_in_other_words() {
    let desk = Desk::new().await;
    let about = about_to_be_sent(&desk).await;
    desk.upstream().redescribe("refund", "Refunds a payment, twice.");
    is_voided(&desk, about, &["integration", "refund", "has changed"]).await;
}

#[tokio::test]
async fn when_the_tool_is_gone() {
    let desk = Desk::new().await;
    let about = about_to_be_sent(&desk).await;
    desk.upstream().withdraw("refund");
    is_voided(&desk, about, &["integration", "refund"]).await;
}

#[tokio::test]
async fn when_another_server_answers() {
    let desk = Desk::new().await;
    let about = about_to_be_sent(&desk).await;
    desk.upstream().introduce_as("fake 2.0");
    is_voided(&desk, about, &["integration", "fake 2.0"]).await;
}

#[tokio::test]
async fn when_a_guardrail_is_new() {
    let desk = Desk::new().await;
    let (run, id) = about_to_be_tried_again(&desk).await;
    let new =
        "@id(\"no-refunds-today\")\nforbid (principal, action == Action::\"pay.refund\", resource);\n\n@id(\"never";
    desk.site.edit("policy/guardrails.cedar", "@id(\"never", new);
    desk.reload().await;
    called_off(&desk, &run, &id, &["guardrails", "no-refunds-today"]).await;
}

#[tokio::test]
async fn when_any_rule_has_changed() {
    let desk = Desk::new().await;
    let (run, id) = about_to_be_tried_again(&desk).await;
    // It would still be allowed; but what was approved was approved under other rules.
    desk.site.edit("policy/approvals.cedar", "@id(\"leads-see", "// A remark.\n@id(\"leads-see");
    desk.reload().await;
    called_off(&desk, &run, &id, &["policy"]).await;
}

#[tokio::test]
async fn when_the_approver_has_left_the_group() {
    let desk = Desk::new().await;
    let (run, id) = about_to_be_tried_again(&desk).await;
    desk.site.edit("people.yaml", "lea: { name: Lea, groups: [leads] }", "lea: { name: Lea }");
    desk.reload().await;
    called_off(&desk, &run, &id, &[]).await;
}

#[tokio::test]
async fn when_the_approver_has_lost_a_looked_up_right() {
    let desk = Desk::new().await;
    let about = about_to_be_sent(&desk).await;
    desk.site.sql("DELETE FROM approvers WHERE person = 'lea'");
    desk.pass(5_000);
    is_voided(&desk, about, &["approvals", "`lea`"]).await;
}

#[tokio::test]
async fn when_the_person_acted_for_has_lost_the_case() {
    let desk = Desk::new().await;
    let about = about_to_be_sent(&desk).await;
    desk.site.sql("UPDATE cases SET agent = 'zoe' WHERE case_id = 'k-1'");
    desk.pass(5_000);
    is_voided(&desk, about, &["refundable"]).await;
}

#[tokio::test]
async fn a_stopped_run_sends_nothing_more() {
    let desk = Desk::new().await;
    let (run, id, held) = about_to_be_sent(&desk).await;
    desk.engine.stop_run(&desk.person("lea"), run.run(), "that is enough").await.unwrap();
    held.release();
    desk.settle_down(200).await;
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Withdrawn);
    assert!(desk.upstream().effects().is_empty());
    let (code, _) = desk.refused(&run, "pay_refund", refund("p-1", 40.5)).await;
    assert_eq!(code, "run_not_open");
}

#[tokio::test]
async fn a_change_that_is_none_of_its_business_stops_nothing() {
    let desk = Desk::new().await;
    let (_, id, held) = about_to_be_sent(&desk).await;
    desk.site.sql("UPDATE payments SET refunded = 4000 WHERE payment_id = 'p-2'");
    desk.site.sql("DELETE FROM cases WHERE case_id = 'k-9'");
    desk.upstream().redescribe("notify", "Writes a letter.");
    held.release();
    desk.until(&id, DecisionStatus::Succeeded).await;
    assert_eq!(desk.upstream().effects().len(), 1);
}
