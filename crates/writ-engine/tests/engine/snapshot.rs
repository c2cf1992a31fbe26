//! A server that is down when Writ starts: what the operator looked at last stands for it, and nothing more than that.

use std::sync::Arc;

use serde_json::json;
use writ_core::decision::DecisionStatus;
use writ_engine::pin::Snapshot;
use writ_engine::workspace::{Workspace, check};

use crate::desk::{Desk, MINUTE, Site, T0, note};
use crate::restart::life;

/// What `pay` offers now is what the operator looked at last.
fn looked_at(site: &Site) {
    Snapshot::of("pay", &site.upstream.description("pay")).unwrap().save(site.path()).unwrap();
}

/// A first server's life, in which a run starts and proposes a letter; afterwards the integration is down.
fn before(site: &Arc<Site>) -> (String, String) {
    let begun = life(async {
        let desk = Desk::at(site.clone(), T0).await;
        let started = desk.start_by("ana", "k-1").await.unwrap();
        let run = desk.engine.authenticate_worker(&started.token).unwrap();
        let id = desk.propose(&run, "pay_notify", note()).await;
        (started.token, id)
    });
    site.upstream.goes_down("pay");
    begun
}

#[tokio::test]
async fn without_a_snapshot_nothing_starts() {
    let site = Site::new();
    site.upstream.goes_down("pay");
    let workspace = Workspace::load(site.path()).unwrap();
    let problems = check(&workspace, &*site.upstream).await.unwrap_err();
    assert!(problems.iter().any(|problem| problem.to_string().contains("`pay` is not available")), "{problems:?}");
    looked_at(&site);
    let workspace = Workspace::load(site.path()).unwrap();
    assert!(check(&workspace, &*site.upstream).await.is_ok());
}

#[test]
fn a_restart_goes_on_with_what_was_looked_at_last() {
    let site = Site::new();
    looked_at(&site);
    let (token, id) = before(&site);
    life(async {
        let desk = Desk::at(site.clone(), T0 + MINUTE).await;
        let run = desk.engine.authenticate_worker(&token).unwrap();
        let tools = desk.engine.worker_tools(&run).await.unwrap();
        assert!(tools.iter().any(|tool| tool.name == "pay_refund"));
        let (code, _) = desk.refused(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await;
        assert_eq!(code, "not_sent");
        // The proposal is the same one, and can be decided; it is sent once the server is there.
        assert_eq!(desk.propose(&run, "pay_notify", note()).await, id);
        desk.approve(&id).await;
        desk.settle_down(500).await;
        assert_eq!(desk.decision(&id).await.status, DecisionStatus::Approved);
        assert!(site.upstream.effects().is_empty());
        desk.engine.inspect_integrations().await;
        assert!(desk.engine.quarantines().is_empty());
        site.upstream.comes_up("pay");
        desk.swept_until(&id, DecisionStatus::Succeeded).await;
        assert_eq!(site.upstream.effects().len(), 1);
    });
}

#[test]
fn a_server_that_comes_back_as_another_gets_nothing() {
    let site = Site::new();
    looked_at(&site);
    let (token, id) = before(&site);
    site.upstream.redescribe("notify", "Writes to everybody.");
    life(async {
        let desk = Desk::at(site.clone(), T0 + MINUTE).await;
        let run = desk.engine.authenticate_worker(&token).unwrap();
        desk.approve(&id).await;
        desk.settle_down(200).await;
        site.upstream.comes_up("pay");
        desk.swept_until(&id, DecisionStatus::Voided).await;
        assert!(site.upstream.effects().is_empty());
        assert_eq!(desk.refused(&run, "pay_notify", note()).await.0, "tool_quarantined");
    });
}
