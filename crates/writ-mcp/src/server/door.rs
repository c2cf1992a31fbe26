//! The way of one HTTP request: who asks, how much, and what to say where it is not a message.
//!
//! The order matters. The token comes first, so that nobody without one makes Writ read, parse or remember
//! anything; then a turn, then the body up to its limit, then the protocol. What the protocol rejects is explained
//! in one form and, since the run is known by then, recorded.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use writ_core::code::{Code, Refusal};
use writ_engine::Engine;
use writ_engine::view::WorkerAccess;

use super::faults::{self, Explained, Fault};
use super::in_flight::InFlight;
use super::worker_service::WorkerService;
use super::{LOOPBACK_HOSTS, ServerConfig};

/// How long a worker may take to send one request.
const BODY_SECONDS_MAX: u64 = 30;
/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// The endpoint.
pub(super) struct Door {
    engine: Arc<Engine>,
    protocol: StreamableHttpService<WorkerService, NeverSessionManager>,
    in_flight: Arc<InFlight>,
    body_bytes_max: usize,
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
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_allowed_hosts(hosts)
            .with_allowed_origins(config.allowed_origins)
            .enforce_origin_validation()
            .with_max_request_body_bytes(config.body_bytes_max)
            .with_cancellation_token(config.shutdown);
        let service = WorkerService::new(Arc::clone(&engine));
        Self {
            engine,
            protocol: StreamableHttpService::new(
                move || Ok(service.clone()),
                Arc::new(NeverSessionManager::default()),
                http,
            ),
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
        let body = match read(body, self.body_bytes_max).await {
            Ok(body) => body,
            Err(fault) => return self.settle(&access, fault.explain(&[])).await,
        };
        // The handler finds the access here; the turn ends with the handler, not with the connection.
        parts.extensions.insert(access.clone());
        parts.extensions.insert(turn);
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let response = self.protocol.handle(request).await.map(Body::new);
        self.settle(&access, faults::explain(response, &body).await).await
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

    fn token(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        bearer(&headers).map(str::to_owned)
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
}
