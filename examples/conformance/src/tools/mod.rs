//! The tools, each led to the module that carries it out.

mod asking;
mod content;
mod notices;
mod rounds;
mod tasks;

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use crate::fixture::Fixture;

/// Calls a tool by its name.
pub(crate) async fn call(
    fixture: &Fixture,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    match request.name.as_ref() {
        "test_tool_with_logging"
        | "test_logging_tool"
        | "test_tool_with_progress"
        | "test_reconnection"
        | "test_trigger_tool_change"
        | "test_trigger_prompt_change" => notices::call(fixture, &request, context).await,
        "test_sampling"
        | "test_elicitation"
        | "test_elicitation_sep1034_defaults"
        | "test_elicitation_sep1330_enums"
        | "test_streaming_elicitation"
        | "test_missing_capability" => asking::call(&request, context).await,
        "greet"
        | "slow_compute"
        | "failing_job"
        | "protocol_error_job"
        | "confirm_delete"
        | "multi_input"
        | "test_tool_with_task" => tasks::call(fixture, &request, context).await,
        name if name.starts_with("test_input_required_result_") => rounds::call(fixture, &request, context).await,
        _ => content::call(&request),
    }
}

/// A result of one text.
fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

/// A failure that the caller is to read.
fn failed(why: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(why)])
}

/// An argument that is a text, or nothing.
fn argument<'a>(request: &'a CallToolRequestParams, name: &str) -> &'a str {
    let arguments = request.arguments.as_ref();
    arguments.and_then(|arguments| arguments.get(name)).and_then(serde_json::Value::as_str).unwrap_or_default()
}

fn unknown(request: &CallToolRequestParams) -> ErrorData {
    ErrorData::invalid_params(format!("no tool is called `{}`", request.name), None)
}
