//! Asking again for the same finds what is there already: a step is never made twice.

use serde_json::{Value as Json, json};
use writ_tests::Desk;
use writ_tests::story::{NOTE, REFUND, note, refund};

#[tokio::test]
async fn an_identical_call_finds_its_decision_and_later_its_result() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    assert_eq!(worker.propose(REFUND, refund(240)).await, decision);
    // Neither the order of arguments, nor how a number is written, nor the reason makes it another call.
    let same = json!({ "writ_reason": "again", "amount": 240.0, "payment_id": "pay_88213" });
    assert_eq!(worker.propose(REFUND, same).await, decision);
    assert_eq!(desk.run_view(worker.run()).await["proposals"], 1);

    desk.lea.approve(&decision).await;
    let done = worker.wait(&decision).await;
    for _ in 0..3 {
        let again = worker.call(REFUND, refund(240)).await.ok();
        assert_eq!(again["decision"], done, "the recorded result");
    }
    assert_eq!(desk.acme.effects().len(), 1);
    assert_eq!(desk.lea.decisions("all").await.len(), 1);
}

#[tokio::test]
async fn many_identical_calls_at_once_are_one_proposal() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let worker = worker.clone();
            tokio::spawn(async move { worker.propose(NOTE, note("once")).await })
        })
        .collect();
    let mut decisions = Vec::new();
    for call in calls {
        decisions.push(call.await.unwrap());
    }
    decisions.dedup();
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    desk.lea.approve(&decisions[0]).await;
    worker.wait(&decisions[0]).await;
    assert_eq!(desk.acme.effects().len(), 1);
}

#[tokio::test]
async fn votes_at_once_send_once() {
    let desk =
        Desk::edited(&[("people.yaml", "workers:", "  lou: { name: Lou Amsel, groups: [support-leads] }\nworkers:")])
            .await;
    let lou = desk.person("lou").await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    let digest = desk.decision(&decision).await["proposal"]["action_digest"].clone();
    let votes = (0..8).map(|turn| {
        let (person, decision, digest) =
            (if turn % 2 == 0 { &desk.lea } else { &lou }, decision.clone(), digest.clone());
        let person = person.clone();
        tokio::spawn(async move { person.vote_on(&decision, &digest, true, None).await.status })
    });
    let votes: Vec<_> = votes.collect();
    let mut counted = 0;
    for vote in votes {
        counted += usize::from(vote.await.unwrap() == 200);
    }
    assert_eq!(counted, 1, "one vote was needed, and no more than one is counted");
    assert_eq!(worker.wait(&decision).await["status"], "succeeded");
    assert_eq!(desk.acme.effects().len(), 1);
    assert_eq!(desk.events(worker.run(), "intent_recorded").await.len(), 1);
}

#[tokio::test]
async fn a_worker_that_comes_back_is_told_what_was_done() {
    let mut desk = Desk::open().await;
    let worker = desk.run().await;
    let sql = "SELECT order_id FROM shop.orders";
    worker.rows(sql).await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.lea.approve(&decision).await;
    let done = worker.wait(&decision).await;
    let open = worker.propose(NOTE, note("on its way")).await;

    // Both come back: the server after a kill, and the worker after that.
    desk.server.kill().await;
    desk.restart().await;
    let worker = worker.at(desk.address());
    let introduced = worker.ask("server/discover", json!({})).await;
    let told = &introduced["result"]["_meta"]["writ.dev/run"];
    assert_eq!(told["reads"]["statements"], json!([{ "statement": sql, "rows": 1 }]), "{introduced}");
    let decisions = told["decisions"].as_array().unwrap();
    let of = |id: &str| decisions.iter().find(|told| told["decision"] == id).cloned().unwrap_or(Json::Null);
    assert_eq!((&of(&decision)["status"], &of(&decision)["result"]), (&json!("succeeded"), &done["result"]));
    assert_eq!(of(&open)["status"], "pending");
    let status = worker.call("run_status", json!({})).await.ok();
    assert_eq!(status["decisions"], told["decisions"]);

    assert_eq!(worker.call(REFUND, refund(240)).await.ok()["decision"], done);
    assert_eq!(worker.propose(NOTE, note("on its way")).await, open);
    assert_eq!(desk.acme.effects().len(), 1);
}
