//! Where credentials come from; a definition never holds one.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret value is kept: exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretSource {
    /// The environment variable of the server that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// The file that holds it, relative to the workspace folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Its name among the sealed credentials (`writ credential set NAME`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

/// The credential of a connection: a secret in a header, or a grant of OAuth 2. Exactly one of `env`, `file`,
/// `sealed` and `oauth` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The HTTP header in which a secret is sent. `Authorization` gets `Bearer ` in front.
    #[serde(default = "authorization")]
    pub header: String,
    /// The environment variable of the server that holds the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// The file that holds the secret, relative to the workspace folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The secret's name among the sealed credentials (`writ credential set NAME`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// An access token, asked for and renewed by Writ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OAuth>,
}

impl Credential {
    /// Where the fixed secret is kept, where there is one.
    #[must_use]
    pub fn secret(&self) -> SecretSource {
        SecretSource { env: self.env.clone(), file: self.file.clone(), sealed: self.sealed.clone() }
    }
}

/// An access token by OAuth 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// By whose authority.
    pub grant: Grant,
    /// The authorization server. Where nothing is said, the one that the integration names (RFC 9728).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The client's id at that server: as registered there, or the address of a client metadata document. Where
    /// nothing is said, Writ registers itself (RFC 7591).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The client's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretSource>,
    /// The scopes to ask for. Where nothing is said, those that the integration asks for, and no more.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// By whose authority an access token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Writ's own (RFC 6749, section 4.4): the same for every run.
    ClientCredentials,
    /// That of the run's person, by exchanging a statement of Writ's about them (RFC 8693).
    TokenExchange,
    /// That of the run's person, who has linked the integration once (authorization code with PKCE).
    Person,
}

fn authorization() -> String {
    "Authorization".to_owned()
}
