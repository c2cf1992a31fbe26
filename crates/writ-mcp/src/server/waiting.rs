//! A call that waits for a person, by what its client can take.
//!
//! The decision is on record before any of this. A client that follows tasks gets a task; one that can show its user
//! a page is pointed to the decision's; any other gets an answer that says honestly that it is pending. No request is
//! held open until the person has decided, and nothing that the client says counts towards the decision: a state that
//! it brings back only names which decision it asks about, and the engine looks whether that is its run's.

use std::sync::Arc;

use rmcp::model::{
    CallToolResponse, CallToolResult, CreateTaskResult, ErrorCode, ErrorData, InputRequests, InputRequiredResult,
    JsonObject,
};
use serde_json::{Value as Json, json};
use writ_core::code::Code;
use writ_engine::Engine;
use writ_engine::view::{TaskStatus, TaskView};

use super::client::Client;
use super::{results, tasks};

/// How the state of a request begins that comes back to a decision.
const STATE_PREFIX: &str = "decision:";
/// The key of the one thing that is asked for.
const PAGE_KEY: &str = "decision";
/// How long the client may take to say that it has shown the page.
const SHOW_SECONDS_MAX: u64 = 20;
const PAGE_MESSAGE: &str =
    "This call waits for a person. The page shows exactly what would happen, and who may decide can do so there.";
const PENDING_HINT: &str = "a person has not decided yet; call `decision_wait` with this decision, or go on with \
    something else";

/// The decision that a request comes back to, by the state that it brings.
pub(super) fn returns_to(state: Option<&str>) -> Option<&str> {
    state?.strip_prefix(STATE_PREFIX)
}

/// The answer to a call that waits for a decision; `pending` is what the engine says about it.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn answer(
    engine: &Arc<Engine>,
    client: &Client,
    console_url: &str,
    decision: &str,
    pending: Json,
) -> Result<CallToolResponse, ErrorData> {
    if client.has_tasks() {
        let view = tasks::look(engine, client, decision).await?;
        return Ok(CreateTaskResult::new(tasks::base(&view)).into());
    }
    if !client.has_pages() || console_url.is_empty() {
        return Ok(results::own(pending, false).into());
    }
    if client.is_current() {
        return Ok(asks_for(page(console_url, decision), decision)?.into());
    }
    if !client.caller.is_in_session() {
        return Ok(results::own(pending, false).into());
    }
    // Whatever the client says of the page: the decision alone tells how the call stands.
    let page = page_with_id(console_url, decision);
    let _ = client.caller.request("elicitation/create", page, SHOW_SECONDS_MAX).await;
    let view = tasks::look(engine, client, decision).await?;
    if tasks::is_final(view.status) {
        return settled(&view).map(Into::into);
    }
    Ok(results::own(pending, false).into())
}

/// How a decision stands, as the answer to the call that waits for it.
///
/// # Errors
/// Where the run has no such decision.
pub(super) async fn present(
    engine: &Arc<Engine>,
    client: &Client,
    decision: &str,
) -> Result<CallToolResponse, ErrorData> {
    let view = tasks::look(engine, client, decision).await?;
    if tasks::is_final(view.status) {
        return settled(&view).map(Into::into);
    }
    Ok(results::own(still_pending(&view), false).into())
}

/// What a task has come to, as a tool's result.
///
/// # Errors
/// What the integration's own task failed with.
pub(super) fn settled(view: &TaskView) -> Result<CallToolResult, ErrorData> {
    match view.status {
        TaskStatus::Completed => results::tool_result(view.result.clone().unwrap_or_default()),
        TaskStatus::Failed => results::tool_result(view.error.clone().unwrap_or_else(tasks::failure)),
        _ => {
            let message = view.message.as_deref().unwrap_or("the call was taken back");
            Ok(results::refused(Code::DecisionClosed, message))
        }
    }
}

fn still_pending(view: &TaskView) -> Json {
    json!({ "pending": { "decision": view.task, "status": view.message, "hint": PENDING_HINT } })
}

/// The page of a decision, as the protocol asks to have one shown.
fn page(console_url: &str, decision: &str) -> Json {
    let url = format!("{}/decisions/{decision}", console_url.trim_end_matches('/'));
    json!({ "mode": "url", "message": PAGE_MESSAGE, "url": url })
}

/// The same for a client of revision 2025-11-25, which knows a page by an id. Later ones do not.
fn page_with_id(console_url: &str, decision: &str) -> Json {
    let mut page = page(console_url, decision);
    if let Some(page) = page.as_object_mut() {
        page.insert("elicitationId".to_owned(), json!(decision));
    }
    page
}

fn asks_for(page: Json, decision: &str) -> Result<InputRequiredResult, ErrorData> {
    let request =
        JsonObject::from_iter([("method".to_owned(), json!("elicitation/create")), ("params".to_owned(), page)]);
    let request = serde_json::from_value(Json::Object(request))
        .map_err(|_| ErrorData::new(ErrorCode::INTERNAL_ERROR, "the decision's page cannot be asked for", None))?;
    let requests = InputRequests::from_iter([(PAGE_KEY.to_owned(), request)]);
    Ok(InputRequiredResult::new(Some(requests), Some(format!("{STATE_PREFIX}{decision}"))))
}

#[cfg(test)]
mod tests {
    use rmcp::model::ServerResult;

    use super::*;
    use crate::server::dropped;

    #[test]
    fn a_page_is_asked_for_with_a_state_that_leads_back() {
        let asked = asks_for(page("https://writ.example/", "d7"), "d7").unwrap();
        assert_eq!(returns_to(asked.request_state.as_deref()), Some("d7"));
        let asked = serde_json::to_value(asked).unwrap();
        let request = &asked["inputRequests"]["decision"];
        assert_eq!(request["method"], json!("elicitation/create"));
        assert_eq!(request["params"]["mode"], json!("url"));
        assert_eq!(request["params"]["url"], json!("https://writ.example/decisions/d7"));
        assert_eq!((returns_to(None), returns_to(Some("sealed"))), (None, None));
    }

    #[test]
    fn only_a_client_of_old_knows_a_page_by_an_id() {
        let page = page_with_id("https://writ.example", "d7");
        assert_eq!((&page["url"], &page["elicitationId"]), (&json!("https://writ.example/decisions/d7"), &json!("d7")));
        let asked = asks_for(super::page("https://writ.example", "d7"), "d7").unwrap();
        let asked = serde_json::to_value(dropped::from_result(ServerResult::InputRequiredResult(asked))).unwrap();
        let expected = json!({ "mode": "url", "message": PAGE_MESSAGE, "url": "https://writ.example/decisions/d7" });
        assert_eq!(asked["inputRequests"]["decision"]["params"], expected);
        assert_eq!((&asked["resultType"], &asked["requestState"]), (&json!("input_required"), &json!("decision:d7")));
    }

    #[test]
    fn what_a_decision_has_come_to_is_the_calls_own_result() {
        let mut view = TaskView { status: TaskStatus::Completed, ..TaskView::default() };
        view.result = json!({ "content": [], "structuredContent": { "a": 1 }, "isError": true }).as_object().cloned();
        let result = settled(&view).unwrap();
        assert_eq!((result.is_error, result.structured_content), (Some(true), Some(json!({ "a": 1 }))));
        let withdrawn = TaskView { status: TaskStatus::Cancelled, ..TaskView::default() };
        assert_eq!(settled(&withdrawn).unwrap().is_error, Some(true));
        let pending = still_pending(&TaskView { task: "d7".to_owned(), ..TaskView::default() });
        assert_eq!(pending["pending"]["decision"], json!("d7"));
    }
}
