//! Linking integrations in people's names: the console on one side, the connections' credentials on the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use writ_core::code::{Code, Refusal};
use writ_engine::Engine;
use writ_mcp::credential::{Callback, Identity, LinkError, LinkState, OAuthSource, Unlinked};
use writ_web::{Link, LinkAnswer, LinkedState, Linking};

/// The integrations that people use in their own name.
pub(crate) struct Links {
    pub(crate) sources: BTreeMap<String, Arc<OAuthSource>>,
    pub(crate) identity: Arc<Identity>,
    /// Which records who links and unlinks what.
    pub(crate) engine: Arc<Engine>,
}

impl Links {
    fn source(&self, integration: &str) -> Result<&Arc<OAuthSource>, Refusal> {
        let unknown = || Refusal::new(Code::UnknownName, "there is no integration of this name that people link");
        self.sources.get(integration).ok_or_else(unknown)
    }
}

fn refusal(error: LinkError) -> Refusal {
    let code = match &error {
        LinkError::NotRecorded(refusal) => return refusal.clone(),
        LinkError::NotPersonal => Code::UnknownName,
        LinkError::NotBegun => Code::BadArguments,
        LinkError::Declined => Code::NotLinked,
        LinkError::TooMany => Code::LimitReached,
        LinkError::Failed(_) => Code::UpstreamError,
    };
    Refusal::new(code, error.to_string())
}

#[async_trait]
impl Linking for Links {
    async fn links(&self, person: &str) -> Result<Vec<Link>, Refusal> {
        let mut links = Vec::with_capacity(self.sources.len());
        for (integration, source) in &self.sources {
            let state = match source.link_state(person).await.map_err(refusal)? {
                LinkState::Unlinked => LinkedState::Unlinked,
                LinkState::Linked { since } => LinkedState::Linked { since },
                LinkState::Again => LinkedState::Again,
            };
            links.push(Link { integration: integration.clone(), state });
        }
        Ok(links)
    }

    async fn begin(&self, integration: &str, person: &str, redirect_uri: &str) -> Result<String, Refusal> {
        let address = self.source(integration)?.begin_link(person, redirect_uri).await.map_err(refusal)?;
        Ok(address.into())
    }

    async fn finish(&self, integration: &str, person: &str, answer: LinkAnswer) -> Result<(), Refusal> {
        let LinkAnswer { state, code, issuer, declined } = answer;
        let callback = Callback { state, code, issuer, declined };
        self.source(integration)?.finish_link(person, callback, self.engine.clone()).await.map_err(refusal)
    }

    async fn unlink(&self, integration: &str, person: &str) -> Result<Option<String>, Refusal> {
        match self.source(integration)?.unlink(person, self.engine.clone()).await.map_err(refusal)? {
            Unlinked::Nothing | Unlinked::Ended => Ok(None),
            Unlinked::Remains(why) => Ok(Some(why)),
        }
    }

    fn public_keys(&self) -> Json {
        self.identity.public_keys()
    }
}
