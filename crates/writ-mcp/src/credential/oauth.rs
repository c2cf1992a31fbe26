//! Access tokens of one integration: asked for, kept while they are good, and renewed.
//!
//! Writ's own tokens and exchanged ones live in memory alone. A person's tokens are sealed, since they rest on
//! something that the person did. Everybody has a place of their own ([`super::holder`]), held while their token is
//! had, so that a refresh token is used once. That work runs apart from the request that needs it: a request that goes
//! away in the middle does not lose a token that was just renewed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use rmcp::transport::auth::{
    ClientCredentialsConfig, CredentialStore as _, OAuthClientConfig, OAuthTokenResponse, StoredCredentials,
};
use serde_json::Value as Json;
use tokio::sync::Mutex;
use url::Url;
use writ_core::definition::{Grant, OAuth};
use writ_engine::clock::Clock;

use super::discovery::{Challenge, Discovered, discover};
use super::exchange::{Exchange, Granted};
use super::holder::{Demand, Holder};
use super::http_client::OAuthHttp;
use super::identity::Identity;
use super::linking::Pending;
use super::store::SealedTokens;
use super::trouble::Trouble;
use super::vault::{Name, Vault, VaultError};
use crate::Secret;

/// How many people's tokens are in memory. Beyond that, those that nobody is using are had again when needed.
const HOLDERS_MAX: usize = 4096;

/// The access tokens of one integration.
pub struct OAuthSource {
    pub(super) integration: String,
    pub(super) resource: Url,
    pub(super) settings: OAuth,
    pub(super) client_secret: Option<Secret>,
    pub(super) vault: Arc<Vault>,
    pub(super) http: Arc<OAuthHttp>,
    pub(super) identity: Arc<Identity>,
    pub(super) clock: Clock,
    holders: StdMutex<BTreeMap<String, Arc<Mutex<Holder>>>>,
    pub(super) pending: StdMutex<BTreeMap<String, Pending>>,
}

/// Everything that a source is made of.
pub(super) struct Parts {
    pub(super) integration: String,
    pub(super) resource: Url,
    pub(super) settings: OAuth,
    pub(super) client_secret: Option<Secret>,
    pub(super) vault: Arc<Vault>,
    pub(super) http: OAuthHttp,
    pub(super) identity: Arc<Identity>,
    pub(super) clock: Clock,
}

impl OAuthSource {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { integration, resource, settings, client_secret, vault, http, identity, clock } = parts;
        Self {
            integration,
            resource,
            settings,
            client_secret,
            vault,
            http: Arc::new(http),
            identity,
            clock,
            holders: StdMutex::default(),
            pending: StdMutex::default(),
        }
    }

    /// The integration.
    #[must_use]
    pub fn integration(&self) -> &str {
        &self.integration
    }

    /// By whose authority.
    #[must_use]
    pub fn grant(&self) -> Grant {
        self.settings.grant
    }

    pub(super) fn resource(&self) -> &Url {
        &self.resource
    }

    /// A token for a request.
    pub(super) async fn token(self: &Arc<Self>, person: Option<&str>) -> Result<Secret, Trouble> {
        let who = self.who(person)?;
        let holder = self.holder(&who);
        if self.settings.grant == Grant::Person && self.sealed_tokens(&who).load().await?.is_none() {
            // Taken away here, or by the operator beside the running server: it holds at once.
            *holder.lock().await = Holder::default();
            return Err(Trouble::NotLinked);
        }
        {
            let holder = holder.lock().await;
            if holder.stale {
                return Err(Trouble::NotLinked);
            }
            if let Some(token) = holder.fresh(self.clock.now()) {
                return Ok(token);
            }
        }
        self.apart(who, Demand::Any).await
    }

    /// A token in the place of one with which the integration did not carry a request out.
    pub(super) async fn instead(
        self: &Arc<Self>,
        person: Option<&str>,
        sent: &Secret,
        challenge: Option<Challenge>,
    ) -> Result<Secret, Trouble> {
        let sent = sent.clone();
        let demand = match challenge {
            Some(challenge) if challenge.insufficient => Demand::More { sent, challenge },
            challenge => Demand::Other { sent, challenge },
        };
        self.apart(self.who(person)?, demand).await
    }

    /// Takes note that a token which was just renewed is refused as well. Says what that means for the request.
    pub(super) async fn refused_again(&self, person: Option<&str>) -> Option<Trouble> {
        if self.settings.grant != Grant::Person {
            return None;
        }
        let who = self.who(person).ok()?;
        let holder = self.holder(&who);
        holder.lock().await.stale = true;
        Some(Trouble::NotLinked)
    }

    /// Whose token it is: a person's, or Writ's own, which has no name.
    fn who(&self, person: Option<&str>) -> Result<String, Trouble> {
        match (self.settings.grant, person) {
            (Grant::ClientCredentials, _) => Ok(String::new()),
            (Grant::Person | Grant::TokenExchange, Some(person)) if !person.is_empty() => Ok(person.to_owned()),
            (Grant::Person | Grant::TokenExchange, _) => Err(Trouble::NotLinked),
        }
    }

    pub(super) fn holder(&self, who: &str) -> Arc<Mutex<Holder>> {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = holders.get(who) {
            return Arc::clone(holder);
        }
        if holders.len() >= HOLDERS_MAX {
            holders.retain(|_, holder| Arc::strong_count(holder) > 1);
        }
        Arc::clone(holders.entry(who.to_owned()).or_default())
    }

    async fn apart(self: &Arc<Self>, who: String, demand: Demand) -> Result<Secret, Trouble> {
        let source = Arc::clone(self);
        let had = tokio::spawn(async move { source.have(&who, demand).await }).await;
        had.unwrap_or_else(|_| Err(Trouble::failed("it was interrupted")))
    }

    async fn have(&self, who: &str, demand: Demand) -> Result<Secret, Trouble> {
        let place = self.holder(who);
        let mut holder = place.lock().await;
        let fresh = holder.fresh(self.clock.now());
        let renew = match demand {
            Demand::Any => {
                if holder.stale {
                    return Err(Trouble::NotLinked);
                }
                if let Some(token) = fresh {
                    return Ok(token);
                }
                false
            }
            Demand::Other { sent, .. } | Demand::More { sent, .. }
                if fresh.as_ref().is_some_and(|token| token.expose() != sent.expose()) =>
            {
                // Somebody else has had a new one meanwhile.
                return fresh.ok_or(Trouble::NotLinked);
            }
            Demand::Other { challenge, .. } => {
                if challenge.is_some() {
                    holder.challenge = challenge;
                }
                true
            }
            Demand::More { challenge, .. } => {
                // What the operator has written down is all that is asked for.
                if !self.settings.scopes.is_empty() || challenge.scopes.is_subset(&holder.tried) {
                    return Err(Trouble::NotEnough);
                }
                if !holder.step_up(self.clock.now()) {
                    return Err(Trouble::NotEnough);
                }
                holder.challenge = Some(challenge);
                if self.settings.grant == Grant::Person {
                    return Err(Trouble::NotLinked);
                }
                true
            }
        };
        match self.settings.grant {
            Grant::ClientCredentials => self.own(&mut holder).await,
            Grant::TokenExchange => self.exchanged(who, &mut holder).await,
            Grant::Person if renew => {
                holder.drop_token();
                self.renewed(who, &mut holder).await
            }
            Grant::Person => self.loaded(who, &mut holder).await,
        }
    }

    /// Finds the authorization server and the scopes to ask for.
    async fn prepared(&self, holder: &Holder) -> Result<(Discovered, Vec<String>), Trouble> {
        let found = self.discovered(holder.challenge.as_ref()).await?;
        let scopes = found.scopes(&self.settings.scopes, &holder.tried, holder.challenge.as_ref()).await;
        Ok((found, scopes))
    }

    pub(super) async fn discovered(&self, challenge: Option<&Challenge>) -> Result<Discovered, Trouble> {
        let probed = match challenge {
            Some(_) => None,
            None => self.http.challenge(&self.resource).await,
        };
        let challenge = challenge.map(|challenge| challenge.text.as_str()).or(probed.as_deref());
        discover(&self.http, &self.resource, self.settings.issuer.as_deref(), challenge).await
    }

    async fn own(&self, holder: &mut Holder) -> Result<Secret, Trouble> {
        let (mut found, scopes) = self.prepared(holder).await?;
        let (Some(client_id), Some(secret)) = (&self.settings.client_id, &self.client_secret) else {
            return Err(Trouble::failed("client credentials need a client's id and secret"));
        };
        self.bind(&found.issuer).await?;
        let config = ClientCredentialsConfig::ClientSecret {
            client_id: client_id.clone(),
            client_secret: secret.expose().to_owned(),
            scopes: scopes.clone(),
            resource: Some(self.resource.to_string()),
        };
        found.manager.validate_client_credentials_metadata(&config)?;
        found.manager.configure_client_credentials(&config)?;
        let answer = found.manager.exchange_client_credentials(&config).await?;
        holder.tried.extend(scopes);
        Ok(holder.keep(read(&answer)?, self.clock.now()))
    }

    async fn exchanged(&self, person: &str, holder: &mut Holder) -> Result<Secret, Trouble> {
        let (found, scopes) = self.prepared(holder).await?;
        let Some(client_id) = &self.settings.client_id else {
            return Err(Trouble::failed("token exchange needs a client's id"));
        };
        if self.client_secret.is_some() {
            self.bind(&found.issuer).await?;
        }
        let statement = self.identity.statement(person, &found.issuer)?;
        let exchange = Exchange {
            client_id,
            client_secret: self.client_secret.as_ref(),
            statement: &statement,
            resource: self.resource.as_str(),
            scopes: &scopes,
        };
        let granted = exchange.send(&self.http, &found.metadata).await?;
        holder.tried.extend(scopes);
        Ok(holder.keep(granted, self.clock.now()))
    }

    /// The token that a person has linked.
    async fn loaded(&self, person: &str, holder: &mut Holder) -> Result<Secret, Trouble> {
        let (stored, tokens) = self.stored(person).await?;
        holder.tried.extend(stored.granted_scopes);
        let received = stored.token_received_at.and_then(|seconds| i64::try_from(seconds).ok());
        let received = received.map_or_else(|| self.clock.now(), |seconds| seconds.saturating_mul(1000));
        let token = holder.keep(read(&tokens)?, received);
        if holder.fresh(self.clock.now()).is_some() {
            return Ok(token);
        }
        self.renewed(person, holder).await
    }

    /// A new token for what a person has linked, by its refresh token.
    async fn renewed(&self, person: &str, holder: &mut Holder) -> Result<Secret, Trouble> {
        let renewed = self.refreshed(person, holder).await;
        if matches!(renewed, Err(Trouble::NotLinked)) {
            holder.drop_token();
            holder.stale = true;
        }
        renewed
    }

    async fn refreshed(&self, person: &str, holder: &mut Holder) -> Result<Secret, Trouble> {
        let (stored, tokens) = self.stored(person).await?;
        if !json(&tokens)?.get("refresh_token").is_some_and(Json::is_string) {
            return Err(Trouble::NotLinked);
        }
        let mut found = self.discovered(holder.challenge.as_ref()).await?;
        found.manager.set_credential_store(self.sealed_tokens(person));
        // Tokens of an authorization server that is not the integration's any more are thrown away here.
        if !found.manager.initialize_from_store().await? {
            holder.tried.clear();
            return Err(Trouble::NotLinked);
        }
        let mut client = OAuthClientConfig::new(stored.client_id.clone(), self.resource.as_str());
        if let Some(secret) = self.secret_of(&found.issuer, &stored.client_id).await? {
            client = client.with_client_secret(secret.expose());
        }
        found.manager.configure_client(client)?;
        let tokens = found.manager.refresh_token().await?;
        Ok(holder.keep(read(&tokens)?, self.clock.now()))
    }

    async fn stored(&self, person: &str) -> Result<(StoredCredentials, OAuthTokenResponse), Trouble> {
        let mut stored = self.sealed_tokens(person).load().await?.ok_or(Trouble::NotLinked)?;
        let tokens = stored.token_response.take().ok_or(Trouble::NotLinked)?;
        Ok((stored, tokens))
    }

    pub(super) fn sealed_tokens(&self, person: &str) -> SealedTokens {
        SealedTokens {
            vault: Arc::clone(&self.vault),
            name: self.token_name(person),
            resource: self.resource.to_string(),
        }
    }

    pub(super) fn token_name(&self, person: &str) -> Name {
        Name::Token { integration: self.integration.clone(), person: person.to_owned() }
    }

    pub(super) async fn with_vault<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let vault = Arc::clone(&self.vault);
        match tokio::task::spawn_blocking(move || act(&vault)).await {
            Ok(done) => done.map_err(Trouble::from),
            Err(_) => Err(Trouble::failed("it was interrupted")),
        }
    }
}

fn json(tokens: &OAuthTokenResponse) -> Result<Json, Trouble> {
    serde_json::to_value(tokens).map_err(|_| Trouble::failed("the tokens are in another form"))
}

fn read(tokens: &OAuthTokenResponse) -> Result<Granted, Trouble> {
    Granted::read(json(tokens)?)
}

impl fmt::Debug for OAuthSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthSource")
            .field("integration", &self.integration)
            .field("grant", &self.settings.grant)
            .finish_non_exhaustive()
    }
}
