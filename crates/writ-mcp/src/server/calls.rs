//! One request that the engine answers, from its arguments to its answer.
//!
//! Within a session an integration's questions are put to the client and the request goes on by itself, for a limited
//! number of rounds. A request that the client has taken back, or whose connection is gone, is dropped at once: of a
//! read nothing is released then, and an effect is never carried out within a request.

use std::future::Future;
use std::sync::Arc;

use rmcp::model::{ErrorData, InputResponses, JsonObject};
use tokio_util::sync::CancellationToken;
use writ_engine::Engine;
use writ_engine::permit::Continued;
use writ_engine::upstream::Caller;
use writ_engine::view::{WorkerAnswer, WorkerCall};

use super::client::Client;
use super::questions;

/// How often an integration may ask something within one request.
const ROUNDS_MAX: usize = 10;

/// What is asked of the engine.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Tool,
    Prompt,
    Resource,
}

/// The engine's answer. Questions are in it only where there is no session to ask them in.
///
/// # Errors
/// That the request was taken back, or why the client did not answer a question.
pub(super) async fn answer(
    engine: &Arc<Engine>,
    client: &Client,
    kind: Kind,
    mut call: WorkerCall,
    taken_back: &CancellationToken,
) -> Result<WorkerAnswer, ErrorData> {
    for _ in 0..ROUNDS_MAX {
        let answer = until(taken_back, asked(engine, client, kind, call.clone())).await?;
        let WorkerAnswer::InputRequired(wanted) = answer else {
            return Ok(answer);
        };
        if client.is_current() || !client.caller.is_in_session() {
            return Ok(WorkerAnswer::InputRequired(wanted));
        }
        let answers = until(taken_back, questions::answers(&client.caller, &wanted.requests)).await?;
        let responses = answers.map_err(|why| ErrorData::invalid_request(why, None))?;
        call.continued = Some(Continued { responses, state: wanted.state });
    }
    Err(ErrorData::invalid_request(format!("the integration asked something {ROUNDS_MAX} times in one request"), None))
}

async fn asked(engine: &Arc<Engine>, client: &Client, kind: Kind, call: WorkerCall) -> WorkerAnswer {
    let caller: Arc<dyn Caller> = client.caller.clone();
    match kind {
        Kind::Tool => engine.worker_call(&client.access, call, caller).await,
        Kind::Prompt => engine.worker_prompt(&client.access, call, caller).await,
        Kind::Resource => engine.worker_resource(&client.access, call, caller).await,
    }
}

/// Goes on until the request is taken back.
///
/// # Errors
/// That it was.
pub(super) async fn until<T>(
    taken_back: &CancellationToken,
    going_on: impl Future<Output = T>,
) -> Result<T, ErrorData> {
    tokio::select! {
        biased;
        () = taken_back.cancelled() => Err(ErrorData::internal_error("the request was taken back", None)),
        outcome = going_on => Ok(outcome),
    }
}

/// What a client brings back that was asked something.
pub(super) fn continued(responses: Option<InputResponses>, state: Option<String>) -> Option<Continued> {
    if responses.is_none() && state.is_none() {
        return None;
    }
    Some(Continued { responses: JsonObject::from_iter(responses.unwrap_or_default()), state })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_request_that_is_taken_back_is_dropped() {
        let token = CancellationToken::new();
        assert_eq!(until(&token, async { 5 }).await.unwrap(), 5);
        let (dropped, mut is_dropped) = tokio::sync::oneshot::channel::<()>();
        let never = async move {
            std::future::pending::<()>().await;
            drop(dropped);
        };
        token.cancel();
        assert!(until(&token, never).await.is_err());
        assert!(is_dropped.try_recv().is_err_and(|error| error == tokio::sync::oneshot::error::TryRecvError::Closed));
    }

    #[test]
    fn answers_and_state_are_brought_back_together_or_alone() {
        assert_eq!(continued(None, None), None);
        let responses = InputResponses::from_iter([("name".to_owned(), json!({ "action": "accept" }))]);
        let both = continued(Some(responses), Some("sealed".to_owned())).unwrap();
        assert_eq!((both.responses.len(), both.state.as_deref()), (1, Some("sealed")));
        assert!(continued(None, Some("sealed".to_owned())).unwrap().responses.is_empty());
    }
}
