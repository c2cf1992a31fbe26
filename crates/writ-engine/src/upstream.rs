//! What the engine needs from whoever speaks to integrations.
//!
//! Architecture invariant: [`Upstream::send`] is the only way to an integration's tools, and takes a
//! [`Permit`] by value. Permits are made in this crate alone, once the record that allows the call is durable.

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::permit::Permit;

/// The integrations, reached by whatever protocol they speak.
#[async_trait]
pub trait Upstream: Send + Sync + 'static {
    /// How an integration's server introduces itself, and its tools. Asked at start and when pins are checked.
    ///
    /// # Errors
    /// [`UpstreamUnavailable`] where it cannot be reached.
    async fn describe(&self, integration: &str) -> Result<ServerDescription, UpstreamUnavailable>;

    /// Makes one call, once. Never retries by itself.
    async fn send(&self, permit: Permit) -> Sent;
}

/// How a server introduces itself.
#[derive(Debug, Clone)]
pub struct ServerDescription {
    /// The server's own name and version, joined with a space.
    pub server: String,
    /// Its tools.
    pub tools: Vec<UpstreamTool>,
}

/// A tool as its server describes it: hints from an untrusted party.
#[derive(Debug, Clone)]
pub struct UpstreamTool {
    /// The tool's name at the integration.
    pub name: String,
    /// What the server says that it does.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub input_schema: serde_json::Map<String, Json>,
    /// The whole definition as JSON (name, title, description, schemas, annotations): what a pin digests.
    pub definition: Json,
}

/// An integration cannot be reached. The text is for operators and holds no credential.
#[derive(Debug, Clone, thiserror::Error)]
#[error("integration `{integration}` is not available: {detail}")]
pub struct UpstreamUnavailable {
    /// The integration.
    pub integration: String,
    /// What happened.
    pub detail: String,
}

/// What became of one call.
#[derive(Debug, Clone)]
pub enum Sent {
    /// The integration answered.
    Answered {
        /// Whether it said that the call failed.
        is_error: bool,
        /// The answer: the structured content where there is one, otherwise the text parsed as JSON where it
        /// is JSON, otherwise the text as a JSON string.
        result: Json,
    },
    /// The request certainly did not leave: nothing can have happened.
    NotSent(String),
    /// The request left, or may have, and no answer came.
    Lost(String),
}
