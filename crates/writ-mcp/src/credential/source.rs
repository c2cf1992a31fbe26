//! From what a definition says of a credential to what a connection sends.
//!
//! Definitions hold no secret: they say where one is. Everything is looked up here, before a connection is opened, and
//! what is missing is named in words that hold no value.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use url::Url;
use writ_core::definition::{Credential, Grant, OAuth, SecretSource};
use writ_engine::clock::Clock;

use super::http_client::OAuthHttp;
use super::identity::Identity;
use super::oauth::{OAuthSource, Parts};
use super::vault::{Name, VALUE_BYTES_MAX, Vault};
use crate::Secret;

/// Headers that belong to the protocol and carry no credential.
const RESERVED_HEADERS: [&str; 10] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
    "upgrade",
];

/// What a connection sends to prove whom it acts for.
#[derive(Clone)]
pub enum CredentialSource {
    /// Nothing.
    None,
    /// A fixed secret.
    Header {
        /// The header's name.
        name: String,
        /// Its whole value.
        value: Secret,
    },
    /// Access tokens, asked for and renewed.
    OAuth(Arc<OAuthSource>),
}

impl CredentialSource {
    /// Whether each person has a credential of their own, so that a connection is one person's.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        match self {
            Self::None | Self::Header { .. } => false,
            Self::OAuth(source) => matches!(source.grant(), Grant::Person | Grant::TokenExchange),
        }
    }

    /// The source of tokens which people link themselves, if it is one.
    #[must_use]
    pub fn linked(&self) -> Option<&Arc<OAuthSource>> {
        match self {
            Self::OAuth(source) if source.grant() == Grant::Person => Some(source),
            _ => None,
        }
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Header { name, .. } => f.debug_struct("Header").field("name", name).finish_non_exhaustive(),
            Self::OAuth(source) => f.debug_tuple("OAuth").field(source).finish(),
        }
    }
}

/// Where secrets are found and what tokens are asked for with.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The workspace folder, from which files are named.
    pub folder: PathBuf,
    /// The sealed credentials.
    pub vault: Arc<Vault>,
    /// The key with which Writ says for whom it acts.
    pub identity: Arc<Identity>,
    /// The clock.
    pub clock: Clock,
}

impl Surroundings {
    /// The credential of an integration at an address, as its definition says.
    ///
    /// # Errors
    /// What is missing or contradicts itself, without any value.
    pub fn source(
        &self,
        integration: &str,
        url: &str,
        credential: Option<&Credential>,
    ) -> Result<CredentialSource, String> {
        let Some(credential) = credential else { return Ok(CredentialSource::None) };
        let secret = credential.secret();
        let fixed = secret != SecretSource::default();
        match &credential.oauth {
            Some(_) if fixed => Err("a credential is either a secret or `oauth`, not both".to_owned()),
            Some(oauth) => self.oauth(integration, url, oauth),
            None => {
                let value = self.secret(&secret)?;
                header(&credential.header, &value)
            }
        }
    }

    /// A secret, from the one place that is named.
    ///
    /// # Errors
    /// Where no place is named or several are, or it is not there. The text names the place alone.
    pub fn secret(&self, source: &SecretSource) -> Result<Secret, String> {
        match (&source.env, &source.file, &source.sealed) {
            (Some(name), None, None) => {
                let value = std::env::var(name)
                    .map_err(|_| format!("the environment variable `{name}` is not set, or is not text"))?;
                usable(value.trim(), &format!("the environment variable `{name}`"))
            }
            (None, Some(file), None) => {
                let path = self.folder.join(file);
                let place = format!("the file `{}`", path.display());
                let file = std::fs::File::open(&path).map_err(|error| format!("{place}: {error}"))?;
                let mut text = zeroize::Zeroizing::new(String::new());
                // One more than is taken, so that a longer one is told from one that fits.
                file.take(VALUE_BYTES_MAX as u64 + 1)
                    .read_to_string(&mut text)
                    .map_err(|error| format!("{place}: {error}"))?;
                usable(text.trim(), &place)
            }
            (None, None, Some(name)) => {
                let sealed = Name::secret(name).map_err(|error| format!("`sealed: {name}`: {error}"))?;
                let value = self.vault.get(&sealed).map_err(|error| error.to_string())?;
                value.ok_or_else(|| {
                    format!("no credential is sealed under the name `{name}`; `writ credential set` seals one")
                })
            }
            _ => Err("a secret is in one place: `env`, `file` or `sealed`".to_owned()),
        }
    }

    fn oauth(&self, integration: &str, url: &str, oauth: &OAuth) -> Result<CredentialSource, String> {
        let resource = address(url).ok_or("its address is not one of HTTP")?;
        let mut named = vec![resource.clone()];
        if let Some(issuer) = &oauth.issuer {
            named.push(address(issuer).ok_or("`oauth.issuer` is not an address of HTTP")?);
        }
        let client_secret = oauth.client_secret.as_ref().map(|secret| self.secret(secret)).transpose();
        let client_secret = client_secret.map_err(|error| format!("`oauth.client_secret`: {error}"))?;
        match (oauth.grant, &oauth.client_id, &client_secret) {
            (Grant::ClientCredentials, Some(_), Some(_)) | (Grant::TokenExchange, Some(_), _) => {}
            (Grant::Person, None, Some(_)) => {
                return Err("`oauth.client_secret` needs the `client_id` that it belongs to".to_owned());
            }
            (Grant::Person, _, _) => {}
            (Grant::ClientCredentials, _, _) => {
                return Err("`grant: client_credentials` needs `client_id` and `client_secret`".to_owned());
            }
            (Grant::TokenExchange, None, _) => return Err("`grant: token_exchange` needs `client_id`".to_owned()),
        }
        Ok(CredentialSource::OAuth(Arc::new(OAuthSource::new(Parts {
            integration: integration.to_owned(),
            resource,
            settings: oauth.clone(),
            client_secret,
            vault: Arc::clone(&self.vault),
            http: OAuthHttp::new(named)?,
            identity: Arc::clone(&self.identity),
            clock: self.clock.clone(),
        }))))
    }
}

fn header(name: &str, value: &Secret) -> Result<CredentialSource, String> {
    let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header's name"))?;
    if RESERVED_HEADERS.contains(&known.as_str()) {
        return Err(format!("the header `{known}` belongs to the protocol and carries no credential"));
    }
    let bearer = known == http::header::AUTHORIZATION;
    let text = if bearer { format!("Bearer {}", value.expose()) } else { value.expose().to_owned() };
    if HeaderValue::from_str(&text).is_err() {
        return Err(format!("what is to be sent in the header `{known}` cannot stand in a header"));
    }
    Ok(CredentialSource::Header { name: known.as_str().to_owned(), value: Secret::new(text) })
}

fn usable(value: &str, place: &str) -> Result<Secret, String> {
    if value.is_empty() {
        return Err(format!("{place} is empty"));
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(format!("{place} holds more than {VALUE_BYTES_MAX} bytes"));
    }
    Ok(Secret::new(value))
}

/// An address of HTTP, without a fragment: what tokens are asked for (RFC 8707).
fn address(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    url.set_fragment(None);
    let plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && plain).then_some(url)
}
