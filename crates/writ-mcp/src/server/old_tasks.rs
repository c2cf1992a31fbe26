//! The tasks of revision 2025-11-25, in that revision's own shapes.
//!
//! There a client asks for a task with the call itself, fetches the result with a request of its own and may list
//! the tasks. The protocol's library does not know them, so such requests come in by another name, and what is said
//! here is the result as JSON. A client that follows the later extension within such a session gets the extension's
//! shapes for the methods that both have.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ErrorCode, ErrorData, JsonObject};
use serde_json::{Value as Json, json};
use writ_core::code::Code;
use writ_core::value::format_datetime;
use writ_engine::Engine;
use writ_engine::view::{TaskStatus, TaskView, WorkerAnswer};

use super::client::Client;
use super::kept::Kept;
use super::{questions, results, tasks, waiting};

/// How long a request for a result is held open.
const RESULT_SECONDS_MAX: u64 = 25;
/// How long a change is waited for before a task is looked at anyway: an integration's own change without a record.
const LOOK_SECONDS: u64 = 5;
const POLL_MILLISECONDS_MIN: u64 = 250;
const POLL_MILLISECONDS_MAX: u64 = 5_000;
/// Where a result says to which task it belongs.
const RELATED_META: &str = "io.modelcontextprotocol/related-task";

/// What the requests of one session need.
pub(super) struct OldTasks<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) client: &'a Client,
    pub(super) kept: &'a Kept,
}

impl OldTasks<'_> {
    /// The answer to a call that asked for a task. A call that is refused makes none.
    pub(super) async fn created(&self, answer: WorkerAnswer) -> Result<Json, ErrorData> {
        match answer {
            WorkerAnswer::Own { content, waits_for, is_error } => {
                let decision = waits_for
                    .or_else(|| content.pointer("/decision/decision").and_then(Json::as_str).map(str::to_owned));
                if let Some(decision) = decision {
                    return self.of_a_decision(&decision).await;
                }
                if is_error && let Some((code, message)) = results::refusal_in(&content) {
                    let data = Some(json!({ "code": code }));
                    return Err(ErrorData::new(ErrorCode::INVALID_PARAMS, message.to_owned(), data));
                }
                self.keep(serde_json::to_value(results::own(content, is_error)))
            }
            WorkerAnswer::Passed(message) => self.keep(results::tool_result(message).map(serde_json::to_value)?),
            WorkerAnswer::Task(mut members) => {
                for (current, old) in [("ttlMs", "ttl"), ("pollIntervalMs", "pollInterval")] {
                    if let Some(value) = members.remove(current) {
                        members.insert(old.to_owned(), value);
                    }
                }
                members.entry("ttl").or_insert(Json::Null);
                Ok(json!({ "task": members }))
            }
            WorkerAnswer::InputRequired(_) => Err(ErrorData::invalid_request("the client cannot be asked", None)),
        }
    }

    async fn of_a_decision(&self, decision: &str) -> Result<Json, ErrorData> {
        let view = tasks::look(self.engine, self.client, decision).await?;
        Ok(json!({ "task": shape(&view) }))
    }

    /// Keeps an answer that was there at once. Outside of a session, and where it is too large, it is given as it is.
    fn keep(&self, result: Result<Json, serde_json::Error>) -> Result<Json, ErrorData> {
        let Ok(Json::Object(mut result)) = result else {
            return Err(ErrorData::internal_error("the answer is no JSON object", None));
        };
        result.remove("resultType");
        if !self.client.caller.is_in_session() {
            return Ok(Json::Object(result));
        }
        match self.kept.keep(result, self.engine.now()) {
            Ok(view) => Ok(json!({ "task": shape(&view) })),
            Err(result) => Ok(Json::Object(result)),
        }
    }

    /// How a task stands.
    pub(super) async fn get(&self, task: &str) -> Result<Json, ErrorData> {
        let view = self.look(task).await?;
        if self.client.has_tasks() {
            return serde_json::to_value(tasks::detailed(&view)).map_err(|_| unsaid());
        }
        Ok(Json::Object(shape(&view)))
    }

    /// The run's tasks, all on one page.
    pub(super) async fn list(&self) -> Result<Json, ErrorData> {
        let views = self.engine.worker_tasks(&self.client.access).await;
        let views = views.map_err(|refusal| tasks::error(&refusal))?;
        Ok(json!({ "tasks": views.iter().map(shape).collect::<Vec<_>>() }))
    }

    /// Takes a task back.
    pub(super) async fn cancel(&self, task: &str) -> Result<Json, ErrorData> {
        let before = self.look(task).await?;
        if self.client.has_tasks() {
            tasks::cancel(self.engine, self.client, task).await?;
            return Ok(json!({ "resultType": "complete" }));
        }
        if tasks::is_final(before.status) {
            let message = format!("the task is `{}` already", name(before.status));
            return Err(ErrorData::invalid_params(message, Some(json!({ "code": Code::DecisionClosed.name() }))));
        }
        let cancelled = self.engine.worker_task_cancel(&self.client.access, task).await;
        cancelled.map_err(|refusal| tasks::error(&refusal))?;
        Ok(Json::Object(shape(&self.look(task).await?)))
    }

    /// What a task has come to: at once where it has, otherwise after a limited time in which it does.
    pub(super) async fn result(&self, task: &str) -> Result<Json, ErrorData> {
        let limit = Duration::from_secs(RESULT_SECONDS_MAX);
        let view = tokio::time::timeout(limit, self.ended(task)).await.unwrap_or_else(|_| {
            let message = format!("the task is still going on after {RESULT_SECONDS_MAX} s; poll it with `tasks/get`");
            Err(ErrorData::new(ErrorCode::INTERNAL_ERROR, message, Some(json!({ "code": Code::TimeExceeded.name() }))))
        })?;
        let mut result = serde_json::to_value(waiting::settled(&view)?).map_err(|_| unsaid())?;
        if let Some(result) = result.as_object_mut() {
            result.remove("resultType");
            let meta = result.entry("_meta").or_insert_with(|| Json::Object(JsonObject::new()));
            if let Some(meta) = meta.as_object_mut() {
                meta.insert(RELATED_META.to_owned(), json!({ "taskId": task }));
            }
        }
        Ok(result)
    }

    /// Waits until a task has ended. What it asks meanwhile, the client is asked.
    async fn ended(&self, task: &str) -> Result<TaskView, ErrorData> {
        let mut records = self.engine.follow();
        loop {
            drop(records.borrow_and_update());
            let view = self.look(task).await?;
            if tasks::is_final(view.status) {
                return Ok(view);
            }
            if !view.asks.is_empty() {
                let answers = questions::answers(&self.client.caller, &view.asks).await;
                let answers = answers.map_err(|why| ErrorData::invalid_request(why, None))?;
                tasks::update(self.engine, self.client, task, answers).await?;
            }
            // Looking is itself on record where an integration's task is looked at: never more often than it says.
            let poll = view.poll_milliseconds.clamp(POLL_MILLISECONDS_MIN, POLL_MILLISECONDS_MAX);
            tokio::time::sleep(Duration::from_millis(poll)).await;
            let _ = tokio::time::timeout(Duration::from_secs(LOOK_SECONDS), records.changed()).await;
        }
    }

    async fn look(&self, task: &str) -> Result<TaskView, ErrorData> {
        match self.kept.find(task) {
            Some(view) => Ok(view),
            None => tasks::look(self.engine, self.client, task).await,
        }
    }
}

/// A task in this revision's shape.
fn shape(view: &TaskView) -> JsonObject {
    let mut task = JsonObject::from_iter([
        ("taskId".to_owned(), json!(view.task)),
        ("status".to_owned(), json!(name(view.status))),
        ("createdAt".to_owned(), json!(format_datetime(view.created_at))),
        ("lastUpdatedAt".to_owned(), json!(format_datetime(view.updated_at))),
        ("ttl".to_owned(), json!(view.keep_milliseconds)),
        ("pollInterval".to_owned(), json!(view.poll_milliseconds)),
    ]);
    if let Some(message) = &view.message {
        task.insert("statusMessage".to_owned(), json!(message));
    }
    task
}

fn name(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Working => "working",
        TaskStatus::InputRequired => "input_required",
        TaskStatus::Completed => "completed",
        TaskStatus::Failed => "failed",
        TaskStatus::Cancelled => "cancelled",
    }
}

fn unsaid() -> ErrorData {
    ErrorData::internal_error("the task cannot be told in JSON", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_the_shape_of_its_revision() {
        let view = TaskView {
            task: "d1".to_owned(),
            status: TaskStatus::InputRequired,
            created_at: 1_000,
            updated_at: 2_000,
            poll_milliseconds: 2_000,
            ..TaskView::default()
        };
        let expected = json!({
            "taskId": "d1",
            "status": "input_required",
            "createdAt": "1970-01-01T00:00:01Z",
            "lastUpdatedAt": "1970-01-01T00:00:02Z",
            "ttl": null,
            "pollInterval": 2_000,
        });
        assert_eq!(Json::Object(shape(&view)), expected);
        let told = shape(&TaskView { message: Some("waits".to_owned()), ..view });
        assert_eq!(told["statusMessage"], json!("waits"));
    }
}
