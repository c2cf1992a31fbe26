//! Where it is recorded that people link and unlink integrations.
//!
//! A link is recorded before its tokens are kept, and forgotten tokens once they are gone. What is recorded are names:
//! of the person, the integration and the scopes, none of which repeats a secret.

use async_trait::async_trait;
use writ_core::code::Refusal;
use writ_engine::Engine;

use super::discovery::bounded;
use super::redact::Redaction;

/// Where it is recorded that people link and unlink integrations.
#[async_trait]
pub trait LinkRecord: Send + Sync + 'static {
    /// Records that a person has linked an integration, with the scopes that were granted.
    ///
    /// # Errors
    /// Where it is not recorded; then the link is not kept.
    async fn linked(&self, person: &str, integration: &str, scopes: Vec<String>) -> Result<(), Refusal>;

    /// Records that what a person had linked is forgotten.
    ///
    /// # Errors
    /// Where it is not recorded. It is forgotten all the same.
    async fn unlinked(&self, person: &str, integration: &str) -> Result<(), Refusal>;
}

#[async_trait]
impl LinkRecord for Engine {
    async fn linked(&self, person: &str, integration: &str, scopes: Vec<String>) -> Result<(), Refusal> {
        self.record_linked(person, integration, scopes).await
    }

    async fn unlinked(&self, person: &str, integration: &str) -> Result<(), Refusal> {
        self.record_unlinked(person, integration).await
    }
}

/// The scopes that can be named: well-formed (RFC 6749, section 3.3), bounded, and without a secret. A server could
/// call a scope by the token that it was sent.
pub(super) fn nameable<'a>(scopes: &[String], secrets: impl Iterator<Item = &'a str>) -> Vec<String> {
    let redaction = Redaction::of_all(secrets);
    let usable = |scope: &&String| is_well_formed(scope) && redaction.text(scope).is_none();
    bounded(scopes.iter().filter(usable).cloned())
}

fn is_well_formed(scope: &str) -> bool {
    scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::nameable;

    #[test]
    fn a_scope_is_named_where_it_is_one_and_repeats_no_secret() {
        let scopes =
            ["mail:read", "", "a b", "a\"b", "a\u{202e}b", "of-canary-token-1", "canary-token-2", "https://x/y"];
        let scopes = scopes.map(str::to_owned);
        let secrets = ["canary-token-1", "canary-token-2", "short"];
        assert_eq!(nameable(&scopes, secrets.into_iter()), ["mail:read", "https://x/y"]);
        let many: Vec<String> = (0..500).map(|number| format!("s{number}")).collect();
        assert_eq!(nameable(&many, std::iter::empty()).len(), 64);
    }
}
