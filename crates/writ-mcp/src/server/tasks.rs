//! Tasks by the extension `io.modelcontextprotocol/tasks` (SEP-2663).
//!
//! A task is how the engine sees it at the moment of asking; nothing of it is kept here. A client that does not
//! follow tasks never gets one: what an integration works on is waited for in its place, for a while.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CreateTaskResult, DetailedTask, ErrorCode, ErrorData, InputRequest, JsonObject, Task, TaskPayload,
    TaskStatus as ProtocolStatus,
};
use serde_json::json;
use writ_core::code::{Code, Refusal};
use writ_core::value::format_datetime;
use writ_engine::Engine;
use writ_engine::view::{TaskStatus, TaskView};

use super::client::Client;
use super::{questions, results};

/// How long a client that does not follow tasks waits for one.
const CARRY_SECONDS_MAX: u64 = 60;
const POLL_MILLISECONDS_MIN: u64 = 250;
const POLL_MILLISECONDS_MAX: u64 = 5_000;

/// How a task stands.
///
/// # Errors
/// That the run has no such task, as the protocol says it.
pub(super) async fn look(engine: &Arc<Engine>, client: &Client, task: &str) -> Result<TaskView, ErrorData> {
    engine.worker_task(&client.access, task).await.map_err(|refusal| error(&refusal))
}

/// Hands over what a task asked for.
pub(super) async fn update(
    engine: &Arc<Engine>,
    client: &Client,
    task: &str,
    responses: JsonObject,
) -> Result<(), ErrorData> {
    engine.worker_task_update(&client.access, task, responses).await.map_err(|refusal| error(&refusal))
}

/// Takes a task back. That it was too late is no error: how it stands says so.
pub(super) async fn cancel(engine: &Arc<Engine>, client: &Client, task: &str) -> Result<(), ErrorData> {
    match engine.worker_task_cancel(&client.access, task).await {
        Err(refusal) if refusal.code != Code::DecisionClosed => Err(error(&refusal)),
        _ => Ok(()),
    }
}

/// What an integration has made a task of, under the id that holds for the run.
///
/// # Errors
/// Where the integration's task is not what the protocol calls one.
pub(super) fn created(task: JsonObject) -> Result<CreateTaskResult, ErrorData> {
    results::typed(task).map(CreateTaskResult::new)
}

/// Waits until an integration's task has come to its end, and asks the client within a session what the task asks.
/// Where it has not ended in time, or the client does not answer, it is taken back, and the text says so.
///
/// # Errors
/// Where the run's task cannot be looked at.
pub(super) async fn carry_through(
    engine: &Arc<Engine>,
    client: &Client,
    task: &str,
) -> Result<Result<TaskView, String>, ErrorData> {
    let limit = Duration::from_secs(CARRY_SECONDS_MAX);
    let carried = match tokio::time::timeout(limit, carry(engine, client, task)).await {
        Ok(carried) => carried?,
        Err(_) => {
            Err(format!("the integration was still working after {CARRY_SECONDS_MAX} s; the call was taken back"))
        }
    };
    if carried.is_err() {
        cancel(engine, client, task).await?;
    }
    Ok(carried)
}

async fn carry(engine: &Arc<Engine>, client: &Client, task: &str) -> Result<Result<TaskView, String>, ErrorData> {
    loop {
        let view = look(engine, client, task).await?;
        if is_final(view.status) {
            return Ok(Ok(view));
        }
        if !view.asks.is_empty() {
            match questions::answers(&client.caller, &view.asks).await {
                Ok(answers) => update(engine, client, task, answers).await?,
                Err(why) => return Ok(Err(why)),
            }
        }
        let poll = view.poll_milliseconds.clamp(POLL_MILLISECONDS_MIN, POLL_MILLISECONDS_MAX);
        tokio::time::sleep(Duration::from_millis(poll)).await;
    }
}

/// Whether a task stays as it is.
pub(super) fn is_final(status: TaskStatus) -> bool {
    matches!(status, TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled)
}

/// A task without what belongs to its status.
pub(super) fn base(view: &TaskView) -> Task {
    let status = match view.status {
        TaskStatus::Working => ProtocolStatus::Working,
        TaskStatus::InputRequired => ProtocolStatus::InputRequired,
        TaskStatus::Completed => ProtocolStatus::Completed,
        TaskStatus::Failed => ProtocolStatus::Failed,
        TaskStatus::Cancelled => ProtocolStatus::Cancelled,
    };
    let (created_at, updated_at) = (format_datetime(view.created_at), format_datetime(view.updated_at));
    let mut task = Task::new(view.task.clone(), status, created_at, updated_at);
    task.status_message = view.message.clone();
    task.ttl_ms = view.keep_milliseconds;
    task.poll_interval_ms = Some(view.poll_milliseconds);
    task
}

/// A task with what belongs to its status.
pub(super) fn detailed(view: &TaskView) -> DetailedTask {
    let payload = match view.status {
        TaskStatus::Working => TaskPayload::Working,
        TaskStatus::InputRequired => TaskPayload::InputRequired {
            input_requests: view.asks.iter().filter_map(|(key, ask)| Some((key.clone(), question(ask)?))).collect(),
        },
        TaskStatus::Completed => TaskPayload::Completed { result: view.result.clone().unwrap_or_default() },
        TaskStatus::Failed => TaskPayload::Failed { error: view.error.clone().unwrap_or_else(failure) },
        TaskStatus::Cancelled => TaskPayload::Cancelled,
    };
    DetailedTask::new(base(view), payload)
}

fn question(ask: &serde_json::Value) -> Option<InputRequest> {
    let question = serde_json::from_value(ask.clone());
    if question.is_err() {
        tracing::warn!("an integration's task asks something that is none of the protocol's questions");
    }
    question.ok()
}

/// What a task failed with that says no more about it.
pub(super) fn failure() -> JsonObject {
    JsonObject::from_iter([
        ("code".to_owned(), json!(ErrorCode::INTERNAL_ERROR.0)),
        ("message".to_owned(), json!("the task failed")),
    ])
}

/// A refusal about a task: that there is none is a wrong parameter.
pub(super) fn error(refusal: &Refusal) -> ErrorData {
    let mut error = results::error(refusal);
    if matches!(refusal.code, Code::UnknownName | Code::DecisionUnknown) {
        error.code = ErrorCode::INVALID_PARAMS;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(status: TaskStatus) -> TaskView {
        TaskView {
            task: "d1".to_owned(),
            status,
            message: Some("waits for 1 approval".to_owned()),
            created_at: 1_000,
            updated_at: 2_500,
            poll_milliseconds: 2_000,
            ..TaskView::default()
        }
    }

    #[test]
    fn a_task_carries_what_belongs_to_its_status_and_nothing_else() {
        let working = serde_json::to_value(detailed(&view(TaskStatus::Working))).unwrap();
        let expected = json!({
            "taskId": "d1",
            "status": "working",
            "statusMessage": "waits for 1 approval",
            "createdAt": "1970-01-01T00:00:01Z",
            "lastUpdatedAt": "1970-01-01T00:00:02.500Z",
            "ttlMs": null,
            "pollIntervalMs": 2_000,
        });
        assert_eq!(working, expected);
        let mut done = view(TaskStatus::Completed);
        done.result = json!({ "content": [], "isError": true }).as_object().cloned();
        let done = serde_json::to_value(detailed(&done)).unwrap();
        assert_eq!((&done["status"], &done["result"]["isError"]), (&json!("completed"), &json!(true)));
        let failed = serde_json::to_value(detailed(&view(TaskStatus::Failed))).unwrap();
        assert_eq!(failed["error"]["code"], json!(-32603));
        assert!(failed.get("result").is_none());
    }

    #[test]
    fn a_question_that_is_none_is_left_out() {
        let mut asking = view(TaskStatus::InputRequired);
        let schema = json!({ "type": "object", "properties": {} });
        let form = json!({ "method": "elicitation/create", "params": { "message": "m", "requestedSchema": schema } });
        asking.asks.insert("good".to_owned(), form);
        asking.asks.insert("bad".to_owned(), json!({ "method": "tools/call" }));
        let task = serde_json::to_value(detailed(&asking)).unwrap();
        assert_eq!(task["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["good"]);
    }

    #[test]
    fn an_unknown_task_is_a_wrong_parameter() {
        let refusal = Refusal::new(Code::UnknownName, "this run has no such task");
        assert_eq!(error(&refusal).code, ErrorCode::INVALID_PARAMS);
        assert_eq!(error(&Refusal::new(Code::RunNotOpen, "ended")).code, ErrorCode::INVALID_REQUEST);
    }
}
