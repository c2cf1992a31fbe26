//! A server that ends at any moment: the next one finds what was recorded, knows what it cannot know, and sends nothing
//! twice that it may not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Builder;
use writ_core::decision::DecisionStatus;

use crate::desk::{Desk, MINUTE, Site, T0, note, refund};
use crate::fake_upstream::{Answer, Held};

/// One server's life: when it ends, whatever it was doing ends where it stands.
pub(crate) fn life<T>(lived: impl Future<Output = T>) -> T {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let end = runtime.block_on(lived);
    runtime.shutdown_timeout(Duration::from_secs(10));
    end
}

#[test]
fn an_intent_without_an_outcome_is_unknown() {
    let site = Site::new();
    site.upstream.will([Answer::Never]);
    let id = life(async {
        let desk = Desk::at(site.clone(), T0).await;
        let run = desk.start("k-1").await;
        let id = desk.propose(&run, "pay_notify", note()).await;
        desk.approve(&id).await;
        desk.until(&id, DecisionStatus::Sending).await;
        while site.upstream.effects().is_empty() {
            tokio::task::yield_now().await;
        }
        id
    });
    life(async {
        let desk = Desk::at(site.clone(), T0 + MINUTE).await;
        assert_eq!(desk.decision(&id).await.status, DecisionStatus::Unknown);
        desk.settle_down(500).await;
        assert_eq!(site.upstream.effects().len(), 1, "nobody knows, so nobody sends");
        let settled = desk.engine.settle(&desk.person("lea"), &id, true, "the customer has it").await.unwrap();
        assert_eq!(settled.decision.status, DecisionStatus::Succeeded);
    });
}

#[test]
fn an_intent_without_an_outcome_is_sent_again_with_its_key() {
    let site = Site::new();
    site.upstream.will([Answer::Never]);
    // Numbers that a careless reader of JSON would round.
    let mut arguments = refund("p-1", 40.5);
    arguments["memo"] = json!([0.1 + 0.2, 5e-324, 1.797_693_134_862_315_7e308, "\u{7f}\u{2028}"]);
    let (id, digest) = life(async {
        let desk = Desk::at(site.clone(), T0).await;
        let run = desk.start("k-1").await;
        let id = desk.propose(&run, "pay_refund", arguments.clone()).await;
        desk.approve(&id).await;
        desk.until(&id, DecisionStatus::Sending).await;
        while site.upstream.effects().is_empty() {
            tokio::task::yield_now().await;
        }
        let digest = desk.decision(&id).await.action_digest();
        (id, digest)
    });
    life(async {
        let desk = Desk::at(site.clone(), T0 + MINUTE).await;
        let decision = desk.swept_until(&id, DecisionStatus::Succeeded).await;
        assert_eq!((decision.action_digest(), decision.attempts), (digest, 2));
        let effects = site.upstream.effects();
        assert_eq!(effects.len(), 2);
        assert_eq!(effects[0], effects[1]);
        assert_eq!(serde_json::to_string(&effects[1].arguments).unwrap(), arguments.to_string());
    });
}

/// A refund that is approved and, for as long as the second value lives, not sent.
async fn approved_and_held(site: Arc<Site>) -> (String, Held) {
    let desk = Desk::at(site, T0).await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    let mut held = desk.upstream().hold_next_question();
    desk.approve(&id).await;
    held.arrived().await;
    (id, held)
}

#[test]
fn an_approval_that_was_not_used_is_used_once() {
    let site = Site::new();
    let (id, held) = life(approved_and_held(site.clone()));
    drop(held);
    assert!(site.upstream.effects().is_empty());
    life(async {
        let desk = Desk::at(site.clone(), T0 + MINUTE).await;
        assert_eq!(desk.decision(&id).await.status, DecisionStatus::Approved);
        desk.swept_until(&id, DecisionStatus::Succeeded).await;
        desk.settle_down(200).await;
        assert_eq!(site.upstream.effects().len(), 1);
    });
}

#[test]
fn an_approval_does_not_outlive_a_change_of_the_rules() {
    let site = Site::new();
    let (id, held) = life(approved_and_held(site.clone()));
    drop(held);
    // While nobody runs, the operator tightens a rule.
    site.edit("policy/guardrails.cedar", "decimal(\"0.0\")", "decimal(\"100.0\")");
    life(async {
        let desk = Desk::at(site.clone(), T0 + MINUTE).await;
        desk.swept_until(&id, DecisionStatus::Voided).await;
        assert!(site.upstream.effects().is_empty());
    });
}

#[test]
fn a_worker_finds_its_run_again() {
    let site = Site::new();
    let (token, id) = life(async {
        let desk = Desk::at(site.clone(), T0).await;
        let started = desk.start_by("ana", "k-1").await.unwrap();
        let run = desk.engine.authenticate_worker(&started.token).unwrap();
        desk.call(&run, "knowledge_query", json!({ "sql": "SELECT payment_id FROM shop.payments" })).await;
        let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
        (started.token, id)
    });
    life(async {
        let desk = Desk::at(site.clone(), T0 + MINUTE).await;
        let run = desk.engine.authenticate_worker(&token).unwrap();
        let status = desk.engine.attach(&run, "the same worker").await.unwrap();
        assert_eq!(status["decisions"][0]["decision"], id.as_str());
        assert_eq!(status["reads"]["used"], 1);
        assert_eq!(status["bound"]["customer"], "c-1");
        // The finished step is not taken twice, and a person decides on it as before.
        assert_eq!(desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await, id);
        desk.approve(&id).await;
        desk.until(&id, DecisionStatus::Succeeded).await;
        assert_eq!(site.upstream.effects().len(), 1);
    });
}
