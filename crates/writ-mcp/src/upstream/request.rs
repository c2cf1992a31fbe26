//! A permit's request in the protocol's own form.
//!
//! Parameters pass as they are. In a request's `_meta` go the key by which an effect can be told from a repeated one,
//! where a tool's own schema cannot be in its way, and to a server of the current revision what this caller can be
//! asked and that it hears the log.

use std::collections::BTreeSet;
use std::sync::Weak;

use rmcp::model::{ClientRequest, CustomRequest, JsonObject};
use rmcp::{Peer, RoleClient};
use serde_json::{Value as Json, json};
use writ_core::definition::Ask;
use writ_engine::permit::{Continued, Request, TaskStep};

use super::conversation::{Conversation, Originator};
use super::direct::Direct;
use super::ourselves::capabilities;
use super::outcome::Kind;
use super::tools::Tools;
use crate::revision::{CAPABILITIES_META, LOG_LEVEL_META};

/// The member of a request's `_meta` that names an effect, so that an integration can tell a repeated request.
pub const IDEMPOTENCY_META: &str = "writ.dev/idempotency-key";

/// What an answer must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A tool's result.
    Tool,
    /// A prompt's messages.
    Prompt,
    /// A resource's contents.
    Resource,
    /// Values that complete an argument.
    Completion,
    /// How a task stands.
    Task,
    /// That it was heard.
    Acknowledgement,
}

/// A request as it leaves.
pub(super) struct Message {
    pub(super) method: &'static str,
    pub(super) parameters: JsonObject,
    pub(super) shape: Shape,
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        match request {
            Request::Tool { tool, arguments, continued } => {
                let mut parameters = named("name", tool);
                parameters.insert("arguments".to_owned(), Json::Object(arguments));
                carry_on(&mut parameters, continued);
                Self { method: "tools/call", parameters, shape: Shape::Tool }
            }
            Request::Prompt { prompt, arguments, continued } => {
                let mut parameters = named("name", prompt);
                if !arguments.is_empty() {
                    parameters.insert("arguments".to_owned(), Json::Object(arguments));
                }
                carry_on(&mut parameters, continued);
                Self { method: "prompts/get", parameters, shape: Shape::Prompt }
            }
            Request::Resource { uri, continued } => {
                let mut parameters = named("uri", uri);
                carry_on(&mut parameters, continued);
                Self { method: "resources/read", parameters, shape: Shape::Resource }
            }
            Request::Complete(parameters) => {
                Self { method: "completion/complete", parameters, shape: Shape::Completion }
            }
            Request::Follow { uri, begin } => {
                let method = if begin { "resources/subscribe" } else { "resources/unsubscribe" };
                Self { method, parameters: named("uri", uri), shape: Shape::Acknowledgement }
            }
            Request::Task { task, step } => {
                let mut parameters = named("taskId", task);
                let (method, shape) = match step {
                    TaskStep::Get => ("tasks/get", Shape::Task),
                    TaskStep::Update(responses) => {
                        parameters.insert("inputResponses".to_owned(), Json::Object(responses));
                        ("tasks/update", Shape::Acknowledgement)
                    }
                    TaskStep::Cancel => ("tasks/cancel", Shape::Acknowledgement),
                };
                Self { method, parameters, shape }
            }
        }
    }
}

impl Message {
    /// Whether it is a tool's call whose parameters say everything, without headers made from its arguments.
    pub(super) fn is_plain(&self, tools: &Tools) -> bool {
        let tool = self.parameters.get("name").and_then(Json::as_str).unwrap_or_default();
        self.shape == Shape::Tool && Direct::takes(tool) && !tools.has_headers(tool)
    }

    /// The request for the protocol's own loop, bound to its conversation.
    pub(super) fn bound(self, conversation: Weak<Conversation>, kind: Kind) -> ClientRequest {
        let mut request = CustomRequest::new(self.method, Some(Json::Object(self.parameters)));
        request.extensions.insert(Originator { conversation, kind });
        ClientRequest::CustomRequest(request)
    }
}

/// What goes beside a request's parameters, in its `_meta`.
pub(super) fn options(
    idempotency_key: Option<&str>,
    asks: &BTreeSet<Ask>,
    tasks: bool,
    to_current: bool,
) -> JsonObject {
    let mut meta = JsonObject::new();
    if let Some(key) = idempotency_key {
        meta.insert(IDEMPOTENCY_META.to_owned(), Json::String(key.to_owned()));
    }
    if to_current {
        meta.insert(CAPABILITIES_META.to_owned(), capabilities(asks, tasks));
        if idempotency_key.is_none() {
            // The caller sorts out what it wants to hear.
            meta.insert(LOG_LEVEL_META.to_owned(), json!("debug"));
        }
    }
    meta
}

/// Asks an older server, on a connection that has opened again, to keep us informed of a resource.
pub(super) async fn subscribe_again(peer: Peer<RoleClient>, uri: String) {
    let Message { method, parameters, .. } = Message::from(Request::Follow { uri, begin: true });
    let request = CustomRequest::new(method, Some(Json::Object(parameters)));
    if let Err(error) = peer.send_request(ClientRequest::CustomRequest(request)).await {
        tracing::debug!(%error, "a followed resource cannot be followed again");
    }
}

fn named(member: &str, name: String) -> JsonObject {
    let mut parameters = JsonObject::new();
    parameters.insert(member.to_owned(), Json::String(name));
    parameters
}

fn carry_on(parameters: &mut JsonObject, continued: Option<Continued>) {
    let Some(Continued { responses, state }) = continued else {
        return;
    };
    if !responses.is_empty() {
        parameters.insert("inputResponses".to_owned(), Json::Object(responses));
    }
    if let Some(state) = state {
        parameters.insert("requestState".to_owned(), Json::String(state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::object;

    fn parameters(request: Request) -> (&'static str, Json) {
        let message = Message::from(request);
        (message.method, Json::Object(message.parameters))
    }

    #[test]
    fn each_request_has_its_method_and_parameters() {
        let continued = Some(Continued {
            responses: object(json!({ "name": { "action": "accept" } })),
            state: Some("s-1".to_owned()),
        });
        let tool = Request::Tool { tool: "echo".to_owned(), arguments: object(json!({ "a": 1 })), continued };
        let expected = json!({
            "name": "echo",
            "arguments": { "a": 1 },
            "inputResponses": { "name": { "action": "accept" } },
            "requestState": "s-1",
        });
        assert_eq!(parameters(tool), ("tools/call", expected));
        let resource = Request::Resource { uri: "file:///a".to_owned(), continued: Some(Continued::default()) };
        assert_eq!(parameters(resource), ("resources/read", json!({ "uri": "file:///a" })));
        let step = TaskStep::Update(object(json!({ "name": {} })));
        let task = Request::Task { task: "t-1".to_owned(), step };
        assert_eq!(parameters(task), ("tasks/update", json!({ "taskId": "t-1", "inputResponses": { "name": {} } })));
    }

    #[test]
    fn an_effect_names_itself_and_offers_no_answers() {
        let meta = options(Some("writ-d-1"), &BTreeSet::new(), true, true);
        assert_eq!(meta.get(IDEMPOTENCY_META), Some(&json!("writ-d-1")));
        assert!(meta.get(LOG_LEVEL_META).is_none());
        assert_eq!(meta[CAPABILITIES_META].get("elicitation"), None);
        assert!(options(None, &BTreeSet::new(), true, false).is_empty());
    }
}
