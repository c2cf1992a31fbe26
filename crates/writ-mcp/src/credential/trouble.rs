//! Why there is no credential for a request, in words that hold nothing of anybody else's.
//!
//! What an authorization server or a library says can repeat a code, a token or a client's secret. So texts of theirs
//! go nowhere: each kind of failure has words of its own here.

use rmcp::transport::auth::AuthError;

use super::http_client::HttpTrouble;
use super::vault::VaultError;

/// Why there is no credential for a request. Each of these means that the request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// The person has not linked the integration, or has to do it again.
    #[error("the person has not linked the integration")]
    NotLinked,
    /// The integration asks for more than can be had.
    #[error("the credential does not reach that far")]
    NotEnough,
    /// Something else. The text is for operators.
    #[error("{0}")]
    Failed(String),
}

impl Trouble {
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

impl From<VaultError> for Trouble {
    fn from(error: VaultError) -> Self {
        Self::Failed(format!("the sealed credentials cannot be used: {error}"))
    }
}

impl From<AuthError> for Trouble {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::AuthorizationRequired | AuthError::TokenRefreshRejected(_) => Self::NotLinked,
            error => Self::Failed(words(&error)),
        }
    }
}

/// What an error of the OAuth library means, without the texts that it carries.
pub(super) fn words(error: &AuthError) -> String {
    let fixed = match error {
        AuthError::DiscoveryRequestFailed { url, source } => {
            let host = url.host_str().unwrap_or("the server");
            let why = source.downcast_ref::<HttpTrouble>().map_or("its answer cannot be used", HttpTrouble::words);
            return format!("the authorization server cannot be discovered: `{host}`: {why}");
        }
        AuthError::ProtectedResourceMetadataInvalid { .. } => {
            "the integration's metadata describe another resource, or none (RFC 9728)"
        }
        AuthError::AuthorizationServersUnavailable { .. } => {
            "the authorization servers that the integration names publish no metadata"
        }
        AuthError::AuthorizationServerMismatch { .. } => {
            "another authorization server answered than the one that was asked (RFC 8414, RFC 9207)"
        }
        AuthError::AuthorizationServerMissingIssuer { .. } => "the authorization server does not say who it is",
        AuthError::PkceUnsupported => "the authorization server does not support PKCE with S256",
        AuthError::NoAuthorizationSupport => "no authorization server is known",
        AuthError::RegistrationFailed(_) => "the authorization server did not register this client (RFC 7591)",
        AuthError::TokenExchangeFailed(_) => "the authorization server gave no token for the code",
        AuthError::TokenRefreshFailed(_) => "the authorization server did not renew the token",
        AuthError::ClientCredentialsError(_) => "the authorization server gave no token for this client",
        AuthError::CredentialStoreError(_) => "the sealed credentials cannot be used",
        AuthError::InvalidScope(_) => "the authorization server does not support the authorization code",
        AuthError::AuthorizationFailed(_) => "the authorization server's answer cannot be checked",
        _ => "no token could be had from the authorization server",
    };
    fixed.to_owned()
}
