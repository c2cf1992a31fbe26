//! Tools that become tasks (SEP-2663).
//!
//! A client that knows no tasks gets the result of those that can do without one; the others are refused.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, CreateTaskResult, InputRequest,
};
use rmcp::service::RequestContext;
use rmcp::task_manager::{TaskContext, TaskExit, TaskFuture, TaskOptions};
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::{argument, failed, text, unknown};
use crate::fixture::Fixture;
use crate::questions::{Asked, ask, elicit_one, questions, said};

/// How long a task takes that takes some time.
const WORK: Duration = Duration::from_millis(300);
/// What a caller may ask of `slow_compute` at most.
const SECONDS_MAX: f64 = 3600.0;

pub(super) async fn call(
    fixture: &Fixture,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let knows_tasks = context.client_capabilities().is_some_and(|declared| declared.supports_tasks());
    if request.name == "greet" {
        return Ok(text(format!("Hello, {}!", argument(request, "name"))).into());
    }
    if !knows_tasks {
        return without_task(request).await;
    }
    Ok(match request.name.as_ref() {
        "slow_compute" => {
            let (takes, label) = (takes(request), label(request));
            spawn(fixture, move |task| Box::pin(compute(task, takes, label)))
        }
        "failing_job" => spawn(fixture, |_| Box::pin(fail())),
        "protocol_error_job" => spawn(fixture, |_| Box::pin(break_off())),
        "confirm_delete" => {
            let filename = argument(request, "filename").to_owned();
            let question = elicit_one(&format!("Delete {filename}?"), "confirm", "boolean")?;
            spawn(fixture, move |task| Box::pin(delete(task, filename, question)))
        }
        "multi_input" => {
            let first = elicit_one("Please give value A", "value", "string")?;
            let second = elicit_one("Please give value B", "value", "string")?;
            spawn(fixture, move |task| Box::pin(both(task, first, second)))
        }
        "test_tool_with_task" => {
            let question = elicit_one("What is your name?", "name", "string")?;
            match ask(context, request.input_responses.as_ref(), questions([("user_name", question)])).await? {
                Asked::Open(open) => open.into(),
                Asked::Answered(answers) => {
                    let name = said(&answers, "user_name", "/content/name").to_owned();
                    spawn(fixture, move |_| Box::pin(greet(name)))
                }
            }
        }
        _ => return Err(unknown(request)),
    })
}

/// What a client gets that knows no tasks.
async fn without_task(request: &CallToolRequestParams) -> Result<CallToolResponse, ErrorData> {
    match request.name.as_ref() {
        "slow_compute" => {
            tokio::time::sleep(takes(request)).await;
            Ok(computed(&label(request)).into())
        }
        "protocol_error_job" => Err(broken()),
        _ => Err(ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_tasks().build())),
    }
}

fn spawn(fixture: &Fixture, work: impl FnOnce(TaskContext) -> TaskFuture) -> CallToolResponse {
    let options = TaskOptions::default().with_poll_interval_ms(100);
    CreateTaskResult::new(fixture.tasks.spawn(options, work)).into()
}

async fn compute(task: TaskContext, takes: Duration, label: String) -> Result<CallToolResult, TaskExit> {
    tokio::select! {
        () = task.cancelled() => Err(TaskExit::Cancelled),
        () = tokio::time::sleep(takes) => Ok(computed(&label)),
    }
}

async fn fail() -> Result<CallToolResult, TaskExit> {
    tokio::time::sleep(WORK).await;
    Ok(failed("This job intentionally fails"))
}

async fn break_off() -> Result<CallToolResult, TaskExit> {
    tokio::time::sleep(WORK).await;
    Err(TaskExit::Error(broken()))
}

async fn greet(name: String) -> Result<CallToolResult, TaskExit> {
    tokio::time::sleep(WORK).await;
    Ok(text(format!("Hello, {name}, after a while")))
}

async fn delete(task: TaskContext, filename: String, question: InputRequest) -> Result<CallToolResult, TaskExit> {
    let answer = task.request_input("confirm", question).await?;
    let confirmed = answer.pointer("/content/confirm").and_then(Value::as_bool).unwrap_or(false);
    // Nothing is ever deleted.
    Ok(text(format!("{filename}: confirmed = {confirmed}")))
}

async fn both(task: TaskContext, first: InputRequest, second: InputRequest) -> Result<CallToolResult, TaskExit> {
    let (first, second) = tokio::join!(task.request_input("input-a", first), task.request_input("input-b", second));
    let (first, second) = (first?, second?);
    let value = |answer: &Value| answer.pointer("/content/value").cloned().unwrap_or_default();
    Ok(text(format!("A is {}, B is {}", value(&first), value(&second))))
}

fn takes(request: &CallToolRequestParams) -> Duration {
    let seconds = request.arguments.as_ref().and_then(|arguments| arguments.get("seconds")).and_then(Value::as_f64);
    Duration::from_secs_f64(seconds.unwrap_or(1.0).clamp(0.0, SECONDS_MAX))
}

fn label(request: &CallToolRequestParams) -> String {
    argument(request, "label").to_owned()
}

fn computed(label: &str) -> CallToolResult {
    text(format!("Computed {label}"))
}

fn broken() -> ErrorData {
    ErrorData::internal_error("this job intentionally breaks off", None)
}
