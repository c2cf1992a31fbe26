//! The credentials of connections: where they are kept, how they are had, and how they are sent.
//!
//! Each integration over HTTP has a [`CredentialSource`]: none, a fixed secret in a header, or access tokens of OAuth
//! 2 ([`OAuthSource`]), Writ's own or those of the run's person. `AuthorizedClient` puts the credential on every
//! request at the moment of sending. What is kept is sealed in a [`Vault`].
//!
//! Architecture invariants: nothing of a worker's request becomes a credential, and no credential becomes part of an
//! answer. A request on behalf of a person never leaves without that person's own authority. No error, no log line
//! and no `Debug` of this module holds a credential, a code, or an address with its query. A token is sent to the
//! integration that it was asked for, and a client's secret to one authorization server alone. What a stranger's
//! metadata name leads into no private network.

mod client;
mod discovery;
mod exchange;
mod form;
mod holder;
mod http_client;
mod identity;
mod link_record;
mod linking;
mod oauth;
mod reach;
mod redact;
mod redeeming;
mod registered;
mod reply;
mod revocation;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod trouble;
mod unlinking;
pub mod vault;

pub use identity::Identity;
pub use link_record::LinkRecord;
pub use linking::{Callback, LinkError, LinkState};
pub use oauth::OAuthSource;
pub use source::{CredentialSource, Surroundings};
pub use unlinking::Unlinked;
pub use vault::{Key, KeySource, Listed, Name, Vault, VaultError};

pub(crate) use client::{AuthorizedClient, missing};
pub(crate) use redact::Redaction;
pub(crate) use reply::Reply;
