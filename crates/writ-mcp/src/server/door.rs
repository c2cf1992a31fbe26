//! The way of one HTTP request: who asks, how much, which way it goes, and what to say where it is not a message.
//!
//! The order matters. The token comes first, so that nobody without one makes Writ read, parse or remember
//! anything; then a turn, then the body up to its limit, then the protocol. What the protocol rejects is explained
//! in one form and, since the run is known by then, recorded. The token goes no further than this file.
//!
//! There are three ways. Requests of the revisions before 2026-07-28 that belong to a session go into it, if it is
//! their run's. All others are answered by themselves: plain calls of tools directly, the rest by the protocol's
//! library.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;
use writ_core::code::{Code, Refusal};
use writ_engine::Engine;
use writ_engine::view::WorkerAccess;

use super::aside::Aside;
use super::caller::ClientCaller;
use super::client::Client;
use super::direct::{self, DirectCall, Hosts};
use super::dropped;
use super::faults::{self, Explained, Fault};
use super::in_flight::{InFlight, Turn};
use super::message::{Message, Unreadable};
use super::parameter_headers::{self, ParameterHeaders, Schemas};
use super::renamed;
use super::request_body;
use super::session::{self, Sessions};
use super::ways::{SESSION_HEADER, Way, is_current};
use super::worker_service::{Endpoint, WorkerService};
use super::{LOOPBACK_HOSTS, ServerConfig};

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// The endpoint.
pub(super) struct Door {
    endpoint: Arc<Endpoint>,
    alone: StreamableHttpService<WorkerService, NeverSessionManager>,
    in_session: StreamableHttpService<WorkerService, Sessions>,
    sessions: Arc<Sessions>,
    in_flight: Arc<InFlight>,
    hosts: Hosts,
    body_bytes_max: usize,
    shutdown: CancellationToken,
}

impl Door {
    pub(super) fn new(engine: Arc<Engine>, config: ServerConfig) -> Self {
        // An empty list would mean any host to the protocol's own check.
        let hosts = if config.allowed_hosts.is_empty() {
            LOOPBACK_HOSTS.map(str::to_owned).to_vec()
        } else {
            config.allowed_hosts
        };
        let direct_hosts = Hosts::new(&hosts);
        let http = StreamableHttpServerConfig::default()
            .with_allowed_hosts(hosts)
            .with_allowed_origins(config.allowed_origins)
            .enforce_origin_validation()
            .with_max_request_body_bytes(config.body_bytes_max)
            .with_cancellation_token(config.shutdown.clone());
        let endpoint = Arc::new(Endpoint {
            engine,
            console_url: config.console_url,
            parameter_headers: Arc::<ParameterHeaders>::default(),
        });
        let sessions = Arc::new(Sessions::new());
        let (for_one, for_session) = (Arc::clone(&endpoint), Arc::clone(&endpoint));
        Self {
            endpoint,
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
            in_flight: InFlight::new(config.requests_in_flight_max),
            hosts: direct_hosts,
            body_bytes_max: config.body_bytes_max,
            shutdown: config.shutdown,
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
        let body = match request_body::read(body, self.body_bytes_max).await {
            Ok(body) => body,
            Err(fault) => return self.settle(&access, fault.explain(&[])).await,
        };
        let message = match Message::read(&body) {
            Ok(message) => Some(message),
            Err(Unreadable::Ambiguous) => {
                let what = "the request has an object with a name that stands twice, or with one that is reserved";
                return self.settle(&access, Fault::new(StatusCode::BAD_REQUEST, what).explain(&body)).await;
            }
            // What is wrong with it, the protocol says, after it has looked at the headers.
            Err(Unreadable::NotJson) => None,
        };
        match Way::of(&parts, message.as_ref()) {
            Way::Handshake => {
                if self.sessions.are_full() {
                    return faults::full();
                }
                parts.headers.remove(SESSION_HEADER);
                self.go_in(&access, turn, parts, body).await
            }
            Way::Session => {
                let session = parts.headers.get(SESSION_HEADER).and_then(|value| value.to_str().ok());
                let is_own = session.is_some_and(|session| self.sessions.belongs(session, access.run()));
                if !is_own {
                    return faults::no_session(&body);
                }
                let is_stream = parts.method == Method::GET;
                let body = renamed_body(&mut parts, message, body);
                let response = self.go_in(&access, turn.clone(), parts, body).await;
                if is_stream { held(response, turn) } else { response }
            }
            Way::Alone => {
                let schemas = self.schemas(&access, &parts.headers, message.as_ref()).await;
                match DirectCall::take(&self.hosts, &schemas, &parts, message) {
                    Ok(call) => self.go_directly(&access, turn, call, body).await,
                    Err(message) => self.go_alone(&access, turn, parts, message, body, schemas).await,
                }
            }
        }
    }

    async fn go_in(&self, access: &WorkerAccess, turn: Turn, mut parts: Parts, body: Bytes) -> Response {
        accompany(&mut parts, access, turn);
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let handling = self.in_session.handle(request);
        let response = session::on_behalf_of(access.run(), handling).await.map(Body::new);
        self.settle(access, faults::explain(response, &body).await).await
    }

    async fn go_alone(
        &self,
        access: &WorkerAccess,
        turn: Turn,
        mut parts: Parts,
        message: Option<Message>,
        body: Bytes,
        schemas: Arc<Schemas>,
    ) -> Response {
        accompany(&mut parts, access, turn);
        let body = renamed_body(&mut parts, message, body);
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let response = parameter_headers::beside(schemas, self.alone.handle(request)).await.map(Body::new);
        let response = dropped::from_response(response).await;
        self.settle(access, faults::explain(response, &body).await).await
    }

    async fn go_directly(&self, access: &WorkerAccess, turn: Turn, call: DirectCall, body: Bytes) -> Response {
        let DirectCall { id, request, meta, declared } = call;
        let (aside, said) = Aside::channel();
        let client = Client::direct(access.clone(), ClientCaller::direct(&meta, declared, aside));
        let endpoint = Arc::clone(&self.endpoint);
        let calling = async move {
            // The run has its turn until the call has ended.
            let _turn = turn;
            endpoint.make_call(&client, request, &meta).await
        };
        let response = direct::respond(id, calling, said, &self.shutdown).await;
        self.settle(access, faults::explain(response, &body).await).await
    }

    /// The schemas of the run's tools that name headers, where the request may call one.
    async fn schemas(&self, access: &WorkerAccess, headers: &HeaderMap, message: Option<&Message>) -> Arc<Schemas> {
        let known = &self.endpoint.parameter_headers;
        if let Some(schemas) = known.of(access.run()) {
            return schemas;
        }
        let calls_tool = message.is_some_and(|message| message.method() == Some("tools/call"));
        if !calls_tool || !is_current(headers, message) {
            return Arc::default();
        }
        // A run that cannot list its tools cannot call one either, which the call itself will be told.
        let tools = self.endpoint.engine.worker_tools(access).await;
        tools.map(|tools| known.listed(access.run(), &tools)).unwrap_or_default()
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<WorkerAccess, Refusal> {
        let token = bearer(headers).ok_or_else(|| {
            Refusal::new(Code::NotAuthenticated, "send the run's token as `Authorization: Bearer <token>`")
        })?;
        self.endpoint.engine.authenticate_worker(token)
    }

    /// Records what was malformed before it is answered.
    async fn settle(&self, access: &WorkerAccess, explained: Explained) -> Response {
        if let Some(malformed) = &explained.malformed {
            self.endpoint.engine.record_malformed(access, malformed).await;
        }
        explained.response
    }
}

/// Puts beside a request what its handler needs. The turn ends with the handler, not with the connection.
fn accompany(parts: &mut Parts, access: &WorkerAccess, turn: Turn) {
    parts.extensions.insert(access.clone());
    parts.extensions.insert(turn);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::renamed::Renamed;
    use crate::server::ways::REVISION_HEADER;

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
