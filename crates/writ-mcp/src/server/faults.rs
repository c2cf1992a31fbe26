//! What a worker is told where its request is not a message that Writ understands.
//!
//! Two forms. Before the run is known, and where the run has no turn left, `{"code", "message"}`. After it, a
//! JSON-RPC error with the request's own id where one can be read, so that any client can show it. Of a
//! request's body nothing is repeated back but its id, and of the server nothing is told.

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use rmcp::model::{ErrorCode, JsonRpcError};
use serde::de::IgnoredAny;
use serde_json::{Value as Json, json};
use writ_core::code::{Code, Refusal};

use crate::outbound::quoted;

/// What a malformed message is called, beside its JSON-RPC code.
const MALFORMED: Code = Code::MalformedMessage;
/// The longest explanation that is taken over from the protocol's own checks.
const EXPLANATION_BYTES_MAX: usize = 64 * 1024;
const RETRY_SECONDS: &str = "1";
/// Rejections by which client and server find a revision that both know. Nothing is malformed then.
const NEGOTIATION: [ErrorCode; 2] =
    [ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY];

/// What is wrong with a request.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    rpc_code: ErrorCode,
    message: String,
}

/// An answer, with what is to be recorded of the request where it was malformed.
pub(super) struct Explained {
    pub(super) response: Response,
    pub(super) malformed: Option<String>,
}

impl Fault {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, rpc_code: ErrorCode::INVALID_REQUEST, message: message.into() }
    }

    /// The answer to the request that had this body.
    pub(super) fn explain(self, body: &[u8]) -> Explained {
        let error = rpc_error(self.rpc_code, &self.message, MALFORMED);
        let response = answer(self.status, &json!({ "jsonrpc": "2.0", "id": id_of(body), "error": error }));
        // A request from a wrong place says nothing about the run.
        let malformed = (self.status != StatusCode::FORBIDDEN).then_some(self.message);
        Explained { response, malformed }
    }
}

/// Lets an answer through, and explains a rejection by the protocol's own checks.
pub(super) async fn explain(response: Response, body: &[u8]) -> Explained {
    let status = response.status();
    let is_rejection = matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_ACCEPTABLE
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        return Explained { response: failed(body), malformed: None };
    }
    if !is_rejection {
        return Explained { response, malformed: None };
    }
    let (parts, explanation) = response.into_parts();
    let explanation = to_bytes(explanation, EXPLANATION_BYTES_MAX).await.unwrap_or_default();
    if let Ok(rejection) = serde_json::from_slice::<JsonRpcError>(&explanation) {
        // A client of the current revision acts on its code and data: it stays as it is.
        let malformed = (!NEGOTIATION.contains(&rejection.error.code)).then(|| quoted(&rejection.error.message));
        return Explained { response: Response::from_parts(parts, Body::from(explanation)), malformed };
    }
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE && explanation.starts_with(b"fail to deserialize") {
        let mut fault = Fault::new(StatusCode::BAD_REQUEST, "the request is not a JSON-RPC 2.0 message of MCP");
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
            fault.rpc_code = ErrorCode::PARSE_ERROR;
            fault.message = format!("the request is not JSON: {error}");
        }
        return fault.explain(body);
    }
    Fault::new(status, quoted(&String::from_utf8_lossy(&explanation))).explain(body)
}

/// The answer to a request whose token proves nothing.
pub(super) fn not_authenticated(refusal: &Refusal, a_token_was_sent: bool) -> Response {
    if matches!(refusal.code, Code::StoreUnavailable | Code::Internal) {
        return refused(StatusCode::SERVICE_UNAVAILABLE, refusal.code, &refusal.message);
    }
    let mut response = refused(StatusCode::UNAUTHORIZED, refusal.code, &refusal.message);
    let challenge =
        if a_token_was_sent { r#"Bearer realm="writ", error="invalid_token""# } else { r#"Bearer realm="writ""# };
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// The answer to a request in a session that is not there, or is not its run's.
pub(super) fn no_session(body: &[u8]) -> Response {
    let message = "there is no such session; open one with `initialize`";
    let error = rpc_error(ErrorCode::INVALID_REQUEST, message, Code::UnknownName);
    answer(StatusCode::NOT_FOUND, &json!({ "jsonrpc": "2.0", "id": id_of(body), "error": error }))
}

/// The answer to a handshake where there are as many sessions as there may be.
pub(super) fn full() -> Response {
    let message = "there are too many sessions; try again later";
    let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, Code::LimitReached, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    response
}

/// The answer where the protocol's library fails, of whose workings nothing is told.
fn failed(body: &[u8]) -> Response {
    let error = rpc_error(ErrorCode::INTERNAL_ERROR, "the request could not be handled", Code::Internal);
    answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "jsonrpc": "2.0", "id": id_of(body), "error": error }))
}

/// The answer to a request of a run that has as many as it may already.
pub(super) fn busy() -> Response {
    let message = "this run has too many requests open; wait for their answers";
    let mut response = refused(StatusCode::TOO_MANY_REQUESTS, Code::LimitReached, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    response
}

fn rpc_error(rpc_code: ErrorCode, message: &str, code: Code) -> Json {
    json!({ "code": rpc_code.0, "message": message, "data": { "code": code.name() } })
}

fn refused(status: StatusCode, code: Code, message: &str) -> Response {
    answer(status, &json!({ "code": code.name(), "message": message }))
}

fn answer(status: StatusCode, body: &Json) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The id of the request that a body holds, or null.
fn id_of(body: &[u8]) -> Json {
    let id = serde_json::from_slice::<Json>(body).ok().and_then(|message| message.get("id").cloned());
    id.filter(|id| id.is_string() || id.is_i64() || id.is_u64()).unwrap_or(Json::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(status: StatusCode, explanation: &str) -> Response {
        let mut response = Response::new(Body::from(explanation.to_owned()));
        *response.status_mut() = status;
        response
    }

    async fn body_of(response: Response) -> Json {
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn what_is_no_json_and_what_is_no_message_are_told_apart() {
        let no_json: &[u8] = br#"{"id": 1,"#;
        let no_message: &[u8] = br#"{"id": "a7", "neither": "method nor result"}"#;
        for (body, code, id) in [(no_json, -32700, json!(null)), (no_message, -32600, json!("a7"))] {
            let rejection = rejected(StatusCode::UNSUPPORTED_MEDIA_TYPE, "fail to deserialize request body …");
            let explained = explain(rejection, body).await;
            assert_eq!(explained.response.status(), StatusCode::BAD_REQUEST);
            let told = body_of(explained.response).await;
            assert_eq!((&told["error"]["code"], &told["id"]), (&json!(code), &id));
            assert_eq!(told["error"]["data"]["code"], json!(MALFORMED.name()));
            assert_eq!(explained.malformed.map(Json::from), Some(told["error"]["message"].clone()));
        }
    }

    #[tokio::test]
    async fn a_json_rpc_rejection_stays_as_it_is() {
        let mismatch = r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32020,"message":"header and body differ"}}"#;
        let explained = explain(rejected(StatusCode::BAD_REQUEST, mismatch), b"{}").await;
        assert_eq!(explained.malformed.as_deref(), Some("header and body differ"));
        assert_eq!(body_of(explained.response).await.to_string(), mismatch);
        let code = ErrorCode::UNSUPPORTED_PROTOCOL_VERSION.0;
        let version =
            format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"m","data":{{"supported":[]}}}}}}"#);
        let explained = explain(rejected(StatusCode::BAD_REQUEST, &version), b"{}").await;
        assert_eq!(explained.malformed, None);
        assert_eq!(body_of(explained.response).await.to_string(), version);
    }

    #[tokio::test]
    async fn a_wrong_place_is_refused_and_not_recorded() {
        let explained = explain(rejected(StatusCode::FORBIDDEN, "Forbidden"), b"").await;
        assert_eq!((explained.response.status(), explained.malformed), (StatusCode::FORBIDDEN, None));
        for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED] {
            let explained = explain(rejected(status, "{}"), b"").await;
            assert_eq!((explained.response.status(), explained.malformed), (status, None));
        }
    }

    #[tokio::test]
    async fn a_failure_of_the_library_tells_nothing_of_it() {
        let rejection = rejected(StatusCode::INTERNAL_SERVER_ERROR, "Encounter an error when create session: secret");
        let explained = explain(rejection, br#"{"id": 9}"#).await;
        assert_eq!((explained.response.status(), explained.malformed), (StatusCode::INTERNAL_SERVER_ERROR, None));
        let told = body_of(explained.response).await;
        assert_eq!((&told["id"], &told["error"]["data"]["code"]), (&json!(9), &json!("internal")));
        assert!(!told.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn a_session_that_is_not_there_is_not_found() {
        let response = no_session(br#"{"id": "x", "method": "ping"}"#);
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(body_of(response).await["id"], json!("x"));
    }

    #[tokio::test]
    async fn a_token_that_proves_nothing_is_challenged() {
        let refusal = Refusal::new(Code::NotAuthenticated, "the token has expired");
        let response = not_authenticated(&refusal, true);
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned();
        assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"));
        assert_eq!(body_of(response).await, json!({ "code": "not_authenticated", "message": "the token has expired" }));
    }
}
