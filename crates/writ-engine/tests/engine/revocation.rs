//! What is taken away holds at the next call, in running runs too; a mission stays as it was when its run started.

use serde_json::{Value as Json, json};
use writ_core::decision::DecisionStatus;
use writ_engine::StartError;
use writ_engine::token::Audience;
use writ_engine::view::WorkerAccess;

use crate::desk::{Desk, HOUR, T0, refund, token};

async fn payments(desk: &Desk, run: &WorkerAccess) -> Vec<Json> {
    let sql = json!({ "sql": "SELECT payment_id FROM shop.payments ORDER BY payment_id" });
    let answer = desk.call(run, "knowledge_query", sql).await;
    answer.content["rows"].as_array().unwrap_or_else(|| panic!("{}", answer.content)).clone()
}

#[tokio::test]
async fn attributes_are_looked_up_anew() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    assert_eq!(payments(&desk, &run).await, [json!(["p-1"]), json!(["p-2"])]);
    desk.site.sql("UPDATE cases SET agent = 'zoe' WHERE case_id = 'k-1'");
    desk.pass(5_000);
    assert!(payments(&desk, &run).await.is_empty());
    let (code, _) = desk.refused(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await;
    assert_eq!(code, "fact_missing");
    assert_eq!(desk.upstream().reads(), 0);
    // The same holds for people: whoever got the case may start, who lost it may not.
    assert!(desk.start_by("ana", "k-1").await.is_err());
    assert!(desk.start_by("zoe", "k-1").await.is_ok());
    desk.site.sql("UPDATE cases SET agent = 'ana' WHERE case_id = 'k-1'");
    desk.pass(5_000);
    assert_eq!(payments(&desk, &run).await.len(), 2);
}

#[tokio::test]
async fn new_rules_hold_at_the_next_call() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    assert!(!desk.call(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await.is_error);
    desk.site.edit("policy/entitlements.cedar", "Action::\"pay.get_payment\"", "Action::\"pay.notify\"");
    desk.reload().await;
    let (code, _) = desk.refused(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await;
    assert_eq!(code, "not_permitted");
    assert_eq!(desk.refusals(&run).await[0].2[0].set, "entitlements");
    assert_eq!(desk.upstream().reads(), 1);
    // And rows: the same table, another rule.
    let own = "principal.customers.contains(resource.customer_id) };\n\n@id(\"support-looks-up\")";
    let none = "resource.customer_id == \"nobody\" };\n\n@id(\"support-looks-up\")";
    desk.site.edit("policy/entitlements.cedar", own, none);
    desk.reload().await;
    assert!(payments(&desk, &run).await.is_empty());
}

#[tokio::test]
async fn definitions_that_are_wrong_change_nothing() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let epoch = desk.engine.health().await.epoch;
    desk.site.edit("policy/guardrails.cedar", "permit (principal", "permit (principle");
    let Err(StartError::Problems(problems)) = desk.engine.reload(desk.site.path()).await else { panic!("it loaded") };
    assert!(problems.iter().any(|problem| problem.file == "policy/guardrails.cedar"), "{problems:?}");
    assert_eq!(desk.engine.health().await.epoch, epoch);
    assert_eq!(payments(&desk, &run).await.len(), 2);
}

#[tokio::test]
async fn a_mission_stays_as_it_was_started() {
    let desk = Desk::new().await;
    let before = desk.start("k-1").await;
    desk.site.edit("missions/settle.yaml", "lessThanOrEqual", "lessThan");
    desk.reload().await;
    let after = desk.start("k-1").await;
    let all = refund("p-2", 50.0);
    let (code, _) = desk.refused(&after, "pay_refund", all.clone()).await;
    assert_eq!(code, "not_permitted");
    let id = desk.propose(&before, "pay_refund", all).await;
    desk.approve(&id).await;
    desk.until(&id, DecisionStatus::Succeeded).await;
}

#[tokio::test]
async fn a_disabled_worker_or_person_does_nothing_more() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    desk.site.edit("people.yaml", "purpose: Settles cases.", "disabled: true");
    desk.reload().await;
    let (code, _) = desk.refused(&run, "knowledge_query", json!({ "sql": "SELECT 1" })).await;
    assert_eq!(code, "not_permitted");
    assert!(desk.start_by("ana", "k-1").await.is_err());
    desk.site.edit("people.yaml", "disabled: true\n", "purpose: Settles cases.\n");
    desk.reload().await;
    assert_eq!(payments(&desk, &run).await.len(), 2);

    let ana = "ana: { name: Ana, groups: [support, leads]";
    desk.site.edit("people.yaml", ana, &format!("{ana}, disabled: true"));
    desk.reload().await;
    let (code, _) = desk.refused(&run, "knowledge_query", json!({ "sql": "SELECT 1" })).await;
    assert_eq!(code, "not_permitted");
    let token = token(Audience::Api, "ana", T0, T0 + HOUR, "t-2");
    assert!(desk.engine.authenticate_person(&token).is_err());
}
