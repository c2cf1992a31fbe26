//! How an approved effect can end beside success and failure: the integration wants more than was approved, makes a task
//! of it, or was never linked. And what a read tells where the person has not linked it.

use serde_json::{Value as Json, json};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::event::Event;
use writ_engine::permit::{Request, TaskStep};
use writ_engine::upstream::{Answer as Answered, Sent};
use writ_engine::view::WorkerAccess;

use crate::desk::{Desk, note};
use crate::fake_upstream::Answer;
use crate::play::{Play, object};

/// A letter that is approved, and what it comes to.
async fn approved(desk: &Desk, play: Play, status: DecisionStatus) -> (WorkerAccess, Decision) {
    desk.upstream().will([play]);
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_notify", note()).await;
    desk.approve(&id).await;
    let decision = desk.until(&id, status).await;
    (run, decision)
}

/// What the integration says of its task, in order.
fn stands(desk: &Desk, hows: &[Json]) {
    desk.upstream().reads_will(hows.iter().map(Play::message));
}

#[tokio::test]
async fn what_wants_more_than_was_approved_is_left_to_a_person() {
    let desk = Desk::new().await;
    let play = Play::wants("elicitation/create", "s-1");
    let (_, decision) = approved(&desk, play, DecisionStatus::Unknown).await;
    assert_eq!(decision.note.as_deref(), Some("the integration asks for more input than was approved"));
    desk.settle_down(200).await;
    assert_eq!((desk.upstream().effects().len(), desk.upstream().reads()), (1, 0));
}

#[tokio::test]
async fn a_task_is_followed_to_its_result() {
    let desk = Desk::new().await;
    let result = json!({ "content": [], "structuredContent": { "sent": true } });
    stands(&desk, &[json!({ "status": "working" }), json!({ "status": "completed", "result": result })]);
    let (_, decision) = approved(&desk, Play::task("t-1"), DecisionStatus::Succeeded).await;
    assert_eq!((decision.result, decision.attempts), (Some(json!({ "sent": true })), 1));
    let look = Request::Task { task: "t-1".to_owned(), step: TaskStep::Get };
    assert_eq!(desk.upstream().asked_for(), [look.clone(), look]);
    assert_eq!(desk.upstream().effects().len(), 1);
}

#[tokio::test]
async fn a_task_that_fails_is_a_failure() {
    for (how, result) in [
        (json!({ "status": "failed", "error": { "message": "no paper" } }), json!({ "message": "no paper" })),
        (
            json!({ "status": "completed", "result": { "isError": true, "structuredContent": { "left": 0 } } }),
            json!({ "left": 0 }),
        ),
    ] {
        let desk = Desk::new().await;
        stands(&desk, &[how]);
        let (_, decision) = approved(&desk, Play::task("t-1"), DecisionStatus::Failed).await;
        assert_eq!(decision.result, Some(result));
    }
}

/// The same result is the same outcome, whether it came at once or from a task.
#[tokio::test]
async fn a_result_from_a_task_is_recorded_as_one_that_came_at_once() {
    let text = |text: &str| json!([{ "type": "text", "text": text }]);
    for (message, result, status) in [
        (json!({ "content": text("it is on its way") }), json!("it is on its way"), DecisionStatus::Succeeded),
        (json!({ "content": text(r#"{"sent": true}"#) }), json!({ "sent": true }), DecisionStatus::Succeeded),
        (
            json!({ "content": text("no"), "structuredContent": { "left": 1 } }),
            json!({ "left": 1 }),
            DecisionStatus::Succeeded,
        ),
        (json!({ "content": text("no paper"), "isError": true }), json!("no paper"), DecisionStatus::Failed),
    ] {
        let at_once = Play::of(Sent::Answered(Answered::of_tool(object(&message))));
        let desk = Desk::new().await;
        let (_, decision) = approved(&desk, at_once, status).await;
        assert_eq!(decision.result.as_ref(), Some(&result), "at once: {message}");

        let desk = Desk::new().await;
        stands(&desk, &[json!({ "status": "completed", "result": message })]);
        let (_, decision) = approved(&desk, Play::task("t-1"), status).await;
        assert_eq!(decision.result, Some(result), "from a task: {message}");
    }
}

/// It may have happened, so nobody but a person says whether it did.
#[tokio::test]
async fn a_task_without_a_result_is_unknown() {
    for status in ["cancelled", "input_required"] {
        let desk = Desk::new().await;
        stands(&desk, &[json!({ "status": status })]);
        let (_, decision) = approved(&desk, Play::task("t-1"), DecisionStatus::Unknown).await;
        desk.settle_down(200).await;
        assert_eq!(desk.decision(decision.id()).await.status, DecisionStatus::Unknown, "{status}");
        assert_eq!(desk.upstream().effects().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn what_is_not_linked_is_not_sent_and_says_so() {
    let desk = Desk::new().await;
    desk.upstream().will([Play::of(Sent::NotLinked), Answer::Done.into()]);
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_notify", note()).await;
    desk.approve(&id).await;
    desk.swept_until(&id, DecisionStatus::Succeeded).await;
    let why = desk.rail(&run).await.into_iter().find_map(|event| match event {
        Event::NotSent { why, .. } => Some(why),
        _ => None,
    });
    assert_eq!(why.as_deref(), Some("`ana` has not linked `pay`"));
}

#[tokio::test]
async fn a_read_says_what_the_person_must_do() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    desk.upstream().reads_will([Play::of(Sent::NotLinked)]);
    let (code, message) = desk.refused(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await;
    assert_eq!(code, "not_linked");
    assert!(message.contains("`ana`") && message.contains("`pay`"), "{message}");
    assert_eq!(desk.run(&run).await.reads, 0, "nothing was read");
    // What did not arrive, or got lost, is not told apart, and the reason is for people.
    let lost = Sent::Lost("10.0.0.7: the connection broke".to_owned());
    for sent in [Sent::NotSent("10.0.0.7: nobody listens".to_owned()), lost] {
        desk.upstream().reads_will([Play::of(sent)]);
        let (code, message) = desk.refused(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await;
        assert_eq!((code.as_str(), message.contains("10.0.0.7")), ("not_sent", false));
        let refusals = desk.refusals(&run).await;
        assert!(refusals.last().unwrap().2[0].detail.contains("10.0.0.7"));
    }
}
