//! Writ as the server sees it: a client that answers a server's questions from the worker whose call they belong to.
//!
//! Nothing is answered here. A question goes to the caller of the request that it belongs to, as the switchboard
//! knows it; one that belongs to no call, that the operator does not allow or that the caller cannot be asked is
//! declined in the protocol's own way. Notifications do not come here: the switchboard takes them out before.

use std::collections::BTreeSet;
use std::sync::Arc;

use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientResult, CustomResult, ErrorCode, ErrorData, Implementation,
    ProtocolVersion, ServerNotification, ServerRequest,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{RoleClient, Service};
use serde_json::{Value as Json, json};
use writ_core::definition::Ask;
use writ_engine::upstream::ask_of;

use super::conversation::{Declined, parameters};
use super::switchboard::Switchboard;
use crate::outbound::quoted;

/// The extension by which a server may make a call a task (SEP-2663).
const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// The code with which a client says that whoever was asked does not want to answer.
const REJECTED: ErrorCode = ErrorCode(-1);

/// The client's part of one connection.
pub(super) struct Ourselves {
    config: ClientConfig,
    switchboard: Arc<Switchboard>,
}

impl Ourselves {
    /// A client that offers to be asked these things.
    pub(super) fn new(asks: &BTreeSet<Ask>, switchboard: Arc<Switchboard>) -> Self {
        let capabilities: ClientCapabilities = serde_json::from_value(capabilities(asks, true)).unwrap_or_default();
        let config = ClientConfig::new(capabilities, Implementation::new("writ", env!("CARGO_PKG_VERSION")));
        Self { config, switchboard }
    }

    /// The same client, for a server that only knows the handshake.
    pub(super) fn with_handshake(mut self) -> Self {
        self.config = self.config.with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        self
    }
}

/// What a client offers of which it can be asked these things, and which may take tasks for answers, in the
/// protocol's own form. Of elicitations it shows
/// forms only: an address to open is a way around everything that Writ watches.
pub(super) fn capabilities(asks: &BTreeSet<Ask>, tasks: bool) -> Json {
    let mut capabilities = if tasks { json!({ "extensions": { TASKS_EXTENSION: {} } }) } else { json!({}) };
    if let Some(capabilities) = capabilities.as_object_mut() {
        for ask in asks {
            let (name, offer) = match ask {
                Ask::Elicitation => ("elicitation", json!({ "form": {} })),
                Ask::Sampling => ("sampling", json!({})),
                Ask::Roots => ("roots", json!({})),
            };
            capabilities.insert(name.to_owned(), offer);
        }
    }
    capabilities
}

impl Service<RoleClient> for Ourselves {
    async fn handle_request(
        &self,
        request: ServerRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        let message = serde_json::to_value(&request).unwrap_or_default();
        let method = message.get("method").and_then(Json::as_str).unwrap_or_default().to_owned();
        if method == "ping" {
            return Ok(ClientResult::empty(()));
        }
        let Some(ask) = ask_of(&method) else {
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "there is no such method here", None));
        };
        let answer = match self.switchboard.asked(&context.extensions) {
            Some(conversation) => tokio::select! {
                answer = conversation.ask(ask, parameters(message)) => answer,
                () = context.ct.cancelled() => Err(Declined::Refused("the question was taken back".to_owned())),
            },
            None => Err(Declined::NotOffered),
        };
        match answer {
            Ok(answer) => Ok(ClientResult::CustomResult(CustomResult::new(answer))),
            Err(why) => declined(ask, why),
        }
    }

    async fn handle_notification(
        &self,
        _: ServerNotification,
        _: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        self.config.clone()
    }
}

/// No, in the protocol's own words.
fn declined(ask: Ask, why: Declined) -> Result<ClientResult, ErrorData> {
    match (ask, why) {
        (Ask::Elicitation, _) => Ok(ClientResult::CustomResult(CustomResult::new(json!({ "action": "decline" })))),
        (_, Declined::NotOffered) => Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "that is not offered here", None)),
        (_, Declined::Refused(why)) => Err(ErrorData::new(REJECTED, quoted(&why), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_operator_allows_is_offered() {
        let none: ClientCapabilities = serde_json::from_value(capabilities(&BTreeSet::new(), true)).unwrap();
        assert!(none.supports_tasks() && none.elicitation.is_none() && none.sampling.is_none());
        let all = BTreeSet::from([Ask::Elicitation, Ask::Sampling, Ask::Roots]);
        let all: ClientCapabilities = serde_json::from_value(capabilities(&all, true)).unwrap();
        let elicitation = all.elicitation.unwrap();
        assert!(elicitation.form.is_some() && elicitation.url.is_none());
        assert!(all.sampling.is_some() && all.roots.is_some());
    }
}
