//! What an authorization server knows this client by, and to whom its secret is shown.

use serde::{Deserialize, Serialize};

use super::oauth::OAuthSource;
use super::trouble::Trouble;
use super::vault::{Name, Vault};
use crate::Secret;

/// A client's registration at an authorization server, as it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Registered {
    pub(super) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<String>,
    #[serde(default)]
    pub(super) redirect_uri: String,
}

impl OAuthSource {
    /// Sees to it that a client's secret is shown to one authorization server alone: the one that the operator names,
    /// or else the first that the integration has named.
    pub(super) async fn bind(&self, issuer: &str) -> Result<(), Trouble> {
        if self.settings.issuer.is_some() {
            return Ok(());
        }
        let name = self.registration(issuer);
        let known = self.with_vault(Vault::list).await?;
        let ours =
            |name: &Name| matches!(name, Name::Registration { integration, .. } if *integration == self.integration);
        let mut known = known.into_iter().map(|listed| listed.name).filter(ours).peekable();
        if known.peek().is_some() {
            if known.any(|known| known == name) {
                return Ok(());
            }
            return Err(Trouble::failed(
                "the integration names another authorization server than before, to which the client's secret is not \
                 shown; name the right one as `issuer`",
            ));
        }
        let client_id = self.settings.client_id.clone().unwrap_or_default();
        self.register(&name, Registered { client_id, client_secret: None, redirect_uri: String::new() }).await
    }

    /// The secret that goes with a client's id at an authorization server, if it has one.
    pub(super) async fn secret_of(&self, issuer: &str, client_id: &str) -> Result<Option<Secret>, Trouble> {
        if self.settings.client_id.as_deref() == Some(client_id) {
            if self.client_secret.is_some() {
                self.bind(issuer).await?;
            }
            return Ok(self.client_secret.clone());
        }
        let registered = self.registered(issuer).await?.filter(|registered| registered.client_id == client_id);
        Ok(registered.and_then(|registered| registered.client_secret).map(Secret::new))
    }

    pub(super) fn registration(&self, issuer: &str) -> Name {
        Name::Registration { integration: self.integration.clone(), issuer: issuer.to_owned() }
    }

    pub(super) async fn registered(&self, issuer: &str) -> Result<Option<Registered>, Trouble> {
        let name = self.registration(issuer);
        let found = self.with_vault(move |vault| vault.get(&name)).await?;
        Ok(found.and_then(|text| serde_json::from_str(text.expose()).ok()))
    }

    pub(super) async fn register(&self, name: &Name, registered: Registered) -> Result<(), Trouble> {
        let name = name.clone();
        let text = serde_json::to_string(&registered)
            .map(zeroize::Zeroizing::new)
            .map_err(|_| Trouble::failed("the client's registration cannot be written"))?;
        self.with_vault(move |vault| vault.set(&name, &text)).await
    }
}
