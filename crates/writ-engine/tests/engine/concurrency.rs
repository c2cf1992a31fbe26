//! Everybody at once: one decision for one call, one send for one decision, one effect for one key.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use writ_core::decision::DecisionStatus;
use writ_core::event::Event;

use crate::desk::{Desk, note, refund};
use crate::workspace::LEADS;

/// The decision that an answer is about, or the code of the refusal.
fn decision_or_code(content: &Json) -> String {
    let found = ["/pending/decision", "/decision/decision", "/refused/code"].map(|at| content.pointer(at));
    found.into_iter().flatten().next().and_then(Json::as_str).unwrap_or_else(|| panic!("{content}")).to_owned()
}

async fn all_at_once(desk: &Arc<Desk>, runs: usize, calls: Vec<(&'static str, Json)>) -> Vec<String> {
    let mut workers = Vec::new();
    for _ in 0..runs {
        workers.push(desk.start("k-1").await);
    }
    let calls = calls.into_iter().enumerate().map(|(at, (tool, arguments))| {
        let (desk, run) = (desk.clone(), workers[at % runs].clone());
        tokio::spawn(async move { decision_or_code(&desk.call(&run, tool, arguments).await.content) })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_call_made_many_times_is_one_decision() {
    let desk = Arc::new(Desk::new().await);
    for (tool, arguments) in [("pay_notify", note()), ("pay_refund", refund("p-1", 40.5))] {
        let answers = all_at_once(&desk, 1, vec![(tool, arguments); 16]).await;
        let decisions: BTreeSet<&String> = answers.iter().collect();
        assert_eq!(decisions.len(), 1, "{tool}: {decisions:?}");
        let id = &answers[0];
        desk.approve(id).await;
        desk.until(id, DecisionStatus::Succeeded).await;
    }
    assert_eq!(desk.upstream().effects().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_effect_asked_for_by_many_runs_is_one_decision() {
    let desk = Arc::new(Desk::new().await);
    let answers = all_at_once(&desk, 8, vec![("pay_refund", refund("p-1", 40.5)); 16]).await;
    let decisions: BTreeSet<&String> = answers.iter().filter(|answer| *answer != "effect_key_taken").collect();
    assert_eq!(decisions.len(), 1, "{answers:?}");
    // Its own run asked twice, and finds it both times; the seven others are refused.
    assert_eq!(answers.iter().filter(|answer| *answer == "effect_key_taken").count(), 14, "{answers:?}");
    let id = decisions.into_iter().next().unwrap();
    desk.approve(id).await;
    desk.until(id, DecisionStatus::Succeeded).await;
    // Once it has happened, nobody gets it again.
    let later = all_at_once(&desk, 2, vec![("pay_refund", refund("p-1", 10.0)); 2]).await;
    assert_eq!(later, ["effect_key_taken", "effect_key_taken"]);
    assert_eq!(desk.upstream().effects().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_approvers_at_once_send_once() {
    let desk = Arc::new(Desk::new().await);
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_close_account", json!({ "customer_id": "c-1" })).await;
    let votes = LEADS.map(|who| {
        let (desk, id) = (desk.clone(), id.clone());
        tokio::spawn(async move { desk.vote(who, &id, true).await.is_ok() })
    });
    let mut counted = 0;
    for vote in votes {
        counted += usize::from(vote.await.unwrap());
    }
    let decision = desk.until(&id, DecisionStatus::Succeeded).await;
    desk.settle_down(300).await;
    assert_eq!((counted, decision.votes.len()), (2, 2));
    assert_eq!(desk.upstream().effects().len(), 1);
    let rail = desk.rail(&run).await;
    let count = |kind: &str| rail.iter().filter(|event| event.kind() == kind).count();
    assert_eq!((count("voted"), count("intent_recorded"), count("outcome_recorded")), (2, 1, 1));
    // Whoever came too late is on the rail as well.
    let late = rail.iter().filter(|event| matches!(event, Event::Refused { by: Some(_), .. })).count();
    assert_eq!(late, LEADS.len() - 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_yes_and_a_no_at_once_are_one_of_both() {
    let desk = Arc::new(Desk::new().await);
    let mut expected = 0;
    for _ in 0..10 {
        let run = desk.start("k-1").await;
        let id = desk.propose(&run, "pay_notify", note()).await;
        let votes = [("lea", true), ("lou", false)].map(|(who, approve)| {
            let (desk, id) = (desk.clone(), id.clone());
            tokio::spawn(async move { desk.vote(who, &id, approve).await.is_ok() })
        });
        let mut counted = 0;
        for vote in votes {
            counted += usize::from(vote.await.unwrap());
        }
        assert_eq!(counted, 1, "the second vote is too late");
        while !desk.decision(&id).await.status.is_final() {
            desk.settle_down(20).await;
        }
        match desk.decision(&id).await.status {
            DecisionStatus::Succeeded => expected += 1,
            DecisionStatus::Rejected => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(desk.upstream().effects().len(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_hold_under_pressure() {
    let desk = Arc::new(Desk::new().await);
    let run = desk.start("k-1").await;
    let calls = (0..16).map(|number| {
        let (desk, run) = (desk.clone(), run.clone());
        tokio::spawn(async move {
            let text = json!({ "to": "one@example.com", "text": format!("note {number}") });
            decision_or_code(&desk.call(&run, "pay_notify", text).await.content)
        })
    });
    let mut refused = 0;
    for call in calls.collect::<Vec<_>>() {
        refused += usize::from(call.await.unwrap() == "limit_reached");
    }
    assert_eq!(refused, 10, "six proposals are what the mission allows");
    let run = desk.run(&run).await;
    assert_eq!((run.proposals, run.open_decisions.len(), run.refused), (6, 6, 10));
}
