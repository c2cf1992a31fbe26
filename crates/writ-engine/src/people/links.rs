//! What people link and unlink in their own name, as the trail keeps it.
//!
//! Tokens are not the engine's: it records who did what with which integration, for whoever holds them.

use writ_core::code::Refusal;
use writ_core::event::Event;

use crate::engine::Engine;

impl Engine {
    /// Records that a person has linked an integration, with the scopes that were granted. None of the names may be a
    /// secret.
    ///
    /// # Errors
    /// [`writ_core::code::Code::NotAuthenticated`] where the person is unknown or disabled by now, and where it cannot
    /// be recorded: the link must not be kept then.
    pub async fn record_linked(&self, person: &str, integration: &str, scopes: Vec<String>) -> Result<(), Refusal> {
        self.person_access(person)?;
        let (person, integration) = (person.to_owned(), integration.to_owned());
        self.record_outside_runs(Event::IntegrationLinked { person, integration, scopes }).await
    }

    /// Records that what a person had linked is forgotten.
    ///
    /// # Errors
    /// Where it cannot be recorded.
    pub async fn record_unlinked(&self, person: &str, integration: &str) -> Result<(), Refusal> {
        let (person, integration) = (person.to_owned(), integration.to_owned());
        self.record_outside_runs(Event::IntegrationUnlinked { person, integration }).await
    }
}
