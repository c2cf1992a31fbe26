//! Where two must agree, two different people do, and one no is enough.

use serde_json::{Value as Json, json};
use writ_core::code::Code;
use writ_core::decision::DecisionStatus;

use crate::desk::{Desk, refund};

fn closing() -> Json {
    json!({ "customer_id": "c-1" })
}

#[tokio::test]
async fn two_different_people_are_needed() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_close_account", closing()).await;
    desk.approve(&id).await;
    let twice = desk.vote("lea", &id, true).await.unwrap_err();
    assert_eq!(twice.code, Code::VoteRefused);
    // Neither can the same person take the yes back by a no.
    let no = desk.vote("lea", &id, false).await.unwrap_err();
    assert_eq!(no.code, Code::VoteRefused);
    desk.settle_down(100).await;
    let decision = desk.decision(&id).await;
    assert_eq!((decision.status, decision.votes.len()), (DecisionStatus::Pending, 1));
    assert!(desk.upstream().effects().is_empty(), "one is not two");
    desk.vote("lou", &id, true).await.unwrap();
    desk.until(&id, DecisionStatus::Succeeded).await;
    assert_eq!(desk.upstream().effects().len(), 1);
    let codes: Vec<Code> = desk.refusals(&run).await.into_iter().map(|(_, code, _)| code).collect();
    assert_eq!(codes, [Code::VoteRefused, Code::VoteRefused]);
}

#[tokio::test]
async fn one_no_ends_it_and_the_worker_reads_why() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_close_account", closing()).await;
    desk.approve(&id).await;
    // A no needs a reason.
    let digest = desk.decision(&id).await.action_digest();
    let mute = desk.engine.vote(&desk.person("lou"), &id, digest, false, Some("  ".to_owned())).await.unwrap_err();
    assert_eq!(mute.code, Code::BadArguments);
    let view = desk.vote("lou", &id, false).await.unwrap();
    assert_eq!(view.decision.status, DecisionStatus::Rejected);
    let late = desk.vote("mia", &id, true).await.unwrap_err();
    assert_eq!(late.code, Code::DecisionClosed);
    desk.settle_down(100).await;
    assert!(desk.upstream().effects().is_empty());

    let answer = desk.call(&run, "decision_wait", json!({ "decision": id, "seconds": 5 })).await;
    assert_eq!(answer.content["decision"]["note"], "I looked at it");
    let (code, message) = desk.refused(&run, "pay_close_account", closing()).await;
    assert_eq!(code, "rejected_before");
    assert!(message.contains("I looked at it"), "{message}");
    // Another run may ask again.
    let another = desk.start("k-1").await;
    desk.propose(&another, "pay_close_account", closing()).await;
}

#[tokio::test]
async fn the_person_acted_for_does_not_decide() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    // Ana is a lead with the right to decide refunds, only not her own.
    let view = desk.engine.decision(&desk.person("ana"), &id).await.unwrap();
    assert!(!view.may_vote);
    for approve in [true, false] {
        let own = desk.vote("ana", &id, approve).await.unwrap_err();
        assert_eq!(own.code, Code::VoteRefused);
    }
    assert!(desk.decision(&id).await.votes.is_empty());
}

#[tokio::test]
async fn whoever_may_not_see_a_decision_does_not_learn_that_it_is_there() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    let there = desk.engine.decision(&desk.person("eve"), &id).await.unwrap_err();
    let not_there = desk.engine.decision(&desk.person("eve"), "d-none").await.unwrap_err();
    assert_eq!((there.code, not_there.code), (Code::DecisionUnknown, Code::DecisionUnknown));
    assert_eq!(there.message.replace(&id, "d-none"), not_there.message);
    let vote = desk.vote("eve", &id, true).await.unwrap_err();
    assert_eq!(vote.code, Code::DecisionUnknown);
    assert!(desk.decision(&id).await.votes.is_empty());
}

#[tokio::test]
async fn a_lead_without_the_queue_sees_it_and_may_not_vote() {
    let desk = Desk::new().await;
    desk.site.sql("DELETE FROM approvers WHERE person = 'lou'");
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    assert!(!desk.engine.decision(&desk.person("lou"), &id).await.unwrap().may_vote);
    assert_eq!(desk.vote("lou", &id, true).await.unwrap_err().code, Code::VoteRefused);
    let (by, code, reasons) = desk.refusals(&run).await.remove(0);
    assert_eq!((by.as_deref(), code), (Some("lou"), Code::VoteRefused));
    assert!(reasons.iter().any(|reason| reason.set == "approvals"), "{reasons:?}");
}
