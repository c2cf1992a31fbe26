//! What the console needs from whoever links integrations in people's names.
//!
//! The console sends a person to an authorization server and takes what comes back; what that means is not its own to
//! know. It holds no token and no code for longer than one request.

use std::fmt;

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_core::event::Milliseconds;

/// Links integrations in people's names.
#[async_trait]
pub trait Linking: Send + Sync + 'static {
    /// The integrations that this person can link, by name.
    ///
    /// # Errors
    /// Where it cannot be told how the person stands to them.
    async fn links(&self, person: &str) -> Result<Vec<Link>, Refusal>;

    /// Begins a link. Gives the address of the authorization server, which sends the person back to `redirect_uri`.
    ///
    /// # Errors
    /// [`Code::UnknownName`] where there is no such integration to link; otherwise what went wrong, in words for the
    /// person.
    async fn begin(&self, integration: &str, person: &str, redirect_uri: &str) -> Result<String, Refusal>;

    /// Finishes a link with what the authorization server sent back.
    ///
    /// # Errors
    /// Where the link is not this person's, is too old, or was declined; in words for the person.
    async fn finish(&self, integration: &str, person: &str, answer: LinkAnswer) -> Result<(), Refusal>;

    /// Forgets a link, and has it ended at the authorization server. Where it may be good there for longer, gives why,
    /// in words for the person.
    ///
    /// # Errors
    /// [`Code::UnknownName`] where there is no such integration; otherwise what went wrong.
    async fn unlink(&self, integration: &str, person: &str) -> Result<Option<String>, Refusal>;

    /// The public keys of this server's own statements about people, as a JWK set (RFC 7517).
    fn public_keys(&self) -> Json;
}

/// An integration that a person can link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The integration.
    pub integration: String,
    /// How the person stands to it.
    pub state: LinkedState,
}

/// How a person stands to an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkedState {
    /// Not linked.
    Unlinked,
    /// Linked.
    Linked {
        /// Since when; a renewed token counts.
        since: Milliseconds,
    },
    /// To be linked again: the integration does not accept it any more, or asks for more.
    Again,
}

/// What an authorization server sends back through the browser.
#[derive(Clone, Default)]
pub struct LinkAnswer {
    /// By what the link is recognised (`state`).
    pub state: String,
    /// What becomes tokens (`code`).
    pub code: Option<String>,
    /// Who answers (`iss`, RFC 9207).
    pub issuer: Option<String>,
    /// Whether the answer is a no (`error`).
    pub declined: bool,
}

impl fmt::Debug for LinkAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkAnswer").field("declined", &self.declined).finish_non_exhaustive()
    }
}

/// No integration is linked in anybody's name.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLinks;

#[async_trait]
impl Linking for NoLinks {
    async fn links(&self, _person: &str) -> Result<Vec<Link>, Refusal> {
        Ok(Vec::new())
    }

    async fn begin(&self, _integration: &str, _person: &str, _redirect_uri: &str) -> Result<String, Refusal> {
        Err(unknown())
    }

    async fn finish(&self, _integration: &str, _person: &str, _answer: LinkAnswer) -> Result<(), Refusal> {
        Err(unknown())
    }

    async fn unlink(&self, _integration: &str, _person: &str) -> Result<Option<String>, Refusal> {
        Err(unknown())
    }

    fn public_keys(&self) -> Json {
        json!({ "keys": [] })
    }
}

fn unknown() -> Refusal {
    Refusal::new(Code::UnknownName, "there is no integration of this name that people link")
}
