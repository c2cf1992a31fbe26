//! Requests for which the protocol's library has no type: those that were renamed on their way in, and those that are
//! none.

use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CustomRequest, ErrorCode, ErrorData, JsonObject, ProtocolVersion,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use writ_core::code::Code;
use writ_engine::view::WorkerCall;

use super::client::{self, Client};
use super::old_tasks::OldTasks;
use super::renamed::Renamed;
use super::worker_service::WorkerService;
use super::{calls, claim, listening, offers, results};
use crate::outbound::quoted;

/// Methods that exist in every revision: a request for one of them that could not be read has parameters that do not
/// fit.
const METHODS: [&str; 9] = [
    "completion/complete",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "server/discover",
    "tools/call",
    "tools/list",
];
/// Methods that exist before 2026-07-28 alone.
const OLD_METHODS: [&str; 5] =
    ["initialize", "logging/setLevel", "ping", "resources/subscribe", "resources/unsubscribe"];
/// Methods that exist from 2026-07-28 on.
const CURRENT_METHODS: [&str; 3] = ["tasks/cancel", "tasks/get", "tasks/update"];

#[derive(Deserialize)]
struct ToolCall {
    name: String,
    #[serde(default)]
    arguments: Option<JsonObject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfTask {
    task_id: String,
}

/// The answer to such a request.
///
/// # Errors
/// As the protocol says it; that the method does not exist, if it does not.
pub(super) async fn answer(
    service: &WorkerService,
    request: CustomRequest,
    context: &RequestContext<RoleServer>,
) -> Result<Json, ErrorData> {
    let parts = context.extensions.get::<Parts>();
    let Some(renamed) = parts.and_then(|parts| parts.extensions.get::<Renamed>()).copied() else {
        return Err(unknown(service, &request.method, context).await?);
    };
    let client = service.client(context)?;
    let parameters = request.params.unwrap_or_else(|| Json::Object(JsonObject::new()));
    if renamed == Renamed::Listen {
        return listening::listen(service.engine(), &client, parameters, context).await;
    }
    let has_own_tasks = context.protocol_version().is_some_and(|revision| revision == ProtocolVersion::V_2025_11_25);
    let exists = match renamed {
        Renamed::OldTaskResult | Renamed::OldListTasks => has_own_tasks,
        Renamed::OldGetTask | Renamed::OldCancelTask => has_own_tasks || client.has_tasks(),
        _ => true,
    };
    if !exists {
        let message = "this revision has no tasks, and the client has not declared the extension";
        return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None));
    }
    let old = OldTasks { engine: service.engine(), client: &client, kept: &service.conversation.kept };
    let answering = async {
        match renamed {
            Renamed::OldListTools => list_tools(service, &client, has_own_tasks).await,
            Renamed::OldCallAsTask if !has_own_tasks => call_plainly(service, parameters, context).await,
            Renamed::OldCallAsTask => call_as_task(service, &old, parameters, context).await,
            Renamed::OldGetTask => old.get(&task(parameters)?).await,
            Renamed::OldTaskResult => old.result(&task(parameters)?).await,
            Renamed::OldListTasks => old.list().await,
            Renamed::OldCancelTask => old.cancel(&task(parameters)?).await,
            Renamed::Listen => Err(ErrorData::internal_error("the request is answered elsewhere", None)),
        }
    };
    calls::until(&context.ct, answering).await?
}

async fn list_tools(service: &WorkerService, client: &Client, has_tasks: bool) -> Result<Json, ErrorData> {
    let tools = service.engine().worker_tools(&client.access).await;
    tools.map(|tools| offers::old_tools(tools, has_tasks)).map_err(|refusal| results::error(&refusal))
}

/// A call that asks for a task in a revision that has none: as if it did not ask.
async fn call_plainly(
    service: &WorkerService,
    parameters: Json,
    context: &RequestContext<RoleServer>,
) -> Result<Json, ErrorData> {
    let request: CallToolRequestParams = serde_json::from_value(parameters).map_err(|_| misfit("tools/call"))?;
    let told = match service.call_tool(request, context.clone()).await? {
        CallToolResponse::Complete(mut result) => {
            result.result_type = None;
            serde_json::to_value(result)
        }
        CallToolResponse::Task(task) => serde_json::to_value(task),
        _ => return Err(ErrorData::invalid_request("the client cannot be asked without a session", None)),
    };
    told.map_err(|_| ErrorData::internal_error("the answer cannot be told in JSON", None))
}

async fn call_as_task(
    service: &WorkerService,
    old: &OldTasks<'_>,
    parameters: Json,
    context: &RequestContext<RoleServer>,
) -> Result<Json, ErrorData> {
    let ToolCall { name, arguments } = serde_json::from_value(parameters).map_err(|_| misfit("tools/call"))?;
    let client = old.client;
    let tools = service.engine().worker_tools(&client.access).await.map_err(|refusal| results::error(&refusal))?;
    // An unknown tool is for the engine to refuse, which puts it on record.
    if tools.iter().any(|tool| tool.name == name && !tool.may_become_task) {
        let message = "a call of this tool does not become a task";
        return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None));
    }
    let arguments = arguments.unwrap_or_default();
    let claim = claim::invoked(&context.meta);
    let call = WorkerCall { name, arguments, claim, continued: None };
    old.created(service.engine().worker_call(&client.access, call, client.caller.clone()).await).await
}

fn task(parameters: Json) -> Result<String, ErrorData> {
    serde_json::from_value(parameters).map(|OfTask { task_id }| task_id).map_err(|_| misfit("tasks"))
}

/// Why a request is none of the protocol's. One whose parameters do not fit is put on record.
///
/// # Errors
/// Where the request was not authenticated.
async fn unknown(
    service: &WorkerService,
    method: &str,
    context: &RequestContext<RoleServer>,
) -> Result<ErrorData, ErrorData> {
    let of_its_revision: &[&str] = if client::is_current(context) { &CURRENT_METHODS } else { &OLD_METHODS };
    if !METHODS.contains(&method) && !of_its_revision.contains(&method) {
        return Ok(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, quoted(method), None));
    }
    let error = misfit(method);
    service.engine().record_malformed(&service.client(context)?.access, &error.message).await;
    Ok(error)
}

fn misfit(method: &str) -> ErrorData {
    let message = format!("the parameters of `{method}` do not fit the protocol");
    ErrorData::invalid_params(message, Some(json!({ "code": Code::MalformedMessage.name() })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_named_by_a_text() {
        assert_eq!(task(json!({ "taskId": "d1", "more": 1 })).unwrap(), "d1");
        assert_eq!(task(json!({ "taskId": 5 })).unwrap_err().code, ErrorCode::INVALID_PARAMS);
    }

    #[test]
    fn no_method_is_of_one_revision_and_of_all() {
        let all = METHODS.iter().chain(&OLD_METHODS).chain(&CURRENT_METHODS);
        let distinct: std::collections::HashSet<_> = all.collect();
        assert_eq!(distinct.len(), METHODS.len() + OLD_METHODS.len() + CURRENT_METHODS.len());
    }
}
