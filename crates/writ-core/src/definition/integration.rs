//! `integrations/*.yaml`: the MCP servers behind Writ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::credential::{Credential, SecretSource};
use crate::event::EffectProfile;

/// One integration.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Its name: the first part of `integration.tool` wherever a tool is named.
    pub integration: String,
    /// How it is reached.
    pub from: Transport,
    /// Its tools. A tool that is not named here cannot be used.
    #[serde(default)]
    pub tools: BTreeMap<String, Tool>,
    /// Its prompts, each of which the operator vouches for as a read.
    #[serde(default)]
    pub prompts: BTreeMap<String, Prompt>,
    /// Sets of its resources, each of which the operator vouches for as a read.
    #[serde(default)]
    pub resources: BTreeMap<String, Resource>,
    /// What the server may ask a worker while a read is under way. Nothing, where nothing is said.
    #[serde(default)]
    pub asks: BTreeSet<Ask>,
    /// Labels that a run picks up with every answer from here, such as `untrusted`.
    #[serde(default)]
    pub labels: BTreeSet<String>,
    /// What the connection may cost.
    #[serde(default)]
    pub limits: ConnectionLimits,
}

impl Integration {
    /// Whether nothing of the integration is named, so that no mission can use anything of it.
    #[must_use]
    pub fn offers_nothing(&self) -> bool {
        self.tools.is_empty() && self.prompts.is_empty() && self.resources.is_empty()
    }
}

/// Something that a server may ask a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Input from whoever uses the worker (MCP elicitation).
    Elicitation,
    /// A completion by the worker's model (MCP sampling).
    Sampling,
    /// The worker's folders (MCP roots).
    Roots,
}

/// A prompt, as the operator lets it through.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// The digest of its definition when it was let through. A prompt that has changed since cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
}

/// A set of resources, as the operator lets it through.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The address, in which `*` stands for any characters: `file:///policies/*`.
    pub uri: String,
}

/// What one connection may cost. A server that uses its share up holds up nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionLimits {
    /// How long one answer may take, such as `60s`.
    pub answer: String,
    /// How many calls are under way at a time; more wait their turn.
    pub calls_in_flight: u32,
    /// How many calls are made in a minute. Any number, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_minute: Option<u32>,
    /// The memory of a child process, in mebibytes of address space. Any amount, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// The processor time of a child process, in seconds. Any amount, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_seconds: Option<u64>,
    /// How many files a child process may hold open. The system's own limit, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            answer: "60s".to_owned(),
            calls_in_flight: 64,
            calls_per_minute: None,
            memory_mib: None,
            processor_seconds: None,
            open_files: None,
        }
    }
}

/// How an integration is reached.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Transport {
    /// A child process that speaks MCP on its standard input and output. It gets no environment but what is
    /// named here and a plain `PATH`.
    Stdio {
        /// The program, relative to the workspace folder where it contains a `/`.
        command: PathBuf,
        /// Its arguments.
        #[serde(default)]
        args: Vec<String>,
        /// Its environment.
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// The part of its environment that is secret.
        #[serde(default)]
        secrets: BTreeMap<String, SecretSource>,
    },
    /// A server that speaks Streamable HTTP.
    Http {
        /// Its address.
        url: String,
        /// The credential to send.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<Credential>,
    },
}

/// What a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolClass {
    /// Nothing; the operator vouches for it.
    Read,
    /// Something: every call waits for a person.
    Effect,
}

/// One tool, as the operator classifies it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// What it does to the world. There is no default: a tool without a class is an error.
    pub class: ToolClass,
    /// The digest of its definition when it was classified, as `writ check` prints it. A tool whose definition
    /// has changed since cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// What can be done when an answer is lost.
    #[serde(default)]
    pub profile: EffectProfile,
    /// Whether the effect can be undone.
    #[serde(default)]
    pub reversible: bool,
    /// The decision's headline, with `{input.…}` for arguments: `Refund {input.amount} of {input.payment_id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// The JSON Schema of its structured result, where the server declares none and a mission looks at results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
    /// Labels that a run picks up with every answer of this tool.
    #[serde(default)]
    pub labels: BTreeSet<String>,
}
