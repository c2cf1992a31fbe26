//! Which authorization server an integration belongs to, and what may be asked of it.
//!
//! The library discovers (RFC 9728, then RFC 8414 or OpenID Connect). Here it is held to more: endpoints that are made
//! up from the integration's address are not used, every endpoint must be one that may be asked, and where the
//! operator names the authorization server, the integration's word for it does not count.

use std::collections::BTreeSet;
use std::sync::Arc;

use rmcp::transport::auth::{AuthorizationManager, AuthorizationMetadata, OAuthHttpClient, WWWAuthenticateParams};
use url::Url;

use super::http_client::{HttpTrouble, OAuthHttp};
use super::trouble::Trouble;

/// How many scopes are asked for together, and how long they are.
const SCOPES_MAX: usize = 64;
const SCOPE_BYTES_MAX: usize = 256;

/// An authorization server, ready to be asked.
pub(super) struct Discovered {
    /// The library's client, with the metadata set.
    pub(super) manager: AuthorizationManager,
    pub(super) metadata: AuthorizationMetadata,
    /// Who the authorization server says it is.
    pub(super) issuer: String,
}

/// Finds the authorization server of an integration.
///
/// `issuer` is the one that the operator names; `challenge` is what the integration answered last to a request that
/// it did not carry out.
pub(super) async fn discover(
    http: &Arc<OAuthHttp>,
    resource: &Url,
    issuer: Option<&str>,
    challenge: Option<&str>,
) -> Result<Discovered, Trouble> {
    let mut manager = library_client(http, resource.as_str()).await?;
    let own = manager.resolve_metadata_from_challenge(challenge).await;
    let metadata = match issuer {
        // The integration may still say what scopes it has; whom to ask is not its to say.
        Some(issuer) => published_by(http, issuer).await?,
        None => {
            let resolved = own?;
            if !resolved.source.is_discovered() {
                return Err(Trouble::failed("the integration names no authorization server (RFC 9728)"));
            }
            let named = resolved.metadata.issuer;
            let named = named.ok_or_else(|| Trouble::failed("the authorization server does not say who it is"))?;
            // An integration could serve metadata of its own making under another's name: they count from their issuer
            // alone.
            published_by(http, &named).await?
        }
    };
    let Some(issuer) = metadata.issuer.clone() else {
        return Err(Trouble::failed("the authorization server does not say who it is"));
    };
    let endpoints = [Some(&metadata.authorization_endpoint), Some(&metadata.token_endpoint)]
        .into_iter()
        .chain([metadata.registration_endpoint.as_ref()])
        .flatten();
    for endpoint in endpoints {
        let checked = Url::parse(endpoint).map_err(|_| HttpTrouble::Forbidden).and_then(|url| http.check(&url));
        let refused = |trouble: HttpTrouble| format!("an endpoint of the authorization server: {}", trouble.words());
        checked.map_err(|trouble| Trouble::Failed(refused(trouble)))?;
    }
    manager.set_metadata(metadata.clone());
    Ok(Discovered { manager, metadata, issuer })
}

/// What an authorization server publishes of itself, at its own address (RFC 8414).
pub(super) async fn published_by(http: &Arc<OAuthHttp>, issuer: &str) -> Result<AuthorizationMetadata, Trouble> {
    let resolved = library_client(http, issuer).await?.resolve_metadata().await?;
    let said = resolved.metadata.issuer.as_deref().unwrap_or_default();
    if !resolved.source.is_discovered() || !is_same_issuer(said, issuer) {
        return Err(Trouble::failed("the authorization server publishes no metadata of its own"));
    }
    Ok(resolved.metadata)
}

/// Whether two addresses are one issuer's: a slash at the end makes no other.
pub(super) fn is_same_issuer(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

async fn library_client(http: &Arc<OAuthHttp>, base: &str) -> Result<AuthorizationManager, Trouble> {
    let http: Arc<dyn OAuthHttpClient> = http.clone();
    Ok(AuthorizationManager::new_with_oauth_http_client(base, http).await?)
}

impl Discovered {
    /// The least scopes to ask for: the operator's; else what was asked for before and what the challenge asks for
    /// beside it; else, at first, what the challenge asks for, what the resource's metadata list, or none.
    pub(super) async fn scopes(
        &self,
        configured: &[String],
        before: &BTreeSet<String>,
        challenge: Option<&Challenge>,
    ) -> Vec<String> {
        if !configured.is_empty() {
            return configured.to_vec();
        }
        if before.is_empty() {
            let first = self.manager.select_initial_scopes(&[]).await;
            return bounded(first.into_iter().filter(|scope| scope != OFFLINE));
        }
        let asked = challenge.into_iter().flat_map(|challenge| &challenge.scopes);
        bounded(before.iter().chain(asked).cloned().collect::<BTreeSet<_>>())
    }

    /// The scopes, with the one for refresh tokens where the server has it. No scope at all stays none, since the
    /// server then gives what it gives by itself.
    pub(super) fn with_refresh(&self, mut scopes: Vec<String>) -> Vec<String> {
        let offered = self.metadata.scopes_supported.as_ref();
        let offered = offered.is_some_and(|offered| offered.iter().any(|scope| scope == OFFLINE));
        if offered && !scopes.is_empty() && !scopes.iter().any(|scope| scope == OFFLINE) {
            scopes.push(OFFLINE.to_owned());
        }
        scopes
    }

    /// Whether the authorization server knows clients by the address of their metadata.
    pub(super) fn takes_client_addresses(&self) -> bool {
        let said = self.metadata.additional_fields.get("client_id_metadata_document_supported");
        said.and_then(serde_json::Value::as_bool).unwrap_or(false)
    }
}

const OFFLINE: &str = "offline_access";

/// As many scopes as are taken, each no longer than is taken.
pub(super) fn bounded(scopes: impl IntoIterator<Item = String>) -> Vec<String> {
    let usable = |scope: &String| !scope.is_empty() && scope.len() <= SCOPE_BYTES_MAX;
    scopes.into_iter().filter(usable).take(SCOPES_MAX).collect()
}

/// What an integration said about a request that it did not carry out (`WWW-Authenticate`, RFC 6750).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The header's value.
    pub(super) text: String,
    /// The scopes that it asks for.
    pub(super) scopes: BTreeSet<String>,
    /// Whether a token was there, and did not reach that far.
    pub(super) insufficient: bool,
}

impl Challenge {
    pub(super) fn read(text: &str, resource: &Url) -> Self {
        let said = WWWAuthenticateParams::parse(text, resource);
        let scopes = said.scope.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned);
        Self {
            scopes: bounded(scopes).into_iter().collect(),
            insufficient: said.is_insufficient_scope(),
            text: text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Challenge, SCOPES_MAX};

    #[test]
    fn a_challenge_is_read_within_bounds() {
        let resource = Url::parse("https://mail.example/mcp").unwrap();
        let challenge = Challenge::read(r#"Bearer error="insufficient_scope", scope="mail:read mail:send""#, &resource);
        assert!(challenge.insufficient);
        assert_eq!(challenge.scopes.into_iter().collect::<Vec<_>>(), ["mail:read", "mail:send"]);
        let many: Vec<String> = (0..500).map(|number| format!("s{number}")).collect();
        let challenge = Challenge::read(&format!("Bearer scope=\"{}\"", many.join(" ")), &resource);
        assert!(!challenge.insufficient);
        assert_eq!(challenge.scopes.len(), SCOPES_MAX);
        assert!(Challenge::read("Bearer", &resource).scopes.is_empty());
    }
}
