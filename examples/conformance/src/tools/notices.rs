//! Tools that say something while they run: log lines, progress, changed lists.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam,
};
use rmcp::service::{RequestContext, ServiceError};
use rmcp::{ErrorData, RoleServer};
use serde_json::json;

use super::{text, unknown};
use crate::fixture::Fixture;
use crate::listeners::Change;
use crate::questions::asks_in_results;

/// The suite wants what is said to come one after another.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn call(
    fixture: &Fixture,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let done = match request.name.as_ref() {
        "test_tool_with_logging" => {
            for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                log(context, line).await?;
                tokio::time::sleep(PAUSE).await;
            }
            "Logged three lines"
        }
        "test_logging_tool" => {
            log(context, "Somebody wants to know").await?;
            "Logged what was wanted"
        }
        "test_tool_with_progress" => {
            for done in [0.0, 50.0, 100.0] {
                progress(context, done).await?;
                tokio::time::sleep(PAUSE).await;
            }
            "Told three times how far it was"
        }
        "test_reconnection" => {
            tokio::time::sleep(PAUSE).await;
            "Took a moment"
        }
        "test_trigger_tool_change" => {
            changed(fixture, context, Change::Tools).await?;
            "Said that the tools have changed"
        }
        "test_trigger_prompt_change" => {
            changed(fixture, context, Change::Prompts).await?;
            "Said that the prompts have changed"
        }
        _ => return Err(unknown(request)),
    };
    Ok(text(done).into())
}

/// Logs a line. From 2026-07-28 on a caller hears only what it asks for with each request.
async fn log(context: &RequestContext<RoleServer>, line: &str) -> Result<(), ErrorData> {
    let level = match context.meta.log_level() {
        Some(level) => level,
        None if asks_in_results(context) => return Ok(()),
        None => LoggingLevel::Info,
    };
    let line = LoggingMessageNotificationParam::new(level, json!(line)).with_logger("conformance-fixture");
    context.peer.notify_logging_message(line).await.map_err(undelivered)
}

/// Tells how far the call is, where the caller wants to know.
async fn progress(context: &RequestContext<RoleServer>, done: f64) -> Result<(), ErrorData> {
    let Some(token) = context.meta.get_progress_token() else { return Ok(()) };
    let notice = ProgressNotificationParam::new(token, done).with_total(100.0).with_message(format!("{done} of 100"));
    context.peer.notify_progress(notice).await.map_err(undelivered)
}

/// Tells those who listen, or the session of the call, that a list has changed.
async fn changed(fixture: &Fixture, context: &RequestContext<RoleServer>, change: Change) -> Result<(), ErrorData> {
    fixture.listeners.tell(change).await;
    if asks_in_results(context) {
        return Ok(());
    }
    let told = match change {
        Change::Tools => context.peer.notify_tool_list_changed().await,
        Change::Prompts => context.peer.notify_prompt_list_changed().await,
    };
    told.map_err(undelivered)
}

fn undelivered(error: ServiceError) -> ErrorData {
    ErrorData::internal_error(format!("the client is gone: {error}"), None)
}
