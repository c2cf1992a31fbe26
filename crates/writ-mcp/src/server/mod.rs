//! What workers connect to: MCP over Streamable HTTP at `/mcp`.
//!
//! One address serves three revisions of the protocol: 2026-07-28, which has no sessions, and 2025-11-25 and
//! 2025-06-18 within sessions. Every request proves its own run by a bearer token before anything of it is understood,
//! within a session too, and a session answers to its own run alone. What a session keeps is the conversation: what the
//! run has read, proposed and done is in the trail, so that a lost session costs a handshake, and a client of the
//! current revision can be answered by any replica. Answers are plain JSON where nothing else is to be said, and a
//! stream where something is, or where there is a session.
//!
//! Relies on `rmcp` for the protocol, but for plain calls of tools, which `direct` reads and answers with the same
//! bytes, and on the engine for every decision; never answers for a run whose token the same request does not carry.

mod aside;
mod caller;
mod calls;
mod claim;
mod client;
mod direct;
mod door;
mod dropped;
mod faults;
mod followed;
mod in_flight;
mod introduction;
mod kept;
mod level;
mod listening;
mod message;
mod offers;
mod old_tasks;
mod other_requests;
mod parameter_headers;
mod questions;
mod renamed;
mod request_body;
mod results;
mod session;
mod tasks;
mod tool_calls;
mod waiting;
mod ways;
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
    /// The console's base address, under which a decision's page is `/decisions/{id}`. Where it is empty, no client is
    /// pointed to a page.
    pub console_url: String,
    /// The largest request.
    pub body_bytes_max: usize,
    /// How many requests of one run are worked on at a time.
    pub requests_in_flight_max: usize,
    /// Ends what is still being answered when the server stops, sessions included.
    pub shutdown: CancellationToken,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            allowed_hosts: LOOPBACK_HOSTS.map(str::to_owned).to_vec(),
            allowed_origins: Vec::new(),
            console_url: String::new(),
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
