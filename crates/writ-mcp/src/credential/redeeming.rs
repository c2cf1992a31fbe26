//! The end of a link: a code becomes tokens, which are recorded as a link and then kept.

use rmcp::transport::auth::{AuthError, CredentialStore as _, StoredCredentials};

use super::link_record::{LinkRecord, nameable};
use super::linking::{LinkError, Pending};
use super::oauth::OAuthSource;
use super::store::secrets_of;
use super::trouble::{Trouble, words};
use crate::Secret;

impl OAuthSource {
    /// Makes tokens of a code, and keeps them.
    pub(super) async fn redeem(
        &self,
        pending: Pending,
        state: String,
        code: &str,
        issuer: Option<&str>,
        record: &dyn LinkRecord,
    ) -> Result<(), LinkError> {
        // Held, so that no request uses or renews the old tokens meanwhile.
        let holder = self.holder(&pending.person);
        let mut holder = holder.lock().await;
        let redeemed = pending.manager.exchange_code_for_token_with_issuer(code, &state, issuer).await;
        if let Err(error) = redeemed {
            let text = words(&error);
            if matches!(
                error,
                AuthError::AuthorizationServerMismatch { .. } | AuthError::AuthorizationServerMissingIssuer { .. }
            ) {
                self.under_way().insert(state, pending);
            }
            return Err(LinkError::Failed(text));
        }
        let tokens = pending.tokens.load().await.map_err(Trouble::from)?;
        let tokens = tokens.ok_or_else(|| LinkError::Failed("the authorization server gave no token".to_owned()))?;
        let kept = self.keep(&pending.person, &tokens, [code, &state], record).await;
        if kept.is_ok() {
            holder.linked(pending.scopes);
        } else {
            drop(holder);
            // Nobody has them: they need not be good any more.
            _ = self.revoke(&pending.person, &tokens).await;
        }
        kept
    }

    /// Keeps a person's tokens, once it is recorded that they have linked the integration. A crash in between leaves
    /// the record of a link that is to be made again, and never a link without its record.
    async fn keep(
        &self,
        person: &str,
        tokens: &StoredCredentials,
        spent: [&str; 2],
        record: &dyn LinkRecord,
    ) -> Result<(), LinkError> {
        let sealed = self.sealed_tokens(person);
        let before = sealed.load().await.unwrap_or_default();
        let client = self.secret_of(tokens.issuer.as_deref().unwrap_or_default(), &tokens.client_id).await?;
        let held: Vec<Secret> =
            before.iter().chain([tokens]).flat_map(secrets_of).map(|(_, token)| token).chain(client).collect();
        let scopes = nameable(&tokens.granted_scopes, held.iter().map(Secret::expose).chain(spent));
        record.linked(person, &self.integration, scopes).await.map_err(LinkError::NotRecorded)?;
        let Err(error) = sealed.save(tokens.clone()).await else { return Ok(()) };
        if before.is_none() {
            // There is no link: the record of one does not stand alone.
            _ = record.unlinked(person, &self.integration).await;
        }
        Err(Trouble::from(error).into())
    }
}
