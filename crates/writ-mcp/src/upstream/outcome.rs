//! What became of a request, read from what came back.
//!
//! An answer of the integration, an error included, is [`Sent::Answered`]: whether an error was a partial effect is
//! for people to judge. A request that certainly stayed here is [`Sent::NotSent`]. Everything else is
//! [`Sent::Lost`], also where a guess would be right most of the time.

use std::collections::BTreeSet;

use rmcp::ServiceError;
use rmcp::model::JsonObject;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde_json::Value as Json;
use writ_core::definition::Ask;
use writ_engine::upstream::{InputRequired, Sent, UpstreamTask, ask_of};

use super::answer::{answered, refused};
use super::conversation::may_be_asked;
use super::request::Shape;
use crate::credential;
use crate::outbound::{HttpError, did_not_leave, http_reason, quoted};

pub(super) use super::answer::{RESULT_BYTES_MAX, size};

const TOO_MANY_REQUESTS: u16 = 429;
/// How many things an integration may want at once before it goes on.
const WANTED_MAX: usize = 32;

/// Whether the request was to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Effect,
}

/// What is known of a request when it is judged.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) shape: Shape,
    pub(super) kind: Kind,
    /// What the integration may want of the worker.
    pub(super) asks: &'a BTreeSet<Ask>,
}

/// What a failure says.
pub(super) struct Outcome {
    pub(super) sent: Sent,
    /// Whether the connection is of no use any more, though it is open.
    pub(super) connection_is_stale: bool,
}

/// What an answer says: the result of a response.
pub(super) fn of_answer(mut message: JsonObject, asked: Asked<'_>) -> Sent {
    let kind = message.shift_remove("resultType");
    match kind.as_ref().map_or(Some("complete"), Json::as_str) {
        Some("complete") => answered(message, asked),
        Some("input_required") if matches!(asked.shape, Shape::Tool | Shape::Prompt | Shape::Resource) => {
            wanted(message, asked)
        }
        Some("task") if asked.shape == Shape::Tool => task(message),
        _ => Sent::Lost("the answer was of a kind that does not answer this request".to_owned()),
    }
}

fn wanted(mut message: JsonObject, asked: Asked<'_>) -> Sent {
    if size(&message).is_none_or(|bytes| bytes > RESULT_BYTES_MAX) {
        return refused(asked.shape, "what it wants before it goes on is too large", None);
    }
    let requests = match message.shift_remove("inputRequests") {
        Some(Json::Object(requests)) => requests,
        _ => JsonObject::new(),
    };
    if asked.kind == Kind::Effect {
        // Nobody answers it; whether the request has had an effect by now is for people to find out.
        return Sent::InputRequired(InputRequired { requests: JsonObject::new(), state: None });
    }
    if requests.len() > WANTED_MAX {
        return refused(asked.shape, "it wants too much before it goes on", None);
    }
    if requests.values().any(|request| !is_allowed(request, asked.asks)) {
        return refused(asked.shape, "it asks for something that the operator does not let it ask for", None);
    }
    let state = message.get("requestState").and_then(Json::as_str).map(str::to_owned);
    Sent::InputRequired(InputRequired { requests, state })
}

fn task(mut message: JsonObject) -> Sent {
    let is_task = message.get("taskId").is_some_and(Json::is_string);
    if !is_task || size(&message).is_none_or(|bytes| bytes > RESULT_BYTES_MAX) {
        return Sent::Lost("the answer was a task that cannot be asked about".to_owned());
    }
    message.shift_remove("_meta");
    Sent::Task(UpstreamTask(message))
}

/// Whether the integration may want this of a worker.
pub(super) fn is_allowed(request: &Json, asks: &BTreeSet<Ask>) -> bool {
    let method = request.get("method").and_then(Json::as_str).unwrap_or_default();
    let parameters = request.get("params").unwrap_or(&Json::Null);
    ask_of(method).is_some_and(|ask| asks.contains(&ask) && may_be_asked(ask, parameters))
}

/// What a failure says.
pub(super) fn of_failure(error: &ServiceError, shape: Shape, kind: Kind) -> Outcome {
    let mut connection_is_stale = false;
    let sent = match error {
        ServiceError::McpError(error) => refused(shape, &error.message, Some(error)),
        ServiceError::TransportSend(error) => match error.error.downcast_ref::<HttpError>() {
            Some(error) => {
                connection_is_stale = matches!(error, StreamableHttpError::SessionExpired);
                of_http_failure(error, shape, kind)
            }
            None => Sent::Lost(format!("the request could not be written: {}", quoted(&error.error.to_string()))),
        },
        ServiceError::TransportClosed => Sent::Lost("the connection closed before an answer came".to_owned()),
        ServiceError::UnexpectedResponse => Sent::Lost("the answer was none to this request".to_owned()),
        other => Sent::Lost(quoted(&other.to_string())),
    };
    Outcome { sent, connection_is_stale }
}

/// A failure as a text for operators.
pub(super) fn reason(error: &ServiceError) -> String {
    match of_failure(error, Shape::Acknowledgement, Kind::Read).sent {
        Sent::Answered(answer) => match answer.result {
            Json::String(text) => text,
            result => quoted(&result.to_string()),
        },
        Sent::NotSent(why) | Sent::Lost(why) => why,
        Sent::NotLinked => "the person has not linked it".to_owned(),
        Sent::NotCompared => "what it offers has not been looked at".to_owned(),
        Sent::InputRequired(_) | Sent::Task(_) => "it wants something before it goes on".to_owned(),
    }
}

pub(super) fn of_http_failure(error: &HttpError, shape: Shape, kind: Kind) -> Sent {
    match error {
        error if credential::missing(error) => Sent::NotLinked,
        error if did_not_leave(error) => Sent::NotSent(http_reason(error)),
        // The server does not know the session that the request belongs to, so it did nothing with it.
        StreamableHttpError::SessionExpired => Sent::NotSent(http_reason(error)),
        StreamableHttpError::AuthRequired(_) | StreamableHttpError::InsufficientScope(_) => {
            refused(shape, &http_reason(error), None)
        }
        StreamableHttpError::HttpStatus(status) if status.status == TOO_MANY_REQUESTS => {
            refused(shape, &http_reason(error), None)
        }
        StreamableHttpError::ResponseBodyTooLarge { .. } if kind == Kind::Read => {
            refused(shape, &http_reason(error), None)
        }
        error => Sent::Lost(http_reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use rmcp::transport::streamable_http_client::HttpStatusError;
    use serde_json::json;

    use super::*;

    fn of(result: Json, shape: Shape, asks: &BTreeSet<Ask>) -> Sent {
        of_answer(result.as_object().cloned().unwrap(), Asked { shape, kind: Kind::Read, asks })
    }

    #[test]
    fn what_is_not_certain_is_lost() {
        for error in [ServiceError::TransportClosed, ServiceError::UnexpectedResponse] {
            assert!(matches!(of_failure(&error, Shape::Tool, Kind::Effect).sent, Sent::Lost(_)));
        }
        let of = |error: &HttpError| of_http_failure(error, Shape::Tool, Kind::Effect);
        let status = |status| HttpError::HttpStatus(HttpStatusError::new(status, None));
        assert!(matches!(of(&status(502)), Sent::Lost(_)));
        assert!(matches!(of(&status(429)), Sent::Answered(answer) if answer.is_error));
        assert!(matches!(of(&HttpError::SessionExpired), Sent::NotSent(_)));
    }

    #[test]
    fn an_answer_of_another_kind_is_lost() {
        let none = BTreeSet::new();
        assert!(matches!(of(json!({ "resultType": "later", "content": [] }), Shape::Tool, &none), Sent::Lost(_)));
        assert!(matches!(of(json!({ "contents": [] }), Shape::Prompt, &none), Sent::Lost(_)));
        let task = json!({
            "resultType": "task",
            "taskId": "t-1",
            "status": "working",
            "createdAt": "2026-07-28T00:00:00Z",
            "lastUpdatedAt": "2026-07-28T00:00:00Z",
            "ttlMs": null,
        });
        assert!(matches!(of(task.clone(), Shape::Prompt, &none), Sent::Lost(_)));
        assert!(matches!(of(task, Shape::Tool, &none), Sent::Task(task) if task.0["taskId"] == "t-1"));
    }

    #[test]
    fn only_what_the_operator_allows_is_wanted_of_a_worker() {
        let wanted = json!({
            "resultType": "input_required",
            "inputRequests": { "where": { "method": "roots/list" } },
            "requestState": "s-1",
        });
        assert!(matches!(of(wanted.clone(), Shape::Tool, &BTreeSet::new()), Sent::Answered(answer) if answer.is_error));
        match of(wanted.clone(), Shape::Tool, &BTreeSet::from([Ask::Roots])) {
            Sent::InputRequired(wanted) => {
                assert_eq!(wanted.state.as_deref(), Some("s-1"));
                assert_eq!(wanted.requests["where"]["method"], "roots/list");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(of(wanted, Shape::Completion, &BTreeSet::from([Ask::Roots])), Sent::Lost(_)));
        let address = json!({ "method": "elicitation/create", "params": { "mode": "url", "url": "https://x" } });
        assert!(!is_allowed(&address, &BTreeSet::from([Ask::Elicitation])));
    }
}
