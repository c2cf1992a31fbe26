//! What a person approved happens once, byte for byte, and is on the rail from the proposal to the outcome.

use serde_json::{Value as Json, json};
use writ_core::code::Code;
use writ_core::decision::DecisionStatus;
use writ_core::digest::{Digest, canonical};
use writ_core::event::Event;

use crate::desk::{Desk, note, refund};
use crate::fake_upstream::Answer;

#[tokio::test]
async fn an_approved_effect_happens_once_as_approved() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let arguments = json!({
        "payment_id": "p-1", "amount": 40.5, "note": "für Ana \u{202e}", "memo": { "z": [1, 2.5, null], "a": 1e-7 },
    });
    let id = desk.propose(&run, "pay_refund", arguments.clone()).await;
    desk.settle_down(60).await;
    assert!(desk.upstream().effects().is_empty(), "nothing is sent before a person has decided");

    // What is shown is what is hashed.
    let view = desk.engine.decision(&desk.person("lea"), &id).await.unwrap();
    let digest = view.decision.action_digest();
    assert_eq!(Digest::of_bytes(view.canonical.as_bytes()), digest);
    assert!(view.may_vote);
    desk.approve(&id).await;
    let decision = desk.until(&id, DecisionStatus::Succeeded).await;
    desk.settle_down(100).await;

    let effects = desk.upstream().effects();
    assert_eq!(effects.len(), 1);
    assert_eq!((effects[0].tool.as_str(), effects[0].key.as_deref()), ("refund", Some(format!("writ-{id}").as_str())));
    let sent = Json::Object(effects[0].arguments.clone());
    assert_eq!(sent.to_string(), arguments.to_string(), "byte for byte, in the order of the call");
    let shown: Json = serde_json::from_str(&view.canonical).unwrap();
    assert_eq!(canonical(&sent).unwrap(), canonical(&shown["arguments"]).unwrap());
    assert_eq!(decision.result, Some(json!({ "done": true })));
    assert_eq!(decision.attempts, 1);

    // The same call again is answered from the record.
    let again = desk.call(&run, "pay_refund", arguments).await;
    assert_eq!(again.content["decision"]["decision"], id.as_str());
    assert_eq!(again.content["decision"]["status"], "succeeded");
    assert_eq!(desk.upstream().effects().len(), 1);
    the_rail_tells_it_in_order(&desk.rail(&run).await, &id, digest);
}

fn the_rail_tells_it_in_order(rail: &[Event], id: &str, digest: Digest) {
    let mut kinds = Vec::new();
    for event in rail.iter().filter(|event| event.decision() == Some(id)) {
        kinds.push(event.kind());
        match event {
            Event::Proposed(proposal) => {
                assert_eq!(proposal.action_digest, digest);
                assert_eq!(proposal.action.digest().unwrap(), digest);
                assert_eq!(proposal.effect_key.as_deref(), Some("refund:p-1"));
                assert_eq!(proposal.action.facts["refundable"], "123.45");
                assert!(!proposal.permitted_by.is_empty());
            }
            Event::Voted { vote, .. } => assert_eq!((vote.by.as_str(), vote.action_digest), ("lea", digest)),
            Event::IntentRecorded { action_digest, idempotency_key, attempt, .. } => {
                assert_eq!((*action_digest, *attempt), (digest, 1));
                assert_eq!(*idempotency_key, format!("writ-{id}"));
            }
            Event::OutcomeRecorded { succeeded, .. } => assert!(succeeded),
            other => panic!("{}", other.kind()),
        }
    }
    assert_eq!(kinds, ["proposed", "voted", "intent_recorded", "outcome_recorded"]);
}

#[tokio::test]
async fn an_identical_call_finds_its_decision_again() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    // Another order of the arguments, another way to write the number, another reason: the same call.
    let same = json!({ "amount": 40.50, "payment_id": "p-1", "writ_reason": "once more" });
    assert_eq!(desk.propose(&run, "pay_refund", same).await, id);
    assert_eq!(desk.run(&run).await.proposals, 1);
    // Another amount is another call, and the effect key holds it back.
    let (code, _) = desk.refused(&run, "pay_refund", refund("p-1", 40.25)).await;
    assert_eq!(code, "effect_key_taken");
}

#[tokio::test]
async fn the_worker_waits_and_concludes() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_notify", note()).await;
    let waiting = json!({ "decision": id, "seconds": 0 });
    let answer = desk.call(&run, "decision_wait", waiting).await;
    assert_eq!(answer.content["decision"]["status"], "pending");
    let (code, _) = desk.refused(&run, "conclude", json!({ "verdict": {} })).await;
    assert_eq!(code, "bad_verdict", "no verdict while a decision is open");
    let waiting = desk.call(&run, "decision_wait", json!({ "decision": id, "seconds": 20 }));
    let (answer, ()) = tokio::join!(waiting, desk.approve(&id));
    assert_eq!(answer.content["decision"]["status"], "succeeded");
    assert_eq!(answer.content["decision"]["result"], json!({ "done": true }));
    assert!(!desk.call(&run, "conclude", json!({ "verdict": { "ok": true } })).await.is_error);
    assert_eq!(desk.run(&run).await.verdict, Some(json!({ "ok": true })));
    let (code, _) = desk.refused(&run, "pay_notify", note()).await;
    assert_eq!(code, "run_not_open");
}

#[tokio::test]
async fn a_vote_names_what_was_shown() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 1.0)).await;
    let other = Digest::of_bytes(b"something else");
    let refused = desk.engine.vote(&desk.person("lea"), &id, other, true, None).await.unwrap_err();
    assert_eq!(refused.code, Code::DigestMismatch);
    assert!(desk.decision(&id).await.votes.is_empty());
    let refusals = desk.refusals(&run).await;
    assert_eq!((refusals[0].0.as_deref(), refusals[0].1), (Some("lea"), Code::DigestMismatch));
    // A refused vote is the person's, not the worker's.
    assert_eq!(desk.run(&run).await.refused, 0);
    desk.approve(&id).await;
    desk.until(&id, DecisionStatus::Succeeded).await;
}

#[tokio::test]
async fn an_integration_that_says_no_is_asked_once() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    desk.upstream().will([Answer::Failed]);
    let id = desk.propose(&run, "pay_refund", refund("p-1", 1.0)).await;
    desk.approve(&id).await;
    let decision = desk.until(&id, DecisionStatus::Failed).await;
    assert_eq!(decision.result, Some(json!("the account is frozen")));
    desk.settle_down(200).await;
    assert_eq!(desk.upstream().effects().len(), 1);
    let again = desk.call(&run, "pay_refund", refund("p-1", 1.0)).await;
    assert_eq!(again.content["decision"]["status"], "failed");
    assert_eq!(desk.upstream().effects().len(), 1);
}

#[tokio::test]
async fn a_read_goes_through_at_once_and_is_recorded() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let answer = desk.call(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await;
    assert_eq!(answer.content, json!({ "result": { "done": true } }));
    assert_eq!((desk.upstream().reads(), desk.upstream().effects().len()), (1, 0));
    let rail = desk.rail(&run).await;
    let digest = Digest::of_json(&json!({ "done": true })).unwrap();
    assert!(rail.iter().any(|event| matches!(event, Event::ToolRead { result, .. } if *result == digest)));
    assert_eq!(desk.run(&run).await.reads, 1);
}
