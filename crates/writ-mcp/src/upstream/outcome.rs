//! What became of a call, read from what came back.
//!
//! An answer of the integration, an error included, is [`Sent::Answered`]: whether an error was a partial effect is
//! for people to judge. A request that certainly stayed here is [`Sent::NotSent`]. Everything else is
//! [`Sent::Lost`], also where a guess would be right most of the time.

use std::io;

use rmcp::ServiceError;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde_json::{Value as Json, json};
use writ_engine::upstream::Sent;

use crate::outbound::{HttpError, did_not_leave, http_reason, quoted};

/// The largest answer that is passed on, as JSON text. Of a read that answered more, nothing is passed on and the
/// call counts as failed. An effect that answered more did happen: it keeps its outcome, and the answer is replaced
/// by its size.
/// It leaves room for the record that holds it, of which the trail takes a mebibyte.
pub(super) const RESULT_BYTES_MAX: usize = 960 * 1024;

const TOO_MANY_REQUESTS: u16 = 429;

/// Whether the call was to change something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Effect,
}

/// What a failure says.
pub(super) struct Outcome {
    pub(super) sent: Sent,
    /// Whether the connection is of no use any more, though it is open.
    pub(super) connection_is_stale: bool,
}

/// What an answer says.
pub(super) fn of_answer(response: CallToolResponse, kind: Kind) -> Sent {
    match response {
        CallToolResponse::Complete(result) => of_result(result, kind),
        CallToolResponse::InputRequired(_) => refused("the tool asks for more input, which nobody here may give"),
        // Nobody asked for a task: the call may well be running.
        _ => Sent::Lost("the integration answered with a task instead of a result".to_owned()),
    }
}

/// What a failure says.
pub(super) fn of_failure(error: &ServiceError, kind: Kind) -> Outcome {
    let mut connection_is_stale = false;
    let sent = match error {
        ServiceError::McpError(error) => refused(&error.message),
        ServiceError::TransportSend(error) => match error.error.downcast_ref::<HttpError>() {
            Some(error) => {
                connection_is_stale = matches!(error, StreamableHttpError::SessionExpired);
                of_http_failure(error, kind)
            }
            None => Sent::Lost(format!("the request could not be written: {}", quoted(&error.error.to_string()))),
        },
        ServiceError::TransportClosed => Sent::Lost("the connection closed before an answer came".to_owned()),
        ServiceError::UnexpectedResponse => Sent::Lost("the answer was not a tool's result".to_owned()),
        other => Sent::Lost(quoted(&other.to_string())),
    };
    Outcome { sent, connection_is_stale }
}

/// A failure as a text for operators.
pub(super) fn reason(error: &ServiceError) -> String {
    match of_failure(error, Kind::Read).sent {
        Sent::Answered { result: Json::String(text), .. } => text,
        Sent::Answered { result, .. } => quoted(&result.to_string()),
        Sent::NotSent(why) | Sent::Lost(why) => why,
    }
}

fn of_http_failure(error: &HttpError, kind: Kind) -> Sent {
    match error {
        error if did_not_leave(error) => Sent::NotSent(http_reason(error)),
        // The server does not know the session that the request belongs to, so it did nothing with it.
        StreamableHttpError::SessionExpired => Sent::NotSent(http_reason(error)),
        StreamableHttpError::AuthRequired(_) | StreamableHttpError::InsufficientScope(_) => {
            refused(&http_reason(error))
        }
        StreamableHttpError::HttpStatus(status) if status.status == TOO_MANY_REQUESTS => refused(&http_reason(error)),
        StreamableHttpError::ResponseBodyTooLarge { .. } if kind == Kind::Read => refused(&http_reason(error)),
        error => Sent::Lost(http_reason(error)),
    }
}

fn of_result(result: CallToolResult, kind: Kind) -> Sent {
    let is_error = result.is_error.unwrap_or(false);
    let content = match result.structured_content {
        Some(content) => content,
        None => of_blocks(&result.content),
    };
    match size(&content) {
        Some(bytes) if bytes <= RESULT_BYTES_MAX => Sent::Answered { is_error, result: content },
        bytes if kind == Kind::Effect => {
            Sent::Answered { is_error, result: json!({ "omitted": { "bytes": bytes, "bytes_max": RESULT_BYTES_MAX } }) }
        }
        _ => refused(&format!("the answer is larger than {RESULT_BYTES_MAX} bytes")),
    }
}

/// The text of an answer: as JSON where it is JSON, otherwise as it is.
fn of_blocks(blocks: &[ContentBlock]) -> Json {
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block.as_text()).map(|text| text.text.as_str()).collect();
    if texts.is_empty() && !blocks.is_empty() {
        return Json::String(format!("{} parts that are not text", blocks.len()));
    }
    let text = texts.join("\n");
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

fn refused(message: &str) -> Sent {
    Sent::Answered { is_error: true, result: Json::String(quoted(message)) }
}

/// How many bytes a value has as JSON text.
fn size(value: &Json) -> Option<usize> {
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).ok()?;
    Some(counter.0)
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(sent: Sent) -> (bool, Json) {
        match sent {
            Sent::Answered { is_error, result } => (is_error, result),
            other => panic!("not an answer: {other:?}"),
        }
    }

    fn texts(texts: &[&str]) -> CallToolResult {
        CallToolResult::success(texts.iter().map(|text| ContentBlock::text(*text)).collect())
    }

    #[test]
    fn structured_content_comes_before_text_and_json_before_plain_text() {
        let structured = CallToolResult::structured(json!({ "status": "delivered" }));
        assert_eq!(answered(of_result(structured, Kind::Read)), (false, json!({ "status": "delivered" })));
        assert_eq!(answered(of_result(texts(&[r#"{"a": 1}"#]), Kind::Read)), (false, json!({ "a": 1 })));
        assert_eq!(answered(of_result(texts(&["one", "two"]), Kind::Read)), (false, json!("one\ntwo")));
        let failed = CallToolResult::error(vec![ContentBlock::text("no such order")]);
        assert_eq!(answered(of_result(failed, Kind::Effect)), (true, json!("no such order")));
    }

    #[test]
    fn too_large_an_answer_fails_a_read_and_keeps_an_effect() {
        let large = "x".repeat(RESULT_BYTES_MAX);
        let (is_error, result) = answered(of_result(texts(&[&large]), Kind::Read));
        assert!(is_error && result.as_str().is_some_and(|text| text.contains("larger than")));
        let (is_error, result) = answered(of_result(texts(&[&large]), Kind::Effect));
        assert!(!is_error);
        assert_eq!(result["omitted"]["bytes"], json!(RESULT_BYTES_MAX + 2));
    }

    #[test]
    fn what_is_not_certain_is_lost() {
        for error in [ServiceError::TransportClosed, ServiceError::UnexpectedResponse] {
            assert!(matches!(of_failure(&error, Kind::Effect).sent, Sent::Lost(_)));
        }
        let status =
            |status| HttpError::HttpStatus(rmcp::transport::streamable_http_client::HttpStatusError::new(status, None));
        assert!(matches!(of_http_failure(&status(502), Kind::Effect), Sent::Lost(_)));
        assert!(matches!(of_http_failure(&status(429), Kind::Effect), Sent::Answered { is_error: true, .. }));
        assert!(matches!(of_http_failure(&HttpError::SessionExpired, Kind::Effect), Sent::NotSent(_)));
    }
}
