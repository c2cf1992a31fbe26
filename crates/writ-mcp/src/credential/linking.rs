//! Linking: a person lets Writ use an integration in their name, once (authorization code with PKCE).
//!
//! [`OAuthSource::begin_link`] gives the address of the authorization server; [`OAuthSource::finish_link`] takes what
//! comes back. In between, the state is held in memory: a link that a restart interrupts is begun again. A state is
//! random, belongs to the person who began, and works once within ten minutes; an answer with another issuer than
//! the one that was asked (RFC 9207) does not use it up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, MutexGuard, PoisonError};

use rmcp::transport::auth::{AuthorizationManager, CredentialStore as _, InMemoryCredentialStore, OAuthClientConfig};
use url::Url;
use writ_core::code::Refusal;
use writ_core::definition::Grant;
use writ_core::event::Milliseconds;

use super::discovery::{Challenge, Discovered};
use super::link_record::LinkRecord;
use super::oauth::OAuthSource;
use super::registered::Registered;
use super::trouble::Trouble;
use super::vault::Vault;

/// How long a link may take.
const LINK_MILLISECONDS_MAX: Milliseconds = 10 * 60_000;
/// How many links are under way at a time, in all and for one person. A person's oldest makes room.
const PENDING_MAX: usize = 1024;
const PENDING_OF_ONE_MAX: usize = 8;
/// How long each part of what comes back may be.
const CALLBACK_BYTES_MAX: usize = 4096;

/// Why a link cannot be begun or finished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The integration's credential is not a person's own.
    #[error("this integration is not used in a person's own name")]
    NotPersonal,
    /// The link was not begun by this person, took too long, or is finished.
    #[error("this link was not begun here, took too long, or is finished already; begin again")]
    NotBegun,
    /// The person, or their authorization server, said no.
    #[error("the authorization server did not give its consent")]
    Declined,
    /// Too many links are under way.
    #[error("too many links are under way at the moment; try again in a few minutes")]
    TooMany,
    /// It could not be recorded.
    #[error("{0}")]
    NotRecorded(Refusal),
    /// Something else. The text holds nothing of anybody else's.
    #[error("{0}")]
    Failed(String),
}

impl From<Trouble> for LinkError {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble.to_string())
    }
}

/// What an authorization server sends back through the person's browser.
#[derive(Clone, Default)]
pub struct Callback {
    /// The state (`state`).
    pub state: String,
    /// The code (`code`).
    pub code: Option<String>,
    /// Who answers (`iss`, RFC 9207).
    pub issuer: Option<String>,
    /// Whether it says no (`error`).
    pub declined: bool,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("declined", &self.declined).finish_non_exhaustive()
    }
}

/// How a person stands to an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Not linked.
    Unlinked,
    /// Linked.
    Linked {
        /// Since when; a renewed token counts.
        since: Milliseconds,
    },
    /// Linked, but the integration does not accept it any more, or asks for more: it is to be linked again.
    Again,
}

/// A link under way.
pub(super) struct Pending {
    pub(super) person: String,
    /// The library's client, which holds the code verifier.
    pub(super) manager: AuthorizationManager,
    /// Where the library puts the tokens that it gets.
    pub(super) tokens: InMemoryCredentialStore,
    pub(super) scopes: Vec<String>,
    at: Milliseconds,
}

impl OAuthSource {
    /// Begins a link. Gives the address at which the person consents.
    ///
    /// # Errors
    /// Where the integration is not used in a person's own name, its authorization server cannot be found, asks for
    /// what is not supported, or too many links are under way.
    pub async fn begin_link(self: &Arc<Self>, person: &str, redirect_uri: &str) -> Result<Url, LinkError> {
        if self.settings.grant != Grant::Person || person.is_empty() {
            return Err(LinkError::NotPersonal);
        }
        self.make_room(person)?;
        let holder = self.holder(person);
        let (challenge, mut tried) = {
            let holder = holder.lock().await;
            (holder.challenge.clone(), holder.tried.clone())
        };
        let challenge = match challenge {
            Some(challenge) => Some(challenge),
            None => self.http.challenge(&self.resource).await.map(|text| Challenge::read(&text, &self.resource)),
        };
        if challenge.as_ref().is_some_and(|challenge| challenge.insufficient) && tried.is_empty() {
            tried.extend(self.granted(person).await?);
        }
        let mut found = self.discovered(challenge.as_ref()).await?;
        let scopes = found.scopes(&self.settings.scopes, &tried, challenge.as_ref()).await;
        let scopes = found.with_refresh(scopes);
        self.be_known(&mut found, redirect_uri).await?;
        let tokens = InMemoryCredentialStore::new();
        found.manager.set_credential_store(tokens.clone());
        let asked: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let address = found.manager.get_authorization_url(&asked).await.map_err(Trouble::from)?;
        let unusable = || LinkError::Failed("the authorization server's address cannot be used".to_owned());
        let address = Url::parse(&address).map_err(|_| unusable())?;
        self.http.check(&address).map_err(|_| unusable())?;
        let state = address.query_pairs().find(|(name, _)| name == "state").map(|(_, state)| state.into_owned());
        let state = state.filter(|state| !state.is_empty()).ok_or_else(unusable)?;
        let manager = found.manager;
        let pending = Pending { person: person.to_owned(), manager, tokens, scopes, at: self.clock.now() };
        // Others may have begun meanwhile.
        self.make_room(person)?;
        self.under_way().insert(state, pending);
        Ok(address)
    }

    /// Finishes a link: the code becomes tokens, which are sealed once it is recorded that the person has linked.
    ///
    /// # Errors
    /// Where the link is not this person's, is too old or finished, was declined, or the authorization server gives no
    /// token; and where it cannot be recorded.
    pub async fn finish_link(
        self: &Arc<Self>,
        person: &str,
        callback: Callback,
        record: Arc<dyn LinkRecord>,
    ) -> Result<(), LinkError> {
        let too_long = |text: &str| text.len() > CALLBACK_BYTES_MAX;
        let Callback { state, code, issuer, declined } = callback;
        if too_long(&state) || code.as_deref().is_some_and(too_long) || issuer.as_deref().is_some_and(too_long) {
            return Err(LinkError::NotBegun);
        }
        let pending = self.take(person, &state)?;
        if declined {
            return Err(LinkError::Declined);
        }
        let Some(code) = code.filter(|code| !code.is_empty()) else { return Err(LinkError::NotBegun) };
        // A code works once: what it gives must be kept, even if the browser goes away.
        let source = Arc::clone(self);
        let redeem = async move { source.redeem(pending, state, &code, issuer.as_deref(), &*record).await };
        let redeemed = tokio::spawn(redeem).await;
        redeemed.unwrap_or_else(|_| Err(LinkError::Failed("it was interrupted".to_owned())))
    }

    /// How a person stands to this integration.
    ///
    /// # Errors
    /// Where the sealed credentials cannot be used.
    pub async fn link_state(&self, person: &str) -> Result<LinkState, LinkError> {
        let stored = self.sealed_tokens(person).load().await.map_err(Trouble::from)?;
        if stored.is_none_or(|stored| stored.token_response.is_none()) {
            return Ok(LinkState::Unlinked);
        }
        let name = self.token_name(person);
        let listed = self.with_vault(Vault::list).await?;
        let Some(listed) = listed.into_iter().find(|listed| listed.name == name) else {
            return Ok(LinkState::Unlinked);
        };
        let holder = self.holder(person);
        let holder = holder.lock().await;
        let wider = holder.challenge.as_ref().is_some_and(|challenge| challenge.insufficient);
        if holder.stale || wider { Ok(LinkState::Again) } else { Ok(LinkState::Linked { since: listed.updated_at }) }
    }

    /// Says who this client is: as the operator wrote it down, by the address of its metadata, as it is registered
    /// already, or by registering it now.
    async fn be_known(&self, found: &mut Discovered, redirect_uri: &str) -> Result<(), Trouble> {
        let kind = application_type(redirect_uri);
        let client = match self.settings.client_id.as_deref() {
            Some(id) if self.is_used(id, found) => {
                let client = OAuthClientConfig::new(id, redirect_uri);
                match self.secret_of(&found.issuer, id).await? {
                    Some(secret) => client.with_client_secret(secret.expose()),
                    None => client,
                }
            }
            _ => self.as_registered(found, redirect_uri).await?,
        };
        found.manager.configure_client(client.with_application_type(kind))?;
        Ok(())
    }

    /// Whether the operator's client id is good at this server. The address of a client's metadata is only where the
    /// server reads it, unless there is no other way.
    fn is_used(&self, id: &str, found: &Discovered) -> bool {
        let address = self.client_secret.is_none() && id.starts_with("https://");
        !address || found.takes_client_addresses() || found.metadata.registration_endpoint.is_none()
    }

    async fn as_registered(&self, found: &mut Discovered, redirect_uri: &str) -> Result<OAuthClientConfig, Trouble> {
        let known = self.registered(&found.issuer).await?;
        if let Some(known) = known.filter(|known| known.redirect_uri == redirect_uri) {
            let client = OAuthClientConfig::new(known.client_id, redirect_uri);
            return Ok(match known.client_secret {
                Some(secret) => client.with_client_secret(secret),
                None => client,
            });
        }
        // The library takes the kind of application from the client that is configured.
        let unknown = OAuthClientConfig::new("unregistered", redirect_uri);
        found.manager.configure_client(unknown.with_application_type(application_type(redirect_uri)))?;
        let client = found.manager.register_client("Writ", redirect_uri, &[]).await?;
        let registered = Registered {
            client_id: client.client_id.clone(),
            client_secret: client.client_secret.clone(),
            redirect_uri: redirect_uri.to_owned(),
        };
        self.register(&self.registration(&found.issuer), registered).await?;
        Ok(client)
    }

    async fn granted(&self, person: &str) -> Result<Vec<String>, Trouble> {
        Ok(self.sealed_tokens(person).load().await?.map(|stored| stored.granted_scopes).unwrap_or_default())
    }

    pub(super) fn under_way(&self) -> MutexGuard<'_, BTreeMap<String, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_room(&self, person: &str) -> Result<(), LinkError> {
        let now = self.clock.now();
        let mut under_way = self.under_way();
        under_way.retain(|_, pending| is_open(pending, now));
        let mut own: Vec<(Milliseconds, String)> = under_way
            .iter()
            .filter(|(_, pending)| pending.person == person)
            .map(|(state, pending)| (pending.at, state.clone()))
            .collect();
        own.sort();
        let superfluous = own.len().saturating_sub(PENDING_OF_ONE_MAX.saturating_sub(1));
        for (_, state) in own.into_iter().take(superfluous) {
            under_way.remove(&state);
        }
        if under_way.len() >= PENDING_MAX { Err(LinkError::TooMany) } else { Ok(()) }
    }

    /// Takes a link under way, if it is this person's.
    fn take(&self, person: &str, state: &str) -> Result<Pending, LinkError> {
        let now = self.clock.now();
        let mut under_way = self.under_way();
        let own = under_way.get(state).is_some_and(|pending| pending.person == person && is_open(pending, now));
        if !own {
            return Err(LinkError::NotBegun);
        }
        under_way.remove(state).ok_or(LinkError::NotBegun)
    }
}

fn is_open(pending: &Pending, now: Milliseconds) -> bool {
    now < pending.at.saturating_add(LINK_MILLISECONDS_MAX)
}

/// What OpenID Connect's registration calls this client: one at an address of HTTPS is `web`, one on this machine
/// `native`.
fn application_type(redirect_uri: &str) -> &'static str {
    if redirect_uri.starts_with("https://") { "web" } else { "native" }
}
