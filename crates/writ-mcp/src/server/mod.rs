//! What workers connect to: MCP over Streamable HTTP at `/mcp`.
//!
//! Every request proves its own run by a bearer token before anything of it is understood. Nothing is kept between
//! requests: clients of the current revision need no session, and those of the two before it are served without
//! one, which their revisions allow. So there is no session to steal, to mix up between runs, to fill memory with or
//! to lose in a restart, and any replica can answer any request. Answers are plain JSON, one for each request.
//!
//! Relies on `rmcp` for the protocol and on the engine for every decision; never answers for a run whose token the
//! same request does not carry.

mod claim;
mod door;
mod faults;
mod in_flight;
mod worker_service;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use tokio_util::sync::CancellationToken;
use writ_engine::Engine;

use door::Door;

/// Where workers find Writ.
pub const PATH: &str = "/mcp";
/// The hosts that requests may name where the configuration names none.
pub const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// How the endpoint for workers behaves.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The hosts (`name` or `name:port`) that a request's `Host` may name. Where the list is empty, loopback names.
    pub allowed_hosts: Vec<String>,
    /// The origins from which a browser may call. Where the list is empty, none: a request with an `Origin` is
    /// refused.
    pub allowed_origins: Vec<String>,
    /// The largest request.
    pub body_bytes_max: usize,
    /// How many requests of one run are worked on at a time.
    pub requests_in_flight_max: usize,
    /// Ends what is still being answered when the server stops.
    pub shutdown: CancellationToken,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            allowed_hosts: LOOPBACK_HOSTS.map(str::to_owned).to_vec(),
            allowed_origins: Vec::new(),
            body_bytes_max: 1024 * 1024,
            requests_in_flight_max: 64,
            shutdown: CancellationToken::new(),
        }
    }
}

/// The endpoint for workers, to be merged into the server's routes.
pub fn router(engine: Arc<Engine>, config: ServerConfig) -> Router {
    Router::new().route(PATH, any(serve)).with_state(Arc::new(Door::new(engine, config)))
}

async fn serve(State(door): State<Arc<Door>>, request: Request) -> Response {
    door.serve(request).await
}
