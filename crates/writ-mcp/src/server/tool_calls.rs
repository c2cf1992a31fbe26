//! A call of a tool, from its parameters to the answer that its client can take.
//!
//! Every call of a tool comes through here, whichever way its request was read and its answer is written.

use rmcp::model::{CallToolRequestParams, CallToolResponse, ErrorData, RequestMetaObject};
use serde_json::json;
use writ_core::code::Code;
use writ_engine::view::{WorkerAnswer, WorkerCall};

use super::client::Client;
use super::worker_service::Endpoint;
use super::{calls, claim, questions, results, tasks, waiting};

impl Endpoint {
    /// Makes a call.
    ///
    /// # Errors
    /// As the protocol says it, where it has no result for what happened.
    pub(super) async fn make_call(
        &self,
        client: &Client,
        request: CallToolRequestParams,
        meta: &RequestMetaObject,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(decision) = waiting::returns_to(request.request_state.as_deref()) {
            return waiting::present(&self.engine, client, decision).await;
        }
        let arguments = request.arguments.unwrap_or_default();
        let claim = claim::invoked(meta);
        let brings_state = request.request_state.is_some();
        let continued = calls::continued(request.input_responses, request.request_state);
        let call = WorkerCall { name: request.name.into_owned(), arguments, claim, continued };
        let answer = self.engine.worker_call(&client.access, call, client.caller.clone()).await;
        self.told(client, answer, brings_state).await
    }

    /// The answer, as this client can take it.
    async fn told(
        &self,
        client: &Client,
        answer: WorkerAnswer,
        brings_state: bool,
    ) -> Result<CallToolResponse, ErrorData> {
        match answer {
            WorkerAnswer::Own { content, waits_for: Some(decision), .. } => {
                waiting::answer(&self.engine, client, &self.console_url, &decision, content).await
            }
            WorkerAnswer::Own { content, is_error, waits_for: None } => {
                if brings_state
                    && let Some((code, message)) = results::refusal_in(&content)
                    && [Code::BadArguments.name(), Code::MalformedMessage.name()].contains(&code)
                {
                    // A state that is not the one that was given is a fault of the protocol, not of the call.
                    return Err(ErrorData::invalid_params(message.to_owned(), Some(json!({ "code": code }))));
                }
                Ok(results::own(content, is_error).into())
            }
            WorkerAnswer::Passed(message) => results::tool_result(message).map(Into::into),
            WorkerAnswer::InputRequired(wanted) if client.is_current() => {
                questions::as_result(client.caller.declared(), wanted).map(Into::into)
            }
            WorkerAnswer::InputRequired(_) => {
                let message = "the integration asks something that this client cannot be asked";
                Ok(results::refused(Code::UpstreamError, message).into())
            }
            WorkerAnswer::Task(task) => {
                let task = tasks::created(task)?;
                if client.has_tasks() {
                    return Ok(task.into());
                }
                match tasks::carry_through(&self.engine, client, &task.task.task_id).await? {
                    Ok(view) => waiting::settled(&view).map(Into::into),
                    Err(why) => Ok(results::refused(Code::UpstreamError, &why).into()),
                }
            }
        }
    }
}
