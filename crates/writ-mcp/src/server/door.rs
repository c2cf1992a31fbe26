//! The way of one HTTP request: who asks, how much, which way it goes, and what to say where it is not a message.
//!
//! The order matters. The token comes first, so that nobody without one makes Writ read, parse or remember
//! anything; then a turn, then the body up to its limit, then the protocol. What the protocol rejects is explained
//! in one form and, since the run is known by then, recorded. The token goes no further than this file.
//!
//! There are two ways. Requests of the revisions before 2026-07-28 that belong to a session go into it, if it is
//! their run's. All others are answered by themselves.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use rmcp::model::ProtocolVersion;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use writ_core::code::{Code, Refusal};
use writ_engine::Engine;
use writ_engine::view::WorkerAccess;

use super::faults::{self, Explained, Fault};
use super::in_flight::{InFlight, Turn};
use super::message::{Message, Unreadable};
use super::parameter_headers::{self, ParameterHeaders};
use super::renamed;
use super::session::{self, Sessions};
use super::worker_service::{Endpoint, WorkerService};
use super::{LOOPBACK_HOSTS, ServerConfig};

/// How long a worker may take to send one request.
const BODY_SECONDS_MAX: u64 = 30;
/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
const SESSION_HEADER: &str = "mcp-session-id";
const REVISION_HEADER: &str = "mcp-protocol-version";

/// The endpoint.
pub(super) struct Door {
    engine: Arc<Engine>,
    alone: StreamableHttpService<WorkerService, NeverSessionManager>,
    in_session: StreamableHttpService<WorkerService, Sessions>,
    sessions: Arc<Sessions>,
    parameter_headers: Arc<ParameterHeaders>,
    in_flight: Arc<InFlight>,
    body_bytes_max: usize,
}

/// Which way a request goes.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// By itself.
    Alone,
    /// It opens a session.
    Handshake,
    /// Into the session that it names.
    Session,
}

impl Door {
    pub(super) fn new(engine: Arc<Engine>, config: ServerConfig) -> Self {
        // An empty list would mean any host to the protocol's own check.
        let hosts = if config.allowed_hosts.is_empty() {
            LOOPBACK_HOSTS.map(str::to_owned).to_vec()
        } else {
            config.allowed_hosts
        };
        let http = StreamableHttpServerConfig::default()
            .with_allowed_hosts(hosts)
            .with_allowed_origins(config.allowed_origins)
            .enforce_origin_validation()
            .with_max_request_body_bytes(config.body_bytes_max)
            .with_cancellation_token(config.shutdown);
        let parameter_headers = Arc::<ParameterHeaders>::default();
        let endpoint = Arc::new(Endpoint {
            engine: Arc::clone(&engine),
            console_url: config.console_url,
            parameter_headers: Arc::clone(&parameter_headers),
        });
        let sessions = Arc::new(Sessions::new());
        let (for_one, for_session) = (Arc::clone(&endpoint), endpoint);
        Self {
            engine,
            alone: StreamableHttpService::new(
                move || Ok(WorkerService::new(Arc::clone(&for_one))),
                Arc::new(NeverSessionManager::default()),
                http.clone().with_legacy_session_mode(false).with_json_response(true),
            ),
            in_session: StreamableHttpService::new(
                move || Ok(WorkerService::new(Arc::clone(&for_session))),
                Arc::clone(&sessions),
                http.with_legacy_session_mode(true),
            ),
            sessions,
            parameter_headers,
            in_flight: InFlight::new(config.requests_in_flight_max),
            body_bytes_max: config.body_bytes_max,
        }
    }

    pub(super) async fn serve(&self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let access = match self.authenticate(&parts.headers) {
            Ok(access) => access,
            Err(refusal) => {
                return faults::not_authenticated(&refusal, parts.headers.contains_key(AUTHORIZATION));
            }
        };
        let Some(turn) = self.in_flight.enter(access.run()) else {
            return faults::busy();
        };
        // It has proved what it had to, and nothing behind this may come to write it down.
        parts.headers.remove(AUTHORIZATION);
        let body = match read(body, self.body_bytes_max).await {
            Ok(body) => body,
            Err(fault) => return self.settle(&access, fault.explain(&[])).await,
        };
        let message = match Message::read(&body) {
            Ok(message) => Some(message),
            Err(Unreadable::RepeatedName) => {
                let fault =
                    Fault::new(StatusCode::BAD_REQUEST, "the request has an object with a name that stands twice");
                return self.settle(&access, fault.explain(&body)).await;
            }
            // What is wrong with it, the protocol says, after it has looked at the headers.
            Err(Unreadable::NotJson) => None,
        };
        // The handler finds the access here; the turn ends with the handler, not with the connection.
        parts.extensions.insert(access.clone());
        parts.extensions.insert(turn.clone());
        match way(&parts, message.as_ref()) {
            Way::Handshake => {
                if self.sessions.are_full() {
                    return faults::full();
                }
                parts.headers.remove(SESSION_HEADER);
                self.go_in(&access, parts, body).await
            }
            Way::Session => {
                let session = parts.headers.get(SESSION_HEADER).and_then(|value| value.to_str().ok());
                let is_own = session.is_some_and(|session| self.sessions.belongs(session, access.run()));
                if !is_own {
                    return faults::no_session(&body);
                }
                let is_stream = parts.method == Method::GET;
                let body = renamed_body(&mut parts, message, body);
                let response = self.go_in(&access, parts, body).await;
                if is_stream { held(response, turn) } else { response }
            }
            Way::Alone => self.go_alone(&access, parts, message, body).await,
        }
    }

    async fn go_in(&self, access: &WorkerAccess, parts: Parts, body: Bytes) -> Response {
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let handling = self.in_session.handle(request);
        let response = session::on_behalf_of(access.run(), handling).await.map(Body::new);
        self.settle(access, faults::explain(response, &body).await).await
    }

    async fn go_alone(
        &self,
        access: &WorkerAccess,
        mut parts: Parts,
        message: Option<Message>,
        body: Bytes,
    ) -> Response {
        let calls_tool = message.as_ref().is_some_and(|message| message.method() == Some("tools/call"));
        let schemas = match self.parameter_headers.of(access.run()) {
            Some(schemas) => schemas,
            None if calls_tool && is_current(&parts.headers, message.as_ref()) => {
                // A run that cannot list its tools cannot call one either, which the call itself will be told.
                let tools = self.engine.worker_tools(access).await;
                tools.map(|tools| self.parameter_headers.listed(access.run(), &tools)).unwrap_or_default()
            }
            None => Arc::default(),
        };
        let body = renamed_body(&mut parts, message, body);
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let response = parameter_headers::beside(schemas, self.alone.handle(request)).await.map(Body::new);
        self.settle(access, faults::explain(response, &body).await).await
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<WorkerAccess, Refusal> {
        let token = bearer(headers).ok_or_else(|| {
            Refusal::new(Code::NotAuthenticated, "send the run's token as `Authorization: Bearer <token>`")
        })?;
        self.engine.authenticate_worker(token)
    }

    /// Records what was malformed before it is answered.
    async fn settle(&self, access: &WorkerAccess, explained: Explained) -> Response {
        if let Some(malformed) = &explained.malformed {
            self.engine.record_malformed(access, malformed).await;
        }
        explained.response
    }
}

fn way(parts: &Parts, message: Option<&Message>) -> Way {
    let names_session = parts.headers.contains_key(SESSION_HEADER);
    match message {
        Some(message) if parts.method == Method::POST && message.is_handshake() => Way::Handshake,
        message if names_session && !is_current(&parts.headers, message) => Way::Session,
        _ => Way::Alone,
    }
}

/// Whether a request is of revision 2026-07-28 or a later one. Revisions are dates, which are ordered as they are
/// written.
fn is_current(headers: &HeaderMap, message: Option<&Message>) -> bool {
    let current = ProtocolVersion::V_2026_07_28;
    let header = headers.get(REVISION_HEADER).and_then(|value| value.to_str().ok());
    let named = [header, message.and_then(Message::revision)];
    named.into_iter().flatten().any(|revision| revision >= current.as_str())
}

/// The body of a request, under another name where the protocol's library does not know its own.
fn renamed_body(parts: &mut Parts, message: Option<Message>, body: Bytes) -> Bytes {
    let Some(message) = message.filter(|_| parts.method == Method::POST) else {
        return body;
    };
    let is_current = is_current(&parts.headers, Some(&message));
    let Some(renamed) = renamed::find(&message, is_current) else {
        return body;
    };
    if is_current && !renamed::rename_header(&mut parts.headers, message.method().unwrap_or_default()) {
        return body;
    }
    parts.extensions.insert(renamed);
    message.renamed(renamed::NAME)
}

/// A stream that takes a turn of its run for as long as it is open.
fn held(response: Response, turn: Turn) -> Response {
    let (parts, body) = response.into_parts();
    let stream = body.into_data_stream().map(move |chunk| {
        let _held = &turn;
        chunk
    });
    Response::from_parts(parts, Body::from_stream(stream))
}

/// The token of an `Authorization` header, if there is exactly one header and it has one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let usable = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN_BYTES_MAX;
    usable.then_some(token)
}

async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Fault> {
    let limit = Duration::from_secs(BODY_SECONDS_MAX);
    tokio::time::timeout(limit, read_unhurried(body, bytes_max)).await.unwrap_or_else(|_| {
        Err(Fault::new(StatusCode::REQUEST_TIMEOUT, format!("the request did not arrive within {BODY_SECONDS_MAX} s")))
    })
}

async fn read_unhurried(body: Body, bytes_max: usize) -> Result<Bytes, Fault> {
    let mut chunks = body.into_data_stream();
    let mut collected = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| Fault::new(StatusCode::BAD_REQUEST, "the request ended before it was complete"))?;
        if chunk.len() > bytes_max.saturating_sub(collected.len()) {
            return Err(Fault::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the request is larger than {bytes_max} bytes"),
            ));
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(Bytes::from(collected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::renamed::Renamed;

    fn token(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        bearer(&headers).map(str::to_owned)
    }

    fn parts(method: Method, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request.into_parts().0
    }

    fn message(text: &str) -> Message {
        Message::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn one_bearer_token_is_taken_and_nothing_else() {
        assert_eq!(token(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token(&["bearer  abc "]).as_deref(), Some("abc"));
        let too_long = format!("Bearer {}", "x".repeat(TOKEN_BYTES_MAX + 1));
        let useless: [&[&str]; 6] =
            [&[], &["Bearer"], &["Bearer "], &["Basic abc"], &["Bearer a", "Bearer b"], &[&too_long]];
        for values in useless {
            assert_eq!(token(values), None, "{values:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(read(Body::from("12345"), 5).await.map(|body| body.len()).ok(), Some(5));
        let fault = read(Body::from("123456"), 5).await.unwrap_err();
        assert_eq!(fault.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn a_request_goes_into_a_session_only_before_the_current_revision() {
        let open = message(r#"{"id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#);
        let call = message(r#"{"id":1,"method":"tools/call","params":{"name":"a"}}"#);
        let current = message(
            r#"{"id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        let (session, old, new) =
            (("mcp-session-id", "s"), (REVISION_HEADER, "2025-11-25"), (REVISION_HEADER, "2026-07-28"));
        let post =
            |headers: &[(&'static str, &str)], message: &Message| way(&parts(Method::POST, headers), Some(message));
        assert_eq!(post(&[], &open), Way::Handshake);
        assert_eq!(post(&[session], &open), Way::Handshake);
        assert_eq!(post(&[session, old], &call), Way::Session);
        assert_eq!(post(&[session], &call), Way::Session);
        assert_eq!(post(&[old], &call), Way::Alone);
        assert_eq!(post(&[session, new], &call), Way::Alone);
        assert_eq!(post(&[session], &current), Way::Alone);
        assert_eq!(way(&parts(Method::GET, &[session]), None), Way::Session);
        assert_eq!(way(&parts(Method::DELETE, &[]), None), Way::Alone);
    }

    #[test]
    fn a_renamed_request_says_beside_it_what_it_asks() {
        let text = r#"{"id":1,"method":"tasks/list"}"#;
        let mut renamed = parts(Method::POST, &[]);
        let body = renamed_body(&mut renamed, Some(message(text)), Bytes::from(text));
        assert_eq!(body, r#"{"id":1,"method":"writ/renamed"}"#.as_bytes());
        assert_eq!(renamed.extensions.get::<Renamed>(), Some(&Renamed::OldListTasks));
        // A header that does not repeat the method leaves the request for the library to reject.
        let text = r#"{"id":1,"method":"subscriptions/listen"}"#;
        let mut renamed = parts(Method::POST, &[(REVISION_HEADER, "2026-07-28"), ("mcp-method", "tools/list")]);
        assert_eq!(renamed_body(&mut renamed, Some(message(text)), Bytes::from(text)), text.as_bytes());
        assert!(renamed.extensions.get::<Renamed>().is_none());
    }
}
