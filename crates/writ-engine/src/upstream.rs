//! What the engine needs from whoever speaks to integrations.
//!
//! Architecture invariant: [`Upstream::send`] is the only way to an integration, and takes a [`Permit`] by value.
//! Permits are made in this crate alone, once the record that allows the call is durable.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value as Json};
use writ_core::definition::Ask;

use crate::permit::Permit;

/// The integrations, reached by whatever protocol they speak.
#[async_trait]
pub trait Upstream: Send + Sync + 'static {
    /// How an integration's server introduces itself, and what it offers. Asked at start and when pins are checked;
    /// on behalf of a person where the connection is a person's own.
    ///
    /// # Errors
    /// [`UpstreamUnavailable`] where it cannot be reached, or nobody is named and the connection is a person's own.
    async fn describe(&self, integration: &str, person: Option<&str>)
    -> Result<ServerDescription, UpstreamUnavailable>;

    /// Makes one request, once. Never retries by itself.
    ///
    /// On a connection that is a person's own, a read leaves only while what the server offers is the edition that its
    /// permit names ([`crate::permit::Basis`]); otherwise the answer is [`Sent::NotCompared`].
    ///
    /// `caller` hears what the server says while the request is under way, and is asked what the server asks.
    /// Where it is gone before the answer, the future is dropped: then the server is told that the request is
    /// cancelled.
    async fn send(&self, permit: Permit, caller: Arc<dyn Caller>) -> Sent;

    /// Only these integrations are used from now on. Connections to any others are let go: each closes once the
    /// requests on it have ended.
    fn retain(&self, integrations: &BTreeSet<String>);
}

/// Who made a request, for as long as it is under way.
#[async_trait]
pub trait Caller: Send + Sync + 'static {
    /// Whether it can be asked this.
    fn can_be_asked(&self, ask: Ask) -> bool;

    /// Whether it takes this question in some way: at once, or by making its request again with the answer.
    fn takes(&self, ask: Ask) -> bool {
        self.can_be_asked(ask)
    }

    /// Whether it takes a task in place of an answer.
    fn takes_tasks(&self) -> bool {
        false
    }

    /// Whether nothing that it is told will ever be heard: it has gone away, or its run has ended.
    fn is_gone(&self) -> bool {
        false
    }

    /// Tells it something. What cannot be delivered is dropped.
    async fn tell(&self, notice: Notice);

    /// Asks it something: the protocol's own parameters and result, as JSON.
    ///
    /// # Errors
    /// A text for the server, where it cannot or will not answer.
    async fn ask(&self, ask: Ask, parameters: Json) -> Result<Json, String>;
}

/// The protocol's name for a question.
#[must_use]
pub fn method_of(ask: Ask) -> &'static str {
    match ask {
        Ask::Elicitation => "elicitation/create",
        Ask::Sampling => "sampling/createMessage",
        Ask::Roots => "roots/list",
    }
}

/// What a question of the protocol's asks, if it is one that a worker can be asked.
#[must_use]
pub fn ask_of(method: &str) -> Option<Ask> {
    [Ask::Elicitation, Ask::Sampling, Ask::Roots].into_iter().find(|ask| method_of(*ask) == method)
}

/// What a server says while a request is under way.
#[derive(Debug, Clone)]
pub enum Notice {
    /// How far it is.
    Progress {
        /// How much is done, growing.
        progress: f64,
        /// Of how much, where that is known.
        total: Option<f64>,
        /// In words.
        message: Option<String>,
    },
    /// A line of its log: the protocol's own parameters (`level`, `logger`, `data`).
    Log(Json),
    /// A resource that somebody follows has changed.
    ResourceChanged {
        /// Its address.
        uri: String,
    },
}

/// Nobody: the caller of an approved effect, which runs while no worker waits. It hears nothing and is never asked,
/// since a worker's own input never counts towards what people approved.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

#[async_trait]
impl Caller for Nobody {
    fn can_be_asked(&self, _ask: Ask) -> bool {
        false
    }

    fn takes_tasks(&self) -> bool {
        true
    }

    async fn tell(&self, _notice: Notice) {}

    async fn ask(&self, _ask: Ask, _parameters: Json) -> Result<Json, String> {
        Err("nobody can be asked while an approved effect is carried out".to_owned())
    }
}

/// How a server introduces itself.
#[derive(Debug, Clone, Default)]
pub struct ServerDescription {
    /// The server's own name and version, joined with a space.
    pub server: String,
    /// Its tools.
    pub tools: Vec<UpstreamTool>,
    /// Its prompts.
    pub prompts: Vec<UpstreamItem>,
    /// Its resources; the name is the address.
    pub resources: Vec<UpstreamItem>,
    /// Its templates of resources; the name is the template (RFC 6570).
    pub templates: Vec<UpstreamItem>,
    /// Whether it completes arguments.
    pub completes: bool,
    /// Of a connection that is one person's own: which edition of what the server offers this is. The number is another
    /// one after each opening, and after each word of a change. Such a server may offer other people something else.
    pub edition: Option<u64>,
}

/// A tool as its server describes it: hints from an untrusted party.
#[derive(Debug, Clone)]
pub struct UpstreamTool {
    /// The tool's name at the integration.
    pub name: String,
    /// What the server says that it does.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub input_schema: Map<String, Json>,
    /// The JSON Schema of its structured result, where the server declares one.
    pub output_schema: Option<Map<String, Json>>,
    /// The whole definition as JSON (name, title, description, schemas, annotations): what a pin digests.
    pub definition: Json,
}

/// A prompt, resource or template as its server describes it.
#[derive(Debug, Clone)]
pub struct UpstreamItem {
    /// By what it is asked for.
    pub name: String,
    /// The whole definition as JSON, in the protocol's own form.
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
    /// Whether it is because the person has not linked it.
    pub not_linked: bool,
}

/// What became of one request.
#[derive(Debug, Clone)]
pub enum Sent {
    /// The integration answered.
    Answered(Answer),
    /// The integration wants something before it goes on, and has kept nothing: the request is made again with
    /// what it wants. For an effect the request itself may have had an effect already.
    InputRequired(InputRequired),
    /// The integration works on it as a task of its own.
    Task(UpstreamTask),
    /// The request certainly did not leave: nothing can have happened.
    NotSent(String),
    /// The request certainly did not leave, because the run's person has not linked the integration.
    NotLinked,
    /// The request certainly did not leave, because what the server offers has to be described first, and compared.
    NotCompared,
    /// The request left, or may have, and no answer came.
    Lost(String),
}

/// An integration's answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Whether it said that the call failed.
    pub is_error: bool,
    /// What it says: of a tool the structured content where there is one, otherwise the text parsed as JSON where
    /// it is JSON, otherwise the text as a JSON string. Of anything else, the same as `message`.
    pub result: Json,
    /// The whole answer in the protocol's own form, without what belongs to the transport.
    pub message: Map<String, Json>,
}

impl Answer {
    /// An answer of one value.
    #[must_use]
    pub fn of(is_error: bool, result: Json) -> Self {
        Self { is_error, result, message: Map::new() }
    }

    /// An answer that is a tool's result in the protocol's own form, whether it came at once or from a task.
    #[must_use]
    pub fn of_tool(message: Map<String, Json>) -> Self {
        let is_error = message.get("isError").and_then(Json::as_bool).unwrap_or(false);
        let result = match message.get("structuredContent") {
            Some(content) => content.clone(),
            None => of_blocks(message.get("content").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()),
        };
        Self { is_error, result, message }
    }
}

/// What blocks of content say: their text, as JSON where it is JSON.
fn of_blocks(blocks: &[Json]) -> Json {
    let is_text = |block: &&Json| block.get("type").is_some_and(|kind| kind == "text");
    let texts: Vec<&str> = blocks.iter().filter(is_text).filter_map(|block| block.get("text")?.as_str()).collect();
    if texts.is_empty() && !blocks.is_empty() {
        return Json::String(format!("{} parts that are not text", blocks.len()));
    }
    let text = texts.join("\n");
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

/// What an integration wants before it goes on.
#[derive(Debug, Clone, Default)]
pub struct InputRequired {
    /// Its questions by key, in the protocol's own form (`method`, `params`).
    pub requests: Map<String, Json>,
    /// What it wants back with the answers.
    pub state: Option<String>,
}

/// A task of an integration, in the protocol's own form (`taskId`, `status`, `createdAt`, ...).
#[derive(Debug, Clone, Default)]
pub struct UpstreamTask(pub Map<String, Json>);
