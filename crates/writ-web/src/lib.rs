//! The console and the JSON API: what people see of Writ, and how they answer.
//!
//! Pages are made on the server, work without script, and show hostile text beside an Approve button: so every
//! piece of text that somebody else wrote passes through one function, `visible`, and nothing else may put
//! markup on a page. The crate relies on the engine for every decision: who somebody is, what they may see and
//! whether a vote counts.
//!
//! Architecture invariant: only this crate knows HTML and status codes, it holds no policy and keeps no state.
//! Every address stands in one table, [`ROUTES`], from which the router is built, with whom it serves and what
//! it takes; a handler that is not in the table cannot be reached.

use std::sync::Arc;

use axum::Router;
use writ_engine::Engine;

mod api;
mod assets;
mod frame;
mod guard;
mod headers;
mod linking;
mod links;
mod log;
mod moment;
mod pages;
mod problem;
mod rail;
mod routes;
mod session;
mod stream;
mod tags;
mod visible;
mod wording;

pub use linking::{Link, LinkAnswer, LinkedState, Linking, NoLinks};
pub use links::{link_integration, sign_in_with};
pub use routes::{Access, ROUTES, Route, Takes, Verb};

/// How the console is reached.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// The address under which people reach the console, such as `https://writ.example.org`.
    pub base_url: String,
    /// The hosts that requests may name, beside the one of the base address: `localhost` for any port,
    /// `127.0.0.1:8080` for one.
    pub allowed_hosts: Vec<String>,
    /// Whether cookies are sent over HTTPS only. Off for plain HTTP on a laptop.
    pub secure_cookies: bool,
    /// Whether anybody may follow the trail's log: its checkpoints, hashes and commitments, never an event.
    pub public_log: bool,
}

/// What every handler gets.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) config: Arc<WebConfig>,
    pub(crate) linking: Arc<dyn Linking>,
}

/// The console's pages, their assets and the JSON API, as one router.
///
/// Unknown addresses are answered here too, so that a router which is merged with this one needs no fallback.
pub fn router(engine: Arc<Engine>, config: WebConfig, linking: Arc<dyn Linking>) -> Router {
    routes::mount(App { engine, config: Arc::new(config), linking })
}
