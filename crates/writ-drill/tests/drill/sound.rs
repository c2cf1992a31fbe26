//! Where everything is in order: what passes, what cannot be tried, and what is left behind.

use writ_drill::{CATALOGUE, DrillError, Outcome, Sabotage};

use crate::workspace::Desk;

#[tokio::test]
async fn everything_applies_and_holds_and_nothing_is_left_behind() {
    let desk = Desk::new();
    let before = desk.files();
    let drilled = desk.drill().await;
    assert!(drilled.told(Outcome::Fail).is_empty(), "{:?}", drilled.told(Outcome::Fail));
    assert!(drilled.told(Outcome::NotApplicable).is_empty(), "{:?}", drilled.told(Outcome::NotApplicable));
    assert!(drilled.summary.holds() && drilled.summary.passed >= 30, "{:?}", drilled.summary);
    let order: Vec<&str> = CATALOGUE.iter().map(|guarantee| guarantee.name).collect();
    assert_eq!(drilled.names(Outcome::Pass), order);
    assert!(desk.files() == before, "the drill wrote into the workspace");
}

#[tokio::test]
async fn examples_are_found_where_rows_and_schemas_suggest_them() {
    let desk = Desk::new();
    desk.remove("drill.yaml");
    desk.keep_snapshot();
    let drilled = desk.drill().await;
    assert!(drilled.told(Outcome::Fail).is_empty(), "{:?}", drilled.told(Outcome::Fail));
    // `close_account` takes what the narrowed schema says; of a payment's id nobody can know.
    for guarantee in ["effect-happens-once-as-approved", "own-vote", "lost-answer", "altered-trail"] {
        assert_eq!(drilled.of(guarantee).outcome, Outcome::Pass, "{:?}", drilled.of(guarantee));
    }
    let finding = drilled.of("second-effect-of-a-key");
    assert_eq!(finding.outcome, Outcome::NotApplicable);
    assert!(finding.why.contains("`pay.refund`") && finding.why.contains("write drill.yaml"), "{}", finding.why);
}

#[tokio::test]
async fn without_any_example_it_says_so() {
    let desk = Desk::new();
    desk.keep_snapshot();
    desk.remove("drill.yaml");
    desk.edit("missions/settle.yaml", "case_id = $case", "$case = case_id");
    let drilled = desk.drill().await;
    let finding = drilled.of("effect-waits");
    assert_eq!(finding.outcome, Outcome::NotApplicable);
    assert!(finding.why.contains("no example for mission `settle`; write drill.yaml"), "{}", finding.why);
    assert!(!drilled.summary.holds(), "a drill of nothing is no good news");
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_the_reason_for_everything() {
    let desk = Desk::new();
    desk.remove("data/payments.csv");
    let drilled = desk.drill().await;
    assert_eq!(drilled.summary.not_applicable, CATALOGUE.len());
    assert!(!drilled.summary.holds());
    assert!(drilled.of("unknown-tool").why.contains("payments"), "{:?}", drilled.of("unknown-tool"));
}

#[tokio::test]
async fn wrong_definitions_are_no_drill() {
    let desk = Desk::new();
    desk.edit("missions/settle.yaml", "worker: desk", "worker: nobody");
    assert!(
        matches!(desk.try_drill(Sabotage::Nothing).await, Err(DrillError::Problems(problems)) if !problems.is_empty())
    );
    let desk = Desk::new();
    desk.edit("drill.yaml", "examples:", "exampels:");
    assert!(
        matches!(desk.try_drill(Sabotage::Nothing).await, Err(DrillError::Problems(problems)) if problems.len() == 1)
    );
}

#[tokio::test]
async fn an_example_that_the_rules_refuse_is_named() {
    let desk = Desk::new();
    desk.edit("drill.yaml", "amount: 40.5", "amount: 4000.5");
    desk.keep_snapshot();
    let drilled = desk.drill().await;
    let finding = drilled.of("second-effect-of-a-key");
    assert_eq!(finding.outcome, Outcome::NotApplicable);
    assert!(finding.why.contains("not_permitted"), "{}", finding.why);
}
