//! What an HTTP response to a posted message is: the answer, a stream that leads to it, or a failure.
//!
//! The failures are those of the protocol library's own transport, so that one piece of code says what each of them
//! means. What a server says of a failure is read up to a limit.

use std::borrow::Cow;

use axum::body::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode};
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, HttpStatusError, InsufficientScopeError, StreamableHttpError,
};
use serde_json::Value as Json;

use crate::lanes::Response;
use crate::outbound::HttpError;
use crate::pieces::{Pieces, TooLarge};

/// How much of a failure's text is read.
const FAILURE_BYTES_MAX: usize = 8 * 1024;

/// An answer, or the way to it.
pub(crate) enum Reply {
    /// The answer, as JSON text.
    Json(Bytes),
    /// A stream of events, of which the answer is the last.
    Events(Box<Response>),
}

/// Reads a response. An answer may have so many bytes.
pub(super) async fn read(response: Response, bytes_max: usize) -> Result<Reply, HttpError> {
    let status = response.status;
    if status.is_success() {
        return match kind(&response.headers) {
            Some("application/json") => whole(response, bytes_max).await.map(Reply::Json),
            Some("text/event-stream") => Ok(Reply::Events(Box::new(response))),
            _ => Err(StreamableHttpError::UnexpectedContentType(text(&response.headers, CONTENT_TYPE))),
        };
    }
    let challenge = text(&response.headers, WWW_AUTHENTICATE);
    match (status, challenge) {
        (StatusCode::UNAUTHORIZED, Some(challenge)) => {
            return Err(StreamableHttpError::AuthRequired(AuthRequiredError::new(challenge)));
        }
        (StatusCode::FORBIDDEN, Some(challenge)) => {
            return Err(StreamableHttpError::InsufficientScope(InsufficientScopeError::new(challenge, None)));
        }
        _ => {}
    }
    let is_refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    let is_json = kind(&response.headers) == Some("application/json");
    if is_json && !is_refused {
        let body = whole(response, bytes_max).await?;
        // The protocol's own error, which says more than the status.
        if serde_json::from_slice::<Json>(&body).is_ok_and(|message| message.get("error").is_some_and(Json::is_object))
        {
            return Ok(Reply::Json(body));
        }
        return Err(failure(status, &body));
    }
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Err(StreamableHttpError::HttpStatus(HttpStatusError::new(status.as_u16(), None)));
    }
    let body = whole(response, FAILURE_BYTES_MAX).await.unwrap_or_default();
    Err(failure(status, &body))
}

fn failure(status: StatusCode, body: &[u8]) -> HttpError {
    if status.is_server_error() {
        return StreamableHttpError::HttpStatus(HttpStatusError::new(status.as_u16(), None));
    }
    let shown = body.get(..FAILURE_BYTES_MAX).unwrap_or(body);
    let shown = String::from_utf8_lossy(shown);
    StreamableHttpError::UnexpectedServerResponse(Cow::Owned(format!("HTTP {status}: {shown}")))
}

async fn whole(mut response: Response, bytes_max: usize) -> Result<Bytes, HttpError> {
    let mut pieces = Pieces::new(bytes_max);
    while let Some(chunk) = response.chunk().await? {
        pieces.push(chunk).map_err(|TooLarge| StreamableHttpError::ResponseBodyTooLarge { max_size: bytes_max })?;
    }
    Ok(pieces.joined())
}

/// The kind of a body, without its parameters; in small letters where it is one that is known here.
fn kind(headers: &HeaderMap) -> Option<&'static str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim();
    ["application/json", "text/event-stream"].into_iter().find(|known| known.eq_ignore_ascii_case(essence))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, kind: &str, challenge: Option<&str>, body: &str) -> Response {
        let mut response = http::Response::builder().status(status).header(CONTENT_TYPE, kind);
        if let Some(challenge) = challenge {
            response = response.header(WWW_AUTHENTICATE, challenge);
        }
        Response::of(response.body(body.to_owned()).unwrap().into())
    }

    #[tokio::test]
    async fn an_answer_is_taken_up_to_its_limit_and_a_failure_keeps_its_meaning() {
        let json = "application/JSON; charset=utf-8";
        let whole = read(response(200, json, None, "{}"), 2).await.unwrap();
        assert!(matches!(whole, Reply::Json(body) if body == "{}"));
        let events = read(response(200, "text/event-stream", None, "data: 1\n\n"), 2).await.unwrap();
        assert!(matches!(events, Reply::Events(_)));
        let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"m"}}"#;
        assert!(matches!(read(response(404, json, None, error), 200).await, Ok(Reply::Json(_))));
        let failed = |status, kind: &'static str, challenge, body: &'static str| async move {
            read(response(status, kind, challenge, body), 10).await.err().unwrap()
        };
        use StreamableHttpError as E;
        assert!(matches!(failed(200, json, None, "[0,1,2,3,4]").await, E::ResponseBodyTooLarge { max_size: 10 }));
        assert!(matches!(failed(200, "text/html", None, "").await, E::UnexpectedContentType(Some(_))));
        assert!(matches!(failed(401, json, Some("Bearer"), "{}").await, E::AuthRequired(_)));
        assert!(matches!(failed(403, json, Some("Bearer"), "{}").await, E::InsufficientScope(_)));
        assert!(matches!(failed(429, json, None, "{}").await, E::HttpStatus(_)));
        assert!(matches!(failed(502, "text/html", None, "").await, E::HttpStatus(_)));
        assert!(matches!(failed(500, json, None, "{}").await, E::HttpStatus(_)));
        match failed(401, json, None, "{}").await {
            E::UnexpectedServerResponse(text) => assert!(text.starts_with("HTTP 401"), "{text}"),
            other => panic!("{other}"),
        }
    }
}
