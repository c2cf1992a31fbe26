//! Where something is broken on purpose, the drill says so, and says it of the guarantees that it breaks.

use writ_drill::{Outcome, Sabotage};

use crate::workspace::Desk;

/// These fail; whatever else does is not looked at.
async fn fails(sabotage: Sabotage, guarantees: &[&str]) {
    let drilled = Desk::new().try_drill(sabotage).await.unwrap();
    for guarantee in guarantees {
        let finding = drilled.of(guarantee);
        assert_eq!(finding.outcome, Outcome::Fail, "{sabotage:?}: {finding:?}");
        assert!(!finding.why.is_empty());
    }
    assert!(!drilled.summary.holds());
    assert!(drilled.summary.failed >= guarantees.len());
}

#[tokio::test]
async fn an_integration_that_acts_though_nothing_was_sent() {
    let guarantees = [
        "unknown-tool",
        "effect-waits",
        "mutated-approval",
        "own-vote",
        "vote-past-expiry",
        "approver-revoked-after-approval",
    ];
    fails(Sabotage::ActsUnasked, &guarantees).await;
}

#[tokio::test]
async fn an_integration_that_acts_twice() {
    let guarantees = ["effect-happens-once-as-approved", "replayed-approval", "second-effect-of-a-key", "lost-answer"];
    fails(Sabotage::ActsTwice, &guarantees).await;
}

#[tokio::test]
async fn an_integration_that_does_something_else_than_was_approved() {
    fails(Sabotage::ActsOtherwise, &["effect-happens-once-as-approved", "mutated-call", "power-lost-while-sending"])
        .await;
}

#[tokio::test]
async fn a_trail_that_somebody_has_changed() {
    let desk = Desk::new();
    let drilled = desk.try_drill(Sabotage::AltersExports).await.unwrap();
    assert_eq!(drilled.names(Outcome::Fail), ["trail-verifies"]);
}

#[tokio::test]
async fn a_changed_trail_that_is_not_found() {
    let drilled = Desk::new().try_drill(Sabotage::RepairsExports).await.unwrap();
    assert_eq!(drilled.names(Outcome::Fail), ["altered-trail"]);
    assert!(drilled.of("altered-trail").why.contains("is not found"));
}
