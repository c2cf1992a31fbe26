//! Unlinking: a person takes back what they have linked.
//!
//! The tokens are forgotten first, whatever comes after. Then it is recorded, and the authorization server is asked to
//! end them.

use std::sync::Arc;

use rmcp::transport::auth::CredentialStore as _;

use super::holder::Holder;
use super::link_record::LinkRecord;
use super::linking::LinkError;
use super::oauth::OAuthSource;
use super::trouble::Trouble;

/// What became of a link that a person takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlinked {
    /// There was none.
    Nothing,
    /// The tokens are forgotten, and ended at the authorization server.
    Ended,
    /// The tokens are forgotten, and may be good at the authorization server for longer. Why, in words that hold
    /// nothing of anybody else's.
    Remains(String),
}

impl OAuthSource {
    /// Forgets a person's link, and has its tokens ended (RFC 7009) where that can be had within ten seconds.
    ///
    /// # Errors
    /// Where the sealed credentials cannot be used, and [`LinkError::NotRecorded`]: then the link is forgotten all the
    /// same.
    pub async fn unlink(self: &Arc<Self>, person: &str, record: Arc<dyn LinkRecord>) -> Result<Unlinked, LinkError> {
        // What is forgotten is recorded, even if the browser goes away.
        let (source, person) = (Arc::clone(self), person.to_owned());
        let unlinked = tokio::spawn(async move { source.forget(&person, &*record).await }).await;
        unlinked.unwrap_or_else(|_| Err(LinkError::Failed("it was interrupted".to_owned())))
    }

    async fn forget(&self, person: &str, record: &dyn LinkRecord) -> Result<Unlinked, LinkError> {
        let place = self.holder(person);
        let mut holder = place.lock().await;
        // Tokens that cannot be read are forgotten too.
        let stored = self.sealed_tokens(person).load().await.unwrap_or_default();
        let name = self.token_name(person);
        let removed = self.with_vault(move |vault| vault.remove(&name)).await?;
        *holder = Holder::default();
        self.under_way().retain(|_, pending| pending.person != person);
        if !removed {
            return Ok(Unlinked::Nothing);
        }
        let recorded = record.unlinked(person, &self.integration).await;
        drop(holder);
        let revoked = match &stored {
            Some(stored) => self.revoke(person, stored).await,
            None => Err(Trouble::failed("they were for another address of the integration, or could not be read")),
        };
        recorded.map_err(LinkError::NotRecorded)?;
        Ok(revoked.map_or_else(|trouble| Unlinked::Remains(trouble.to_string()), |()| Unlinked::Ended))
    }
}
