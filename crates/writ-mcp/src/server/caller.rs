//! The client that made a request, for as long as the request is under way.
//!
//! What an integration says meanwhile is passed on if the client wants it: progress where it gave a token, log lines
//! from the level on that it set. What an integration asks is passed on within a session, and only if the client has
//! declared that it answers such questions; without a session there is no way to ask, and the engine carries the
//! questions in the answer instead. A client that does not read, or does not answer, holds up its own call and
//! nothing else.

use std::time::Duration;

use async_trait::async_trait;
use rmcp::model::{
    ClientCapabilities, CustomNotification, CustomRequest, ProgressNotification, ProgressNotificationParam,
    ProgressToken, RequestId, RequestMetaObject, ResourceUpdatedNotification, ResourceUpdatedNotificationParam,
    ServerNotification, ServerRequest,
};
use rmcp::service::{OriginatingRequestId, PeerRequestOptions, RequestContext, ServiceError};
use rmcp::{Peer, RoleServer};
use serde_json::Value as Json;
use writ_core::definition::Ask;
use writ_engine::upstream::{Caller, Notice, method_of};

use super::aside::Aside;
use super::{client, level};
use crate::outbound::quoted;
use crate::revision::LOG_LEVEL_META;

/// How long a client may take to take in one line.
const TELL_SECONDS_MAX: u64 = 10;
/// How long a client may take to answer one question. An integration's own limit is usually shorter.
const ASK_SECONDS_MAX: u64 = 300;

/// The client of one request.
pub(super) struct ClientCaller {
    line: Line,
    progress: Option<ProgressToken>,
    log_floor: Option<u8>,
    declared: ClientCapabilities,
}

/// How a client is spoken to.
enum Line {
    /// On the request's own stream, through the protocol's library.
    Alone(Peer<RoleServer>),
    /// Within a session. What is asked belongs to the request, and what is said aside goes on its stream.
    Session { peer: Peer<RoleServer>, request: RequestId, aside: Aside },
    /// On the request's own stream, which is written without the library.
    Direct(Aside),
}

impl ClientCaller {
    /// The client of this request. It can be spoken to aside within a session; `session_floor` is the level that the
    /// session has set.
    pub(super) fn of(context: &RequestContext<RoleServer>, session_floor: u8, aside: Option<Aside>) -> Self {
        let log_floor = if client::is_current(context) { wanted_floor(&context.meta) } else { Some(session_floor) };
        let peer = context.peer.clone();
        let line = match aside {
            Some(aside) => Line::Session { peer, request: context.id.clone(), aside },
            None => Line::Alone(peer),
        };
        let declared = context.client_capabilities().unwrap_or_default();
        Self { line, progress: context.meta.get_progress_token(), log_floor, declared }
    }

    /// The client of a request of revision 2026-07-28 that is answered without the protocol's library.
    pub(super) fn direct(meta: &RequestMetaObject, declared: ClientCapabilities, aside: Aside) -> Self {
        let (progress, log_floor) = (meta.get_progress_token(), wanted_floor(meta));
        Self { line: Line::Direct(aside), progress, log_floor, declared }
    }

    /// What the client has declared.
    pub(super) fn declared(&self) -> &ClientCapabilities {
        &self.declared
    }

    /// Whether there is a session, in which it can be asked something.
    pub(super) fn is_in_session(&self) -> bool {
        matches!(self.line, Line::Session { .. })
    }

    /// Asks it in the protocol's own words.
    pub(super) async fn request(&self, method: &str, parameters: Json, seconds_max: u64) -> Result<Json, String> {
        let Line::Session { peer, request: origin, .. } = &self.line else {
            return Err("there is no session in which the client could be asked".to_owned());
        };
        let mut request = CustomRequest::new(method, Some(parameters));
        request.extensions.insert(OriginatingRequestId(origin.clone()));
        let options = PeerRequestOptions::with_timeout(Duration::from_secs(seconds_max));
        // A question that an integration asks is handled in a task that the library has marked with the question's own
        // id, and it would take that id for the request's. A task of its own has no such mark.
        let peer = peer.clone();
        let asking =
            tokio::spawn(
                async move { peer.send_request_with_option(ServerRequest::CustomRequest(request), options).await },
            );
        let asked = asking.await.map_err(|_| "the question could not be put".to_owned())?;
        let answer = asked.map_err(said)?.await_response().await.map_err(said)?;
        serde_json::to_value(answer).map_err(|_| "the client's answer is no JSON".to_owned())
    }

    async fn report(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        let Some(token) = self.progress.clone() else { return };
        let mut report = ProgressNotificationParam::new(token, progress);
        report.total = total;
        report.message = message;
        self.notify(ServerNotification::ProgressNotification(ProgressNotification::new(report))).await;
    }

    async fn log(&self, parameters: Json) {
        let rank = parameters.get("level").and_then(Json::as_str).and_then(level::rank);
        let is_wanted = self.log_floor.zip(rank).is_some_and(|(floor, rank)| rank >= floor);
        if !is_wanted {
            return;
        }
        let line = CustomNotification::new("notifications/message", Some(parameters));
        let line = ServerNotification::CustomNotification(line);
        match &self.line {
            Line::Session { aside, .. } => aside.say(line).await,
            Line::Alone(_) | Line::Direct(_) => self.notify(line).await,
        }
    }

    async fn notify(&self, notification: ServerNotification) {
        match &self.line {
            Line::Alone(peer) | Line::Session { peer, .. } => {
                let _ = peer.send_notification(notification).await;
            }
            Line::Direct(aside) => aside.say(notification).await,
        }
    }
}

/// From which level on a request of revision 2026-07-28 wants lines.
fn wanted_floor(meta: &RequestMetaObject) -> Option<u8> {
    meta.get(LOG_LEVEL_META).and_then(Json::as_str).and_then(level::rank)
}

#[async_trait]
impl Caller for ClientCaller {
    fn can_be_asked(&self, ask: Ask) -> bool {
        self.is_in_session() && self.takes(ask)
    }

    fn takes_tasks(&self) -> bool {
        self.declared.supports_tasks()
    }

    fn takes(&self, ask: Ask) -> bool {
        match ask {
            // A client that names no mode takes forms.
            Ask::Elicitation => {
                self.declared.elicitation.as_ref().is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
            }
            Ask::Sampling => self.declared.sampling.is_some(),
            Ask::Roots => self.declared.roots.is_some(),
        }
    }

    fn is_gone(&self) -> bool {
        match &self.line {
            Line::Alone(peer) | Line::Session { peer, .. } => peer.is_transport_closed(),
            Line::Direct(aside) => aside.is_gone(),
        }
    }

    async fn tell(&self, notice: Notice) {
        let telling = async {
            match notice {
                Notice::Progress { progress, total, message } => self.report(progress, total, message).await,
                Notice::Log(parameters) => self.log(parameters).await,
                Notice::ResourceChanged { uri } => {
                    let changed = ResourceUpdatedNotification::new(ResourceUpdatedNotificationParam::new(uri));
                    self.notify(ServerNotification::ResourceUpdatedNotification(changed)).await;
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(TELL_SECONDS_MAX), telling).await.is_err() {
            tracing::debug!("a client does not read what it is told; it is left out");
        }
    }

    async fn ask(&self, ask: Ask, parameters: Json) -> Result<Json, String> {
        if !self.can_be_asked(ask) {
            return Err("the client does not answer such questions".to_owned());
        }
        self.request(method_of(ask), parameters, ASK_SECONDS_MAX).await
    }
}

fn said(error: ServiceError) -> String {
    match error {
        ServiceError::McpError(error) => quoted(&error.message),
        ServiceError::Timeout { .. } => "the client did not answer in time".to_owned(),
        _ => "the client is gone".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ElicitRequestParams, ElicitResult, ElicitationAction,
        ElicitationCapability, ServerCapabilities, ServerConfig,
    };
    use rmcp::service::{RoleClient, ServiceExt};
    use rmcp::{ClientHandler, ErrorData, ServerHandler};
    use serde_json::json;

    use super::*;

    /// A server that talks to its client during a call, and answers with what came of it.
    struct Talkative {
        has_session: bool,
    }

    impl ServerHandler for Talkative {
        fn get_info(&self) -> ServerConfig {
            ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
        }

        async fn call_tool(
            &self,
            _: CallToolRequestParams,
            context: RequestContext<RoleServer>,
        ) -> Result<CallToolResponse, ErrorData> {
            let (aside, mut said) = Aside::channel();
            let caller = ClientCaller::of(&context, 3, self.has_session.then_some(aside));
            for level in ["info", "warning", "loud", "error"] {
                caller.tell(Notice::Log(json!({ "level": level, "data": 1 }))).await;
            }
            let form = json!({
                "message": "which order?",
                "requestedSchema": { "type": "object", "properties": { "order": { "type": "string" } } },
            });
            let answer = caller.ask(Ask::Elicitation, form).await;
            let mut lines = 0;
            while said.try_recv().is_ok() {
                lines += 1;
            }
            let result = json!({
                "lines": lines,
                "answer": answer.ok(),
                "sampling": caller.ask(Ask::Sampling, json!({})).await.is_ok(),
            });
            Ok(CallToolResult::structured(result).into())
        }
    }

    struct Person;

    impl ClientHandler for Person {
        fn get_info(&self) -> rmcp::model::ClientConfig {
            let mut declared = ClientCapabilities::default();
            declared.elicitation = Some(ElicitationCapability::new());
            rmcp::model::ClientConfig::new(declared, rmcp::model::Implementation::new("person", "1"))
        }

        async fn create_elicitation(
            &self,
            request: ElicitRequestParams,
            _: RequestContext<RoleClient>,
        ) -> Result<ElicitResult, ErrorData> {
            assert!(matches!(request, ElicitRequestParams::FormElicitationParams { .. }));
            Ok(ElicitResult::new(ElicitationAction::Accept).with_content(json!({ "order": "#W1" })))
        }
    }

    async fn talk(has_session: bool) -> Json {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let serving = tokio::spawn(async move { Talkative { has_session }.serve(ours).await.unwrap() });
        let client = Person.serve(theirs).await.unwrap();
        let result = client.call_tool(CallToolRequestParams::new("talk")).await.unwrap();
        client.cancel().await.unwrap();
        serving.await.unwrap().cancel().await.unwrap();
        result.structured_content.unwrap()
    }

    #[tokio::test]
    async fn in_a_session_a_client_hears_what_it_wants_and_answers_what_it_declared() {
        let result = talk(true).await;
        assert_eq!((&result["lines"], &result["sampling"]), (&json!(2), &json!(false)));
        assert_eq!(result["answer"]["action"], json!("accept"));
        assert_eq!(result["answer"]["content"], json!({ "order": "#W1" }));
    }

    #[tokio::test]
    async fn a_client_that_is_answered_directly_hears_what_its_request_wants_and_is_asked_nothing() {
        let meta = json!({ "progressToken": "p", LOG_LEVEL_META: "warning" }).as_object().cloned().unwrap();
        let mut declared = ClientCapabilities::default();
        declared.elicitation = Some(ElicitationCapability::new());
        let heard = |meta: RequestMetaObject, declared| async move {
            let (aside, mut said) = Aside::channel();
            let caller = ClientCaller::direct(&meta, declared, aside);
            assert!(caller.takes(Ask::Elicitation) && !caller.can_be_asked(Ask::Elicitation));
            assert!(caller.ask(Ask::Elicitation, json!({})).await.is_err());
            caller.tell(Notice::Progress { progress: 1.0, total: Some(2.0), message: None }).await;
            for level in ["info", "error"] {
                caller.tell(Notice::Log(json!({ "level": level, "data": 1 }))).await;
            }
            let mut heard = Vec::new();
            while let Ok(message) = said.try_recv() {
                heard.push(serde_json::to_value(message.message.as_deref()).unwrap());
            }
            heard
        };
        assert!(heard(RequestMetaObject::new(), declared.clone()).await.is_empty());
        let all = heard(RequestMetaObject::from(meta), declared).await;
        assert_eq!(all.len(), 2);
        assert_eq!(all[0]["params"], json!({ "progressToken": "p", "progress": 1.0, "total": 2.0 }));
        assert_eq!((&all[1]["method"], &all[1]["params"]["level"]), (&json!("notifications/message"), &json!("error")));
    }

    #[tokio::test]
    async fn without_a_session_nobody_can_be_asked() {
        let result = talk(false).await;
        assert_eq!((&result["lines"], &result["answer"]), (&json!(0), &Json::Null));
    }
}
