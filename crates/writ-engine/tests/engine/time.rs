//! Time fails closed: what nobody decided in time, and what was not sent in time, is over.

use writ_core::code::Code;
use writ_core::decision::DecisionStatus;
use writ_core::event::Event;
use writ_core::run::RunStatus;

use crate::desk::{Desk, HOUR, MINUTE, note, refund};
use crate::fake_upstream::Answer;

#[tokio::test]
async fn nobody_votes_after_the_deadline() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    desk.pass(4 * HOUR);
    // Nobody has looked at time yet: the vote itself is too late.
    let refused = desk.vote("lea", &id, true).await.unwrap_err();
    assert_eq!(refused.code, Code::DecisionClosed);
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Pending);
    assert_eq!(desk.refusals(&run).await[0].1, Code::DecisionClosed);
    desk.settle_down(100).await;
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Expired);
    let refused = desk.vote("lea", &id, true).await.unwrap_err();
    assert_eq!(refused.code, Code::DecisionClosed);
    assert!(desk.upstream().effects().is_empty());
    // Its run lives on, and may ask anew: another decision, with another deadline.
    let anew = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    assert_ne!(anew, id);
    desk.approve(&anew).await;
    desk.until(&anew, DecisionStatus::Succeeded).await;
}

#[tokio::test]
async fn a_millisecond_before_the_deadline_is_in_time() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    desk.pass(4 * HOUR - 1);
    desk.settle_down(40).await;
    desk.approve(&id).await;
    desk.until(&id, DecisionStatus::Succeeded).await;
}

#[tokio::test]
async fn an_approval_that_could_not_be_used_in_time_expires() {
    let desk = Desk::new().await;
    desk.upstream().will([Answer::NotSent]);
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_notify", note()).await;
    desk.approve(&id).await;
    while desk.decision(&id).await.attempts == 0 {
        tokio::task::yield_now().await;
    }
    desk.until(&id, DecisionStatus::Approved).await;
    desk.settle_down(20).await;
    desk.pass(4 * HOUR);
    desk.swept_until(&id, DecisionStatus::Expired).await;
    // Whoever was about to try again wakes up too late.
    desk.settle_down(2_500).await;
    assert_eq!(desk.upstream().effects().len(), 1);
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Expired);
}

#[tokio::test]
async fn a_run_without_proposals_ends_with_its_time() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    desk.pass(30 * MINUTE);
    let (code, _) = desk.refused(&run, "pay_refund", refund("p-1", 40.5)).await;
    assert_eq!(code, "run_not_open");
    desk.settle_down(40).await;
    assert_eq!(desk.run(&run).await.status, RunStatus::Expired);
}

#[tokio::test]
async fn a_run_that_waits_ends_after_its_decisions() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    // The time in which a proposal waits does not count.
    desk.pass(4 * HOUR);
    desk.settle_down(40).await;
    let waited = desk.run(&run).await;
    assert_eq!((waited.status, waited.open_decisions.len()), (RunStatus::Running, 0));
    desk.pass(30 * MINUTE);
    desk.settle_down(40).await;
    assert_eq!(desk.run(&run).await.status, RunStatus::Expired);
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Expired);
}

#[tokio::test]
async fn a_run_that_nobody_looked_at_ends_with_all_that_was_open() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let refund = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    let note = desk.propose(&run, "pay_notify", note()).await;
    desk.pass(1_000 * HOUR - 1);
    desk.settle_down(40).await;
    let ended = desk.run(&run).await;
    assert_eq!((ended.status, ended.open_decisions.len()), (RunStatus::Expired, 0));
    for id in [refund, note] {
        assert!(desk.decision(&id).await.status.is_final());
    }
    assert!(desk.upstream().effects().is_empty());
}

#[tokio::test]
async fn a_run_that_is_stopped_takes_back_what_was_not_sent() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let refund = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    let note = desk.propose(&run, "pay_notify", note()).await;
    // Who may neither see the run nor stop it learns nothing of it.
    let refused = desk.engine.stop_run(&desk.person("eve"), run.run(), "no").await.unwrap_err();
    assert_eq!(refused.code, Code::RunNotOpen);
    desk.engine.stop_run(&desk.person("ana"), run.run(), "a mistake").await.unwrap();
    for id in [&refund, &note] {
        assert_eq!(desk.decision(id).await.status, DecisionStatus::Withdrawn);
    }
    let refused = desk.vote("lea", &refund, true).await.unwrap_err();
    assert_eq!(refused.code, Code::DecisionClosed);
    let twice = desk.engine.stop_run(&desk.person("ana"), run.run(), "again").await.unwrap_err();
    assert_eq!(twice.code, Code::RunNotOpen);
    // Stop and withdrawals are one record: nothing stands between them.
    let kinds: Vec<&str> = desk.rail(&run).await.iter().map(Event::kind).collect();
    let at = kinds.iter().position(|kind| *kind == "run_stopped").unwrap();
    assert_eq!(kinds[at..at + 3], ["run_stopped", "decision_withdrawn", "decision_withdrawn"]);
    // The key is free for another run.
    let another = desk.start("k-1").await;
    desk.propose(&another, "pay_refund", crate::desk::refund("p-1", 40.5)).await;
}
