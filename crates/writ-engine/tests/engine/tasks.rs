//! A decision, seen by its worker as a task: who can decide, what came of it, and a way to take it back.

use serde_json::{Value as Json, json};
use writ_core::code::Code;
use writ_core::decision::DecisionStatus;
use writ_core::event::Event;
use writ_core::value::format_datetime;
use writ_engine::view::{TaskStatus, TaskView, WorkerAccess};

use crate::desk::{Desk, HOUR, MINUTE, T0, note, refund};
use crate::fake_upstream::Answer;

async fn refunding(desk: &Desk) -> (WorkerAccess, String) {
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    (run, id)
}

async fn task(desk: &Desk, run: &WorkerAccess, id: &str) -> TaskView {
    let view = desk.engine.worker_task(run, id).await.unwrap();
    assert_eq!(view.task, id);
    view
}

async fn said(desk: &Desk, run: &WorkerAccess, id: &str) -> String {
    task(desk, run, id).await.message.unwrap()
}

#[tokio::test]
async fn a_task_that_waits_says_who_can_decide() {
    let desk = Desk::new().await;
    let (run, id) = refunding(&desk).await;
    let view = task(&desk, &run, &id).await;
    assert_eq!((view.status, view.created_at, view.updated_at), (TaskStatus::Working, T0, T0));
    assert!(view.result.is_none() && view.error.is_none() && view.asks.is_empty());
    let until = format_datetime(T0 + 4 * HOUR);
    // Ana has the right as well, only not in what is done for her.
    let expected = format!("waits for 1 approval until {until}; can decide: lea, lou, mia, noa, oto and others");
    assert_eq!(view.message.unwrap(), expected);
    desk.site.sql("DELETE FROM approvers WHERE person NOT IN ('ana', 'rex')");
    desk.pass(5_000);
    assert!(said(&desk, &run, &id).await.ends_with("can decide: rex"));
    desk.site.sql("DELETE FROM approvers");
    desk.pass(5_000);
    assert!(said(&desk, &run, &id).await.contains("nobody at present"));
}

#[tokio::test]
async fn a_vote_is_counted() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_close_account", json!({ "customer_id": "c-1" })).await;
    assert!(said(&desk, &run, &id).await.starts_with("waits for 2 approvals until "));
    desk.pass(MINUTE);
    desk.approve(&id).await;
    let view = task(&desk, &run, &id).await;
    assert_eq!((view.status, view.created_at, view.updated_at), (TaskStatus::Working, T0, T0 + MINUTE));
    let message = view.message.unwrap();
    assert!(message.starts_with("waits for 1 approval until ") && !message.contains("lea"), "{message}");
}

#[tokio::test]
async fn what_is_approved_is_completed_with_its_result() {
    let desk = Desk::new().await;
    let (run, id) = refunding(&desk).await;
    desk.approve(&id).await;
    desk.until(&id, DecisionStatus::Succeeded).await;
    let view = task(&desk, &run, &id).await;
    assert_eq!(view.status, TaskStatus::Completed);
    let result = Json::Object(view.result.unwrap());
    assert_eq!(result["isError"], json!(false));
    let decision = &result["structuredContent"]["decision"];
    assert_eq!((&decision["decision"], &decision["status"]), (&json!(id), &json!("succeeded")));
    assert_eq!(decision["result"], json!({ "done": true }));
    let text: Json = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"]);
}

#[tokio::test]
async fn what_is_rejected_or_fails_is_completed_with_an_error() {
    let desk = Desk::new().await;
    let (run, id) = refunding(&desk).await;
    desk.vote("lea", &id, false).await.unwrap();
    desk.upstream().will([Answer::Failed]);
    let failing = desk.propose(&run, "pay_notify", note()).await;
    desk.approve(&failing).await;
    desk.until(&failing, DecisionStatus::Failed).await;
    let expired = desk.propose(&run, "pay_close_account", json!({ "customer_id": "c-1" })).await;
    desk.pass(4 * HOUR);
    desk.swept_until(&expired, DecisionStatus::Expired).await;
    for (id, status, why) in [
        (&id, "rejected", "I looked at it"),
        (&failing, "failed", "the account is frozen"),
        (&expired, "expired", "expired"),
    ] {
        let view = task(&desk, &run, id).await;
        assert_eq!(view.status, TaskStatus::Completed, "{status}");
        let result = Json::Object(view.result.unwrap());
        assert_eq!(result["isError"], json!(true), "{status}");
        assert_eq!(result["structuredContent"]["decision"]["status"], status);
        assert!(result["content"][0]["text"].as_str().unwrap().contains(why), "{result}");
    }
    assert_eq!(desk.upstream().effects().len(), 1);
}

#[tokio::test]
async fn what_is_taken_back_is_not_sent() {
    let desk = Desk::new().await;
    let (run, id) = refunding(&desk).await;
    desk.engine.worker_task_cancel(&run, &id).await.unwrap();
    let view = task(&desk, &run, &id).await;
    assert_eq!((view.status, view.result), (TaskStatus::Cancelled, None));
    assert_eq!(desk.vote("lea", &id, true).await.unwrap_err().code, Code::DecisionClosed);
    // Once more changes nothing, and the same may be proposed anew.
    desk.engine.worker_task_cancel(&run, &id).await.unwrap();
    let withdrawn = |event: &&Event| matches!(event, Event::DecisionWithdrawn { .. });
    assert_eq!(desk.rail(&run).await.iter().filter(withdrawn).count(), 1);
    let anew = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    assert_ne!(anew, id);

    // Approved and about to be sent: it is not too late.
    let mut held = desk.upstream().hold_next_question();
    desk.approve(&anew).await;
    held.arrived().await;
    desk.engine.worker_task_cancel(&run, &anew).await.unwrap();
    held.release();
    desk.settle_down(200).await;
    assert_eq!(desk.decision(&anew).await.status, DecisionStatus::Withdrawn);
    assert!(desk.upstream().effects().is_empty());
}

#[tokio::test]
async fn what_is_under_way_is_not_taken_back() {
    let desk = Desk::new().await;
    desk.upstream().will([Answer::Never]);
    let (run, id) = refunding(&desk).await;
    desk.approve(&id).await;
    desk.until(&id, DecisionStatus::Sending).await;
    let refused = desk.engine.worker_task_cancel(&run, &id).await.unwrap_err();
    assert_eq!(refused.code, Code::DecisionClosed);
    let view = task(&desk, &run, &id).await;
    assert_eq!(view.status, TaskStatus::Working);
    assert!(view.message.unwrap().contains("it is being carried out"));
}

/// Whoever has another run's token finds nothing, though it is the same worker for the same person.
#[tokio::test]
async fn another_run_finds_no_task() {
    let desk = Desk::new().await;
    let (run, id) = refunding(&desk).await;
    let another = desk.start("k-1").await;
    for task in [id.as_str(), "d-none", "", "c.", "c.e30.e30"] {
        let unknown = [
            desk.engine.worker_task(&another, task).await.unwrap_err(),
            desk.engine.worker_task_cancel(&another, task).await.unwrap_err(),
            desk.engine.worker_task_update(&another, task, serde_json::Map::new()).await.unwrap_err(),
        ];
        for refused in unknown {
            let expected = (Code::UnknownName, "this run has no such task");
            assert_eq!((refused.code, refused.message.as_str()), expected, "{task}");
        }
    }
    assert!(desk.engine.worker_tasks(&another).await.unwrap().is_empty());
    assert_eq!(desk.refusals(&another).await.len(), 15, "each is on the rail");
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Pending);

    desk.pass(MINUTE);
    let second = desk.propose(&run, "pay_notify", note()).await;
    let listed = desk.engine.worker_tasks(&run).await.unwrap();
    assert_eq!(listed.iter().map(|task| task.task.as_str()).collect::<Vec<_>>(), [&id, &second]);
}

#[tokio::test]
async fn a_workers_own_input_decides_nothing() {
    let desk = Desk::new().await;
    let (run, id) = refunding(&desk).await;
    let responses = json!({ "approve": { "action": "accept", "content": { "approve": true } } });
    let refused = desk.engine.worker_task_update(&run, &id, responses.as_object().cloned().unwrap()).await;
    assert_eq!(refused.unwrap_err().code, Code::BadArguments);
    let decision = desk.decision(&id).await;
    assert_eq!((decision.status, decision.votes.len()), (DecisionStatus::Pending, 0));
    assert_eq!(desk.refusals(&run).await[0].1, Code::BadArguments);
}
