//! What came back is recorded as it is: what was certainly not sent is tried again, what may have happened is sent again
//! only where the operator says that the integration knows the key, and otherwise waits for a person.

use serde_json::json;
use writ_core::code::Code;
use writ_core::decision::{Decision, DecisionStatus};
use writ_engine::view::WorkerAccess;

use crate::desk::{Desk, HOUR, MINUTE, note, refund};
use crate::fake_upstream::{Answer, Call};

/// The most attempts of one effect.
const ATTEMPTS_MAX: usize = 5;

async fn approved(desk: &Desk, tool: &str, arguments: serde_json::Value) -> (WorkerAccess, String) {
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, tool, arguments).await;
    desk.approve(&id).await;
    (run, id)
}

/// Every attempt was the same request with the same key.
fn one_request(effects: &[Call], id: &str) {
    assert_eq!(effects[0].key.as_deref(), Some(format!("writ-{id}").as_str()));
    assert!(effects.iter().all(|effect| *effect == effects[0]), "{effects:?}");
}

#[tokio::test]
async fn a_lost_answer_without_a_key_waits_for_a_person() {
    let desk = Desk::new().await;
    desk.upstream().will([Answer::Lost]);
    let (run, id) = approved(&desk, "pay_notify", note()).await;
    let lost = desk.until(&id, DecisionStatus::Unknown).await;
    assert_eq!(lost.note.as_deref(), Some("the connection broke"));
    // However often and however late the server looks: it is never sent again, and never called off.
    for _ in 0..20 {
        desk.pass(30 * MINUTE);
        desk.settle_down(20).await;
    }
    assert_eq!(desk.upstream().effects().len(), 1);
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Unknown);

    // Not the person acted for, and nobody without the right.
    for (who, code) in [("ana", Code::VoteRefused), ("eve", Code::DecisionUnknown)] {
        let refused = desk.engine.settle(&desk.person(who), &id, true, "I saw it").await.unwrap_err();
        assert_eq!(refused.code, code, "{who}");
    }
    let wordless = desk.engine.settle(&desk.person("lea"), &id, true, " \n").await.unwrap_err();
    assert_eq!(wordless.code, Code::BadArguments);
    let settled = desk.engine.settle(&desk.person("lea"), &id, true, "the customer has it").await.unwrap();
    assert_eq!(settled.decision.status, DecisionStatus::Succeeded);
    let twice = desk.engine.settle(&desk.person("lou"), &id, false, "no").await.unwrap_err();
    assert_eq!(twice.code, Code::DecisionClosed);
    let decision = desk.decision(&id).await;
    assert_eq!((decision.status, decision.note.as_deref()), (DecisionStatus::Succeeded, Some("the customer has it")));
    assert_eq!(desk.upstream().effects().len(), 1);
    drop(run);
}

#[tokio::test]
async fn only_an_unknown_outcome_is_settled() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_notify", note()).await;
    let refused = desk.engine.settle(&desk.person("lea"), &id, true, "done").await.unwrap_err();
    assert_eq!(refused.code, Code::DecisionClosed);
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Pending);
}

#[tokio::test]
async fn a_lost_answer_with_a_key_is_asked_for_again() {
    let desk = Desk::new().await;
    desk.upstream().will([Answer::Lost]);
    let (_, id) = approved(&desk, "pay_refund", refund("p-1", 40.5)).await;
    desk.until(&id, DecisionStatus::Unknown).await;
    // It is the same effect, which may have changed the facts: it is not decided again.
    desk.site.sql("UPDATE payments SET refunded = 12345 WHERE payment_id = 'p-1'");
    let decision = desk.swept_until(&id, DecisionStatus::Succeeded).await;
    assert_eq!(decision.attempts, 2);
    let effects = desk.upstream().effects();
    assert_eq!(effects.len(), 2);
    one_request(&effects, &id);
    desk.settle_down(200).await;
    assert_eq!(desk.upstream().effects().len(), 2);
}

#[tokio::test]
async fn another_server_does_not_know_the_key() {
    let desk = Desk::new().await;
    desk.upstream().will([Answer::Lost]);
    let (_, id) = approved(&desk, "pay_refund", refund("p-1", 40.5)).await;
    desk.until(&id, DecisionStatus::Unknown).await;
    desk.upstream().introduce_as("fake 2.0");
    desk.settle_down(2_500).await;
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Unknown);
    assert_eq!(desk.upstream().effects().len(), 1);
}

#[tokio::test]
async fn a_key_is_used_so_many_times_and_no_more() {
    let desk = Desk::new().await;
    desk.upstream().will(vec![Answer::Lost; 2 * ATTEMPTS_MAX]);
    let (_, id) = approved(&desk, "pay_refund", refund("p-1", 40.5)).await;
    let decision = all_attempts(&desk, &id).await;
    assert_eq!(decision.status, DecisionStatus::Unknown);
    let settled = desk.engine.settle(&desk.person("lea"), &id, false, "it never arrived").await.unwrap();
    assert_eq!(settled.decision.status, DecisionStatus::Failed);
}

#[tokio::test]
async fn what_never_left_is_given_up_in_the_end() {
    let desk = Desk::new().await;
    desk.upstream().will(vec![Answer::NotSent; 2 * ATTEMPTS_MAX]);
    let (_, id) = approved(&desk, "pay_notify", note()).await;
    let decision = desk.swept_until(&id, DecisionStatus::Withdrawn).await;
    assert!(decision.note.unwrap().contains("nobody listens"));
    assert_eq!(desk.upstream().effects().len(), ATTEMPTS_MAX);
    one_request(&desk.upstream().effects(), &id);
}

/// Waits until every attempt has been made, and then for a while whether there is one more.
async fn all_attempts(desk: &Desk, id: &str) -> Decision {
    for _ in 0..60 {
        desk.settle_down(500).await;
        if desk.upstream().effects().len() >= ATTEMPTS_MAX {
            break;
        }
    }
    desk.settle_down(1_000).await;
    assert_eq!(desk.upstream().effects().len(), ATTEMPTS_MAX);
    one_request(&desk.upstream().effects(), id);
    desk.decision(id).await
}

#[tokio::test]
async fn what_did_not_leave_is_tried_again_and_succeeds() {
    let desk = Desk::new().await;
    desk.upstream().will([Answer::NotSent, Answer::NotSent]);
    let (run, id) = approved(&desk, "pay_notify", note()).await;
    let decision = desk.swept_until(&id, DecisionStatus::Succeeded).await;
    assert_eq!((decision.attempts, desk.upstream().effects().len()), (3, 3));
    one_request(&desk.upstream().effects(), &id);
    let kinds: Vec<&str> =
        desk.rail(&run).await.iter().filter(|event| event.decision().is_some()).map(|event| event.kind()).collect();
    let attempt = ["intent_recorded", "not_sent"];
    let expected = [["proposed", "voted"], attempt, attempt, ["intent_recorded", "outcome_recorded"]];
    assert_eq!(kinds, expected.concat());
}

#[tokio::test]
async fn what_did_not_leave_is_decided_again_before_it_is_tried_again() {
    let desk = Desk::new().await;
    desk.upstream().will([Answer::NotSent]);
    let (_, id) = approved(&desk, "pay_refund", refund("p-1", 40.5)).await;
    desk.until(&id, DecisionStatus::Approved).await;
    desk.site.sql("UPDATE payments SET refunded = 12000 WHERE payment_id = 'p-1'");
    desk.swept_until(&id, DecisionStatus::Voided).await;
    assert!(desk.upstream().effects().len() <= 1, "only what did not leave");
}

/// The first attempt may have happened. That the second one certainly did not leave does not change this: the decision
/// is neither called off nor does it let go of its effect key.
#[tokio::test]
async fn what_may_have_happened_is_never_called_off() {
    let desk = Desk::new().await;
    desk.upstream().will([Answer::Lost, Answer::NotSent]);
    let (run, id) = approved(&desk, "pay_refund", refund("p-1", 40.5)).await;
    desk.until(&id, DecisionStatus::Unknown).await;
    // As if it had happened: it would not be allowed once more.
    desk.site.sql("UPDATE payments SET refunded = 12345 WHERE payment_id = 'p-1'");
    for _ in 0..50 {
        desk.settle_down(100).await;
        if desk.upstream().effects().len() >= 2 {
            break;
        }
    }
    desk.pass(5 * HOUR);
    desk.settle_down(200).await;
    let decision = desk.decision(&id).await;
    let may_have_happened = !matches!(
        decision.status,
        DecisionStatus::Approved | DecisionStatus::Voided | DecisionStatus::Expired | DecisionStatus::Withdrawn
    );
    assert!(may_have_happened, "{:?}: {:?}", decision.status, decision.note);
    assert!(decision.status.holds_effect_key());
    drop(run);
}

#[tokio::test]
async fn an_unknown_outcome_keeps_its_key_from_others() {
    let desk = Desk::new().await;
    desk.upstream().will(vec![Answer::Lost; ATTEMPTS_MAX]);
    let (run, id) = approved(&desk, "pay_refund", refund("p-1", 40.5)).await;
    desk.until(&id, DecisionStatus::Unknown).await;
    let (code, _) = desk.refused(&run, "pay_refund", refund("p-1", 20.0)).await;
    assert_eq!(code, "effect_key_taken");
    let another = desk.start("k-1").await;
    let (code, _) = desk.refused(&another, "pay_refund", refund("p-1", 40.5)).await;
    assert_eq!(code, "effect_key_taken");
    // The run that asked sees that nobody knows.
    let again = desk.call(&run, "pay_refund", refund("p-1", 40.5)).await;
    assert_eq!(again.content["pending"]["status"], json!("unknown"));
}
