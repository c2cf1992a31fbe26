//! `integrations/*.yaml`: the MCP servers behind Writ.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    pub tools: BTreeMap<String, Tool>,
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

/// Where a credential comes from; the definition never holds one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The HTTP header to send it in. `Authorization` gets `Bearer ` in front.
    #[serde(default = "authorization")]
    pub header: String,
    /// The environment variable of the server that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// The file that holds it, relative to the workspace folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
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
}

fn authorization() -> String {
    "Authorization".to_owned()
}
