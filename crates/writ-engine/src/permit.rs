//! Authorization as a value.
//!
//! A [`Permit`] allows exactly one call with exactly these bytes. It cannot be cloned, has private fields, and
//! is made from a [`Durable`]: the proof that the record which allows the call has been synced.

use serde_json::Value as Json;
use writ_core::digest::Action;
use writ_knowledge::{Rows, Withheld};
use writ_store::Durable;

/// Leave to make one call of an integration's tool.
#[derive(Debug)]
pub struct Permit {
    integration: String,
    tool: String,
    arguments: serde_json::Map<String, Json>,
    idempotency_key: Option<String>,
}

impl Permit {
    /// Leave to send an approved effect, given the durable record of its intent.
    pub(crate) fn for_effect(action: &Action, idempotency_key: &str, _intent: &Durable) -> Self {
        Self {
            integration: action.integration.name.clone(),
            tool: action.tool.clone(),
            arguments: action.arguments.clone(),
            idempotency_key: Some(idempotency_key.to_owned()),
        }
    }

    /// Leave to call a tool that the operator has classified as a read, once policy has allowed it. Its result
    /// stays withheld until its own record is durable.
    pub(crate) fn for_read(
        integration: &str,
        tool: &str,
        arguments: serde_json::Map<String, Json>,
        _allowed: &crate::decide::Allowed,
    ) -> Self {
        Self { integration: integration.to_owned(), tool: tool.to_owned(), arguments, idempotency_key: None }
    }

    /// The integration.
    #[must_use]
    pub fn integration(&self) -> &str {
        &self.integration
    }

    /// The tool's name at the integration.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The key by which the integration can tell a repeated request; effects have one.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// Uses the permit up: the arguments to send.
    #[must_use]
    pub fn into_arguments(self) -> serde_json::Map<String, Json> {
        self.arguments
    }
}

/// Releases a read's result, given the durable record of the read.
pub(crate) fn release(withheld: Withheld, _record: &Durable) -> Rows {
    withheld.open()
}

/// Opens the result of the operator's own look-up about people, which is no read of a run.
pub(crate) fn release_to_operator(withheld: Withheld) -> Rows {
    withheld.open()
}
