//! Unlinking: a person takes back what they have linked.
//!
//! The tokens are forgotten first, whatever comes after; then it is recorded.

use std::sync::Arc;

use super::holder::Holder;
use super::link_record::LinkRecord;
use super::linking::LinkError;
use super::oauth::OAuthSource;

impl OAuthSource {
    /// Forgets a person's link. Says whether there was one.
    ///
    /// # Errors
    /// Where the sealed credentials cannot be used, and [`LinkError::NotRecorded`]: then the link is forgotten all the
    /// same.
    pub async fn unlink(self: &Arc<Self>, person: &str, record: Arc<dyn LinkRecord>) -> Result<bool, LinkError> {
        // What is forgotten is recorded, even if the browser goes away.
        let (source, person) = (Arc::clone(self), person.to_owned());
        let unlinked = tokio::spawn(async move { source.forget(&person, &*record).await }).await;
        unlinked.unwrap_or_else(|_| Err(LinkError::Failed("it was interrupted".to_owned())))
    }

    async fn forget(&self, person: &str, record: &dyn LinkRecord) -> Result<bool, LinkError> {
        let place = self.holder(person);
        let mut holder = place.lock().await;
        let name = self.token_name(person);
        let removed = self.with_vault(move |vault| vault.remove(&name)).await?;
        *holder = Holder::default();
        self.under_way().retain(|_, pending| pending.person != person);
        if removed {
            record.unlinked(person, &self.integration).await.map_err(LinkError::NotRecorded)?;
        }
        Ok(removed)
    }
}
