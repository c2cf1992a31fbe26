//! A person's tokens, as the OAuth library keeps and takes them.
//!
//! They are sealed under the names of integration and person, with the address for which they were asked: where an
//! integration's address has changed, they are not used. Fields that an authorization server adds to a token's
//! answer, such as an identity token, are not kept. Whoever renews a token holds the person's place in
//! [`super::oauth`] meanwhile, so two renewals never meet here.

use std::sync::Arc;

use async_trait::async_trait;
use rmcp::transport::auth::{AuthError, CredentialStore, StoredCredentials, VendorExtraTokenFields};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::vault::{Name, Vault, VaultError};
use crate::Secret;

/// One person's tokens for one integration.
pub(super) struct SealedTokens {
    pub(super) vault: Arc<Vault>,
    pub(super) name: Name,
    /// The integration's address.
    pub(super) resource: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    resource: String,
    tokens: StoredCredentials,
}

impl SealedTokens {
    /// Does something with the vault beside the runtime, since files are read and synced.
    async fn with_vault<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Vault, &Name) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let (vault, name) = (Arc::clone(&self.vault), self.name.clone());
        match tokio::task::spawn_blocking(move || act(&vault, &name)).await {
            Ok(done) => done.map_err(|error| AuthError::CredentialStoreError(error.to_string())),
            Err(_) => Err(AuthError::CredentialStoreError("it was interrupted".to_owned())),
        }
    }
}

/// What is secret in a person's tokens, with the name of each kind (RFC 7009, section 2.1). The refresh token, on which
/// the other rests, comes first.
pub(super) fn secrets_of(stored: &StoredCredentials) -> Vec<(&'static str, Secret)> {
    let tokens = stored.token_response.as_ref().and_then(|tokens| serde_json::to_value(tokens).ok());
    let secret = |kind: &'static str| {
        let token = tokens.as_ref()?.get(kind).and_then(Json::as_str)?;
        Some((kind, Secret::new(token)))
    };
    ["refresh_token", "access_token"].into_iter().filter_map(secret).collect()
}

#[async_trait]
impl CredentialStore for SealedTokens {
    async fn load(&self) -> Result<Option<StoredCredentials>, AuthError> {
        let Some(text) = self.with_vault(|vault, name| vault.get(name)).await? else { return Ok(None) };
        let kept: Kept = serde_json::from_str(text.expose())
            .map_err(|_| AuthError::CredentialStoreError("the tokens are in another form".to_owned()))?;
        Ok((kept.resource == self.resource).then_some(kept.tokens))
    }

    async fn save(&self, mut credentials: StoredCredentials) -> Result<(), AuthError> {
        if let Some(tokens) = &mut credentials.token_response {
            tokens.set_extra_fields(VendorExtraTokenFields::default());
        }
        let kept = Kept { resource: self.resource.clone(), tokens: credentials };
        let text = serde_json::to_string(&kept)
            .map(zeroize::Zeroizing::new)
            .map_err(|_| AuthError::CredentialStoreError("the tokens cannot be written".to_owned()))?;
        self.with_vault(move |vault, name| vault.set(name, &text)).await
    }

    async fn clear(&self) -> Result<(), AuthError> {
        self.with_vault(|vault, name| vault.remove(name)).await.map(|_| ())
    }
}
