//! Whose vote counts, on what, and until when.

use serde_json::json;
use writ_tests::story::{REFUND, refund};
use writ_tests::{Desk, wait};

/// Ana is a lead as well.
const ANA_LEADS: (&str, &str, &str) =
    ("people.yaml", "name: Ana Prieto, groups: [support]", "name: Ana Prieto, groups: [support, support-leads]");

#[tokio::test]
async fn the_person_acted_for_does_not_decide() {
    let desk = Desk::edited(&[ANA_LEADS]).await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    let shown = desk.ana.get(&format!("/api/decisions/{decision}")).await.ok();
    assert_eq!(shown["may_vote"], false);
    assert!(shown["may_not_vote_because"].as_str().unwrap().contains("acts for"), "{shown}");
    for approve in [true, false] {
        desk.ana.vote(&decision, approve, Some("mine")).await.refused(403, "vote_refused");
    }
    assert_eq!(desk.decision(&decision).await["votes"], json!([]));
    let refused = desk.events(worker.run(), "refused").await;
    assert_eq!(refused.len(), 2, "both attempts are on the rail: {refused:?}");
    assert!(refused.iter().all(|event| event["by"] == "ana" && event["code"] == "vote_refused"), "{refused:?}");
    // Anybody else's run is hers to decide.
    let bens = desk.run_for(&desk.ben, "C-1045").await;
    let note = json!({ "to": "elias.brandt@example.com", "subject": "Your move", "body": "noted" });
    let other = bens.propose("shop_notify_customer", note).await;
    assert_eq!(desk.ana.get(&format!("/api/decisions/{other}")).await.ok()["may_vote"], true);
}

#[tokio::test]
async fn what_is_none_of_ones_business_looks_absent() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let run = worker.run();
    let decision = worker.propose(REFUND, refund(240)).await;
    let digest = desk.decision(&decision).await["proposal"]["action_digest"].clone();
    let ben = &desk.ben;
    let unseen = ben.get(&format!("/api/decisions/{decision}")).await.refused(404, "decision_unknown");
    let absent = ben.get("/api/decisions/d-0000000000").await.refused(404, "decision_unknown");
    assert_eq!(unseen.replace(&decision, "?"), absent.replace("d-0000000000", "?"), "the two look alike");
    ben.vote_on(&decision, &digest, true, None).await.refused(404, "decision_unknown");
    ben.get(&format!("/api/runs/{run}")).await.refused(404, "run_not_open");
    ben.get(&format!("/api/runs/{run}/rail")).await.refused(404, "run_not_open");
    ben.post(&format!("/api/runs/{run}/stop"), &json!({ "reason": "mine" })).await.refused(404, "run_not_open");
    assert_eq!(ben.get("/api/decisions?show=all").await.ok()["decisions"], json!([]));
    assert_eq!(ben.get("/api/runs").await.ok()["runs"], json!([]));
    // Whoever started it sees it, and may not decide it; the lead does both.
    assert_eq!(desk.ana.get(&format!("/api/decisions/{decision}")).await.ok()["may_vote"], false);
    assert_eq!(desk.decision(&decision).await["may_vote"], true);
    assert_eq!(desk.decision(&decision).await["status"], "pending");
}

#[tokio::test]
async fn a_vote_names_what_was_shown() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    let other = desk.run().await.propose("shop_notify_customer", writ_tests::story::note("hello")).await;
    let digest = desk.decision(&other).await["proposal"]["action_digest"].clone();
    let before = desk.decision(&decision).await;
    for wrong in [digest, json!("0".repeat(64))] {
        desk.lea.vote_on(&decision, &wrong, true, None).await.refused(409, "digest_mismatch");
        desk.lea.vote_on(&decision, &wrong, false, Some("no")).await.refused(409, "digest_mismatch");
    }
    for malformed in [json!("0"), json!("X".repeat(64)), json!(null), json!(7)] {
        desk.lea.vote_on(&decision, &malformed, true, None).await.refused(400, "bad_arguments");
    }
    assert_eq!(desk.decision(&decision).await, before, "nothing has changed");
    let refused = desk.events(worker.run(), "refused").await;
    assert_eq!(refused.iter().filter(|event| event["code"] == "digest_mismatch").count(), 4, "{refused:?}");
    desk.lea.approve(&decision).await;
    worker.wait(&decision).await;
    assert_eq!(desk.acme.effects().len(), 1);
}

#[tokio::test]
async fn one_person_votes_once_however_many_votes_are_needed() {
    let desk = Desk::edited(&[
        ("missions/refund.yaml", "approvals: 1", "approvals: 2"),
        ("people.yaml", "workers:", "  lou: { name: Lou Amsel, groups: [support-leads] }\nworkers:"),
    ])
    .await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    assert_eq!(desk.lea.approve(&decision).await["status"], "pending");
    for approve in [true, false] {
        desk.lea.vote(&decision, approve, Some("again")).await.refused(403, "vote_refused");
    }
    assert_eq!(desk.decision(&decision).await["votes"].as_array().unwrap().len(), 1);
    desk.acme.nothing_was_done();
    desk.person("lou").await.approve(&decision).await;
    assert_eq!(worker.wait(&decision).await["status"], "succeeded");
    assert_eq!(desk.acme.effects().len(), 1);
}

#[tokio::test]
async fn a_vote_that_comes_too_late_is_none() {
    let desk = Desk::edited(&[("missions/refund.yaml", "within: 4h", "within: 1s")]).await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    wait::until("the decision's time is up", async || {
        let shown = desk.decision(&decision).await;
        (shown["may_vote"] == false).then_some(())
    })
    .await;
    desk.lea.vote(&decision, true, None).await.refused(409, "decision_closed");
    desk.decision_when(&decision, "expired").await;
    desk.lea.vote(&decision, true, None).await.refused(409, "decision_closed");
    assert_eq!(worker.wait(&decision).await["status"], "expired");
    desk.acme.nothing_was_done();
    // What nobody decided may be asked again, as a new decision.
    assert_ne!(worker.propose(REFUND, refund(240)).await, decision);
}

#[tokio::test]
async fn who_may_decide_depends_on_the_call() {
    let amount = ("policy/approvals.cedar", "decimal(\"1000.00\")", "decimal(\"100.00\")");
    let desk = Desk::edited(&[amount]).await;
    let worker = desk.run().await;
    let large = worker.propose(REFUND, refund(240)).await;
    desk.lea.vote(&large, true, None).await.refused(403, "vote_refused");
    desk.lea.vote(&large, false, Some("too much for me")).await.refused(403, "vote_refused");
    let small = desk.run().await.call(REFUND, refund(100)).await;
    small.refused("effect_key_taken");
    assert_eq!(desk.decision(&large).await["status"], "pending");
}
