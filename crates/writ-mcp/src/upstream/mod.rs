//! The integrations: MCP servers that Writ calls on behalf of runs.
//!
//! [`McpUpstream`] keeps one lazily opened connection for each integration and makes each call once. It relies on
//! the engine's permits for everything about whether a call may be made, and on the operator's [`Connection`]s for
//! where it goes. It never retries a call, never follows a redirect, and never guesses: where it is not certain that
//! a request stayed here, the answer is [`Sent::Lost`], and where an answer came, it is [`Sent::Answered`].

mod call;
mod connection;
mod describe;
mod dial;
mod link;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use writ_engine::permit::Permit;
use writ_engine::upstream::{Sent, ServerDescription, Upstream, UpstreamUnavailable};

use call::Call;
use link::Link;

pub use call::IDEMPOTENCY_META;
pub use connection::{Connection, Transport};

/// How long an integration may take to answer one call.
pub const ANSWER_SECONDS_MAX: u64 = 60;
/// How long an integration may take to introduce itself and its tools.
pub const DESCRIBE_SECONDS_MAX: u64 = 60;

/// The integrations, reached by MCP over standard input and output or over Streamable HTTP.
pub struct McpUpstream {
    links: BTreeMap<String, Link>,
}

impl McpUpstream {
    /// Takes the connections over. Nothing is opened before the first use; of two connections with the same name
    /// the later one counts.
    #[must_use]
    pub fn new(connections: Vec<Connection>) -> Self {
        Self::answering_within(connections, Duration::from_secs(ANSWER_SECONDS_MAX))
    }

    fn answering_within(connections: Vec<Connection>, limit: Duration) -> Self {
        let links = connections.into_iter().map(|connection| {
            let name = connection.name.clone();
            (name, Link::new(connection, limit))
        });
        Self { links: links.collect() }
    }

    /// The one way to a tool: [`Upstream::send`] comes here with what a permit held.
    async fn make(&self, integration: &str, call: Call) -> Sent {
        match self.links.get(integration) {
            Some(link) => call.make(link).await,
            None => Sent::NotSent(format!("no connection is configured for the integration `{integration}`")),
        }
    }
}

#[async_trait]
impl Upstream for McpUpstream {
    async fn describe(&self, integration: &str) -> Result<ServerDescription, UpstreamUnavailable> {
        let answer = match self.links.get(integration) {
            Some(link) => {
                let limit = Duration::from_secs(DESCRIBE_SECONDS_MAX);
                tokio::time::timeout(limit, describe::describe(link))
                    .await
                    .unwrap_or_else(|_| Err(format!("its tools were not listed within {DESCRIBE_SECONDS_MAX} s")))
            }
            None => Err("no connection is configured for it".to_owned()),
        };
        answer.map_err(|detail| UpstreamUnavailable { integration: integration.to_owned(), detail })
    }

    async fn send(&self, permit: Permit) -> Sent {
        let integration = permit.integration().to_owned();
        let call = Call {
            tool: permit.tool().to_owned(),
            idempotency_key: permit.idempotency_key().map(str::to_owned),
            arguments: permit.into_arguments(),
        };
        self.make(&integration, call).await
    }
}
