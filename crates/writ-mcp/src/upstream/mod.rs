//! The integrations: MCP servers that Writ calls on behalf of runs.
//!
//! [`McpUpstream`] keeps lazily opened connections, one for each integration or, where a connection is a person's
//! own, one for each person, and makes each request once. It relies on the engine's permits for everything about
//! whether a request may be made, and on the operator's [`Connection`]s for where it goes and what it may cost. It
//! never retries, never follows a redirect, and never guesses: where it is not certain that a request stayed here,
//! the answer is [`Sent::Lost`], and where an answer came, it is [`Sent::Answered`]. A server that is slow, down or
//! hostile holds up its own calls and nobody else's.

mod answer;
mod breaker;
mod call;
mod changes;
mod child;
mod command;
mod connection;
mod conversation;
mod describe;
mod dial;
mod direct;
mod follow;
mod http_client;
mod integration;
mod link;
mod ourselves;
mod outcome;
mod rate;
mod request;
mod switchboard;
#[cfg(test)]
mod tests;
mod tools;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use writ_engine::permit::Permit;
use writ_engine::upstream::{Caller, Sent, ServerDescription, Upstream, UpstreamUnavailable};

use call::Call;
use changes::Changes;
use http_client::Clients;
use integration::Integration;

pub use connection::{ANSWER_SECONDS_MAX, CALLS_IN_FLIGHT_MAX, Connection, Limits, Transport};
pub use request::IDEMPOTENCY_META;

/// How long an integration may take to introduce itself and what it offers.
pub const DESCRIBE_SECONDS_MAX: u64 = 60;

/// The integrations, reached by MCP over standard input and output or over Streamable HTTP.
pub struct McpUpstream {
    integrations: BTreeMap<String, Integration>,
    changes: Changes,
}

impl McpUpstream {
    /// Takes the connections over. Nothing is opened before the first use; of two connections with the same name
    /// the later one counts.
    #[must_use]
    pub fn new(connections: Vec<Connection>) -> Self {
        let changes = Changes::default();
        let clients = Arc::new(Clients::default());
        let integrations = connections.into_iter().map(|connection| {
            let name = connection.name.clone();
            (name, Integration::new(connection, Arc::clone(&clients), changes.clone()))
        });
        Self { integrations: integrations.collect(), changes }
    }

    /// Follows a counter that moves when an integration says that what it offers has changed: then it is time to
    /// describe the integrations again.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changes.follow()
    }

    /// The one way to an integration: [`Upstream::send`] comes here with what a permit held.
    async fn make(&self, integration: &str, person: &str, call: Call, caller: Arc<dyn Caller>) -> Sent {
        let Some(found) = self.integrations.get(integration) else {
            return Sent::NotSent(format!("no connection is configured for the integration `{integration}`"));
        };
        let Some(link) = found.link(Some(person)) else {
            return Sent::NotLinked;
        };
        if !found.may_call() {
            return Sent::NotSent("the integration's rate of calls in a minute is used up".to_owned());
        }
        let sent = call.make(&link, caller).await;
        if matches!(sent, Sent::NotCompared) {
            found.give_call_back();
        }
        sent
    }
}

#[async_trait]
impl Upstream for McpUpstream {
    async fn describe(
        &self,
        integration: &str,
        person: Option<&str>,
    ) -> Result<ServerDescription, UpstreamUnavailable> {
        let unavailable = |detail: String, not_linked: bool| UpstreamUnavailable {
            integration: integration.to_owned(),
            detail,
            not_linked,
        };
        let Some(found) = self.integrations.get(integration) else {
            return Err(unavailable("no connection is configured for it".to_owned(), false));
        };
        let Some(link) = found.link(person) else {
            return Err(unavailable("its connection is a person's own, and nobody is named".to_owned(), false));
        };
        let limit = Duration::from_secs(DESCRIBE_SECONDS_MAX);
        match tokio::time::timeout(limit, describe::describe(&link)).await {
            Ok(described) => described.map_err(|failure| unavailable(failure.why, failure.is_not_linked)),
            Err(_) => {
                let why = format!("what it offers was not listed within {DESCRIBE_SECONDS_MAX} s");
                Err(unavailable(why, false))
            }
        }
    }

    async fn send(&self, permit: Permit, caller: Arc<dyn Caller>) -> Sent {
        let (integration, person) = (permit.integration().to_owned(), permit.person().to_owned());
        let idempotency_key = permit.idempotency_key().map(str::to_owned);
        let (run, basis) = (permit.run().to_owned(), permit.basis());
        let call = Call { request: permit.into_request(), idempotency_key, run, basis };
        self.make(&integration, &person, call, caller).await
    }

    fn retain(&self, integrations: &BTreeSet<String>) {
        let unused = self.integrations.iter().filter(|(name, _)| !integrations.contains(*name));
        unused.for_each(|(_, integration)| integration.let_go());
    }
}
