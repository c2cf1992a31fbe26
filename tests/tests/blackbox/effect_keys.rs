//! One business effect happens once, whichever run asks for it.

use serde_json::json;
use writ_tests::Desk;
use writ_tests::story::{REFUND, refund};

#[tokio::test]
async fn two_runs_that_ask_for_the_same_refund_lead_to_one() {
    let mut desk = Desk::open().await;
    let (first, second) = (desk.run().await, desk.run().await);
    let decision = first.propose(REFUND, refund(100)).await;
    // Pending: neither the same amount nor another one, since the key is the payment.
    for amount in [100, 60] {
        second.call(REFUND, refund(amount)).await.refused("effect_key_taken");
    }
    desk.lea.approve(&decision).await;
    assert_eq!(first.wait(&decision).await["status"], "succeeded");
    // Done: 140.00 are left, which policy would allow.
    for worker in [&first, &second] {
        worker.call(REFUND, refund(60)).await.refused("effect_key_taken");
    }
    // The key is held in the record, not in memory.
    desk.server.kill().await;
    desk.restart().await;
    let second = second.at(desk.address());
    second.call(REFUND, refund(60)).await.refused("effect_key_taken");
    assert_eq!(desk.acme.effects().len(), 1);
    let refused = desk.events(second.run(), "refused").await;
    assert_eq!(refused.len(), 4, "{refused:?}");
}

#[tokio::test]
async fn what_did_not_happen_frees_the_key() {
    let desk = Desk::open().await;
    let (first, second) = (desk.run().await, desk.run().await);
    let decision = first.propose(REFUND, refund(100)).await;
    second.call(REFUND, refund(100)).await.refused("effect_key_taken");
    desk.lea.vote(&decision, false, Some("not this one")).await.ok();
    let decision = second.propose(REFUND, refund(100)).await;
    let stop = json!({ "reason": "enough" });
    desk.lea.post(&format!("/api/runs/{}/stop", second.run()), &stop).await.ok();
    assert_eq!(desk.decision(&decision).await["status"], "withdrawn");
    let third = desk.run().await;
    let decision = third.propose(REFUND, refund(100)).await;
    desk.lea.approve(&decision).await;
    assert_eq!(third.wait(&decision).await["status"], "succeeded");
    assert_eq!(desk.acme.effects().len(), 1);
}

#[tokio::test]
async fn of_many_runs_that_ask_at_once_one_gets_the_key() {
    let desk = Desk::open().await;
    let mut asking = Vec::new();
    for _ in 0..8 {
        let worker = desk.run().await;
        asking.push(tokio::spawn(async move { worker.call(REFUND, refund(100)).await }));
    }
    let mut pending = 0;
    for asked in asking {
        let answer = asked.await.unwrap();
        if answer.is_error {
            answer.refused("effect_key_taken");
        } else {
            pending += 1;
        }
    }
    assert_eq!(pending, 1);
    assert_eq!(desk.lea.decisions("open").await.len(), 1);
}
