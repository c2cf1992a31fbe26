//! A fake: an authorization server and the MCP servers of all integrations over HTTP, behind one port. It gives out canaries, remembers what it is
//! sent and repeats it wherever it can, as a careless server does or a hostile one. It is no example of either.

mod authorization;
mod integration;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use writ_tests::dice::Dice;

use super::canary::{self, Canary};

pub(super) use integration::{MODES, tools};

/// What the authorization server is called where it is written down who was sent what.
pub(super) const AUTHORIZATION_SERVER: &str = "the authorization server";
/// What its endpoint is called that ends tokens, access tokens among them.
const REVOCATION: &str = "the authorization server, to end tokens";

/// What the fake does, and what it has seen.
pub(super) struct Told {
    /// Whether the endpoints that give and end tokens refuse everything.
    pub(super) refuses_grants: bool,
    /// Whether tools cannot be listed.
    pub(super) fails_to_list: bool,
    /// The secrets that it has given out or learned of.
    pub(super) canaries: Vec<Canary>,
    /// The secrets that have come to whom they were for.
    pub(super) arrived: BTreeSet<String>,
    /// Each integration with the ways in which it has answered.
    pub(super) answered: BTreeSet<(String, String)>,
    /// Everything that anybody was sent.
    pub(super) sent: BTreeMap<String, Vec<u8>>,
    /// How many tokens it was asked to end, and has ended.
    pub(super) revocations: usize,
    tokens: BTreeSet<String>,
    revoked: BTreeSet<String>,
    refresh_tokens: BTreeSet<String>,
    codes: BTreeSet<String>,
    dice: Dice,
}

impl Told {
    /// A new secret.
    pub(super) fn make(&mut self, kind: &'static str, may_stand: &[&str]) -> String {
        let value = canary::text(&mut self.dice);
        self.canaries.push(Canary::new(kind, &value, may_stand));
        value
    }

    fn note(&mut self, whom: &str, parts: &[&[u8]]) {
        let sent = self.sent.entry(whom.to_owned()).or_default();
        parts.iter().for_each(|part| sent.extend_from_slice(part));
        sent.push(b'\n');
    }
}

/// The fake, until it is dropped.
pub(super) struct Fake {
    pub(super) base: String,
    told: Arc<Mutex<Told>>,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    base: String,
    told: Arc<Mutex<Told>>,
}

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told {
            refuses_grants: false,
            fails_to_list: false,
            canaries: Vec::new(),
            arrived: BTreeSet::new(),
            answered: BTreeSet::new(),
            sent: BTreeMap::new(),
            revocations: 0,
            tokens: BTreeSet::new(),
            revoked: BTreeSet::new(),
            refresh_tokens: BTreeSet::new(),
            codes: BTreeSet::new(),
            dice: Dice::new(0x00ca_4a21),
        }));
        let routes = Router::new()
            .route("/{integration}/mcp", post(integration::answer))
            .route("/.well-known/oauth-protected-resource/{integration}/mcp", get(authorization::resource))
            .route("/.well-known/oauth-authorization-server", get(authorization::metadata))
            .route("/authorize", get(authorization::consent))
            .route("/register", post(authorization::register))
            .route("/token", post(authorization::token))
            .route("/revoke", post(authorization::revoke))
            .with_state(Shared { base: base.clone(), told: Arc::clone(&told) });
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { base, told, serving }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
