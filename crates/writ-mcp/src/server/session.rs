//! Sessions of the revisions before 2026-07-28, each bound to the run that opened it.
//!
//! The protocol's library keeps them; this decides whose they are. A session answers to its own run alone: for
//! another one it does not exist, as if its id had been guessed. Its id says nothing and proves nothing, since every
//! request proves its run anew. It holds no more than the conversation: what the run has read, proposed and done is in
//! the trail, so a session that ends, with its client, with the server or because others push it out, costs a
//! handshake.
//!
//! Invariants: a run has no more sessions than its share, all runs together no more than theirs; a session without
//! a message for its time ends.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::Stream;
use http::request::Parts;
use rmcp::model::{
    ClientJsonRpcMessage, CustomResult, GetExtensions, JsonRpcMessage, ProtocolVersion, ServerJsonRpcMessage,
    ServerResult,
};
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, LocalSessionManagerError};
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionId, SessionManager};
use serde_json::json;

use super::aside::{Answers, Aside, Joined};

const SESSIONS_OF_A_RUN_MAX: usize = 32;
const SESSIONS_MAX: usize = 4_096;
/// How long a session lives without a message.
const IDLE_SECONDS_MAX: u64 = 30 * 60;
/// How long a session that was pushed out may take to end.
const CLOSE_SECONDS_MAX: u64 = 10;

tokio::task_local! {
    static RUN: Arc<str>;
}

/// Handles a request for this run: a session that it opens belongs to the run.
pub(super) async fn on_behalf_of<F: Future>(run: &str, handling: F) -> F::Output {
    RUN.scope(Arc::from(run), handling).await
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("there are too many sessions")]
    Full,
    #[error("a session is opened for a run")]
    NoRun,
    #[error(transparent)]
    Kept(#[from] LocalSessionManagerError),
}

/// The sessions that are open.
pub(super) struct Sessions {
    kept: Arc<LocalSessionManager>,
    owners: Mutex<Owners>,
}

#[derive(Default)]
struct Owners {
    sessions: HashMap<SessionId, Owner>,
    /// Counts requests, so that it can be told which session was used last.
    requests: u64,
}

struct Owner {
    run: Arc<str>,
    used: u64,
}

impl Sessions {
    pub(super) fn new() -> Self {
        let mut kept = LocalSessionManager::default();
        kept.session_config.keep_alive = Some(Duration::from_secs(IDLE_SECONDS_MAX));
        Self { kept: Arc::new(kept), owners: Mutex::default() }
    }

    /// Whether no run can open another one.
    pub(super) fn are_full(&self) -> bool {
        self.owners().sessions.len() >= SESSIONS_MAX
    }

    /// Whether there is such a session and it is this run's.
    pub(super) fn belongs(&self, session: &str, run: &str) -> bool {
        let mut owners = self.owners();
        owners.requests = owners.requests.wrapping_add(1);
        let used = owners.requests;
        match owners.sessions.get_mut(session) {
            Some(owner) if *owner.run == *run => {
                owner.used = used;
                true
            }
            _ => false,
        }
    }

    /// Makes a session the run's. Where the run has its share, the one that it has used least lately ends.
    fn register(&self, session: &SessionId, run: Arc<str>) {
        let mut owners = self.owners();
        let of_the_run = owners.sessions.iter().filter(|(_, owner)| owner.run == run);
        let pushed_out = if of_the_run.clone().count() >= SESSIONS_OF_A_RUN_MAX {
            of_the_run.min_by_key(|(_, owner)| owner.used).map(|(session, _)| session.clone())
        } else {
            None
        };
        owners.requests = owners.requests.wrapping_add(1);
        let used = owners.requests;
        owners.sessions.insert(session.clone(), Owner { run, used });
        if let Some(pushed_out) = pushed_out {
            owners.sessions.remove(&pushed_out);
            let kept = Arc::clone(&self.kept);
            // A session whose client does not read may take its time to end.
            tokio::spawn(async move {
                let closing = kept.close_session(&pushed_out);
                let _ = tokio::time::timeout(Duration::from_secs(CLOSE_SECONDS_MAX), closing).await;
            });
        }
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        let run = RUN.try_with(Arc::clone).map_err(|_| SessionError::NoRun)?;
        if self.are_full() {
            return Err(SessionError::Full);
        }
        let (session, transport) = self.kept.create_session().await?;
        self.register(&session, run);
        Ok((session, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        Ok(introduced(self.kept.initialize_session(id, message).await?))
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        let is_own = RUN.try_with(|run| self.belongs(id, run)).unwrap_or(false);
        Ok(is_own && self.kept.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        self.owners().sessions.remove(id);
        Ok(self.kept.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        mut message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let (aside, said) = Aside::channel();
        if let JsonRpcMessage::Request(request) = &mut message
            && let Some(parts) = request.request.extensions_mut().get_mut::<Parts>()
        {
            parts.extensions.insert(aside);
        }
        let answers: Answers = Box::pin(self.kept.create_stream(id, message).await?);
        Ok(Joined::new(said, answers))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), SessionError> {
        Ok(self.kept.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let stream: Answers = Box::pin(self.kept.create_standalone_stream(id).await?);
        Ok(stream)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let stream: Answers = Box::pin(self.kept.resume(id, last_event_id).await?);
        Ok(stream)
    }
}

/// The introduction, with what only revision 2025-11-25 has and the library does not know: its own tasks.
fn introduced(message: ServerJsonRpcMessage) -> ServerJsonRpcMessage {
    let JsonRpcMessage::Response(mut response) = message else {
        return message;
    };
    if let ServerResult::InitializeResult(introduction) = &response.result
        && introduction.protocol_version == ProtocolVersion::V_2025_11_25
        && let Ok(mut introduction) = serde_json::to_value(introduction)
    {
        if let Some(capabilities) = introduction.get_mut("capabilities").and_then(|value| value.as_object_mut()) {
            let tasks = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
            capabilities.insert("tasks".to_owned(), tasks);
        }
        response.result = ServerResult::CustomResult(CustomResult(introduction));
    }
    JsonRpcMessage::Response(response)
}

#[cfg(test)]
mod tests {
    use rmcp::model::{InitializeResult, RequestId, ServerCapabilities};

    use super::*;

    async fn open(sessions: &Sessions, run: &str) -> SessionId {
        on_behalf_of(run, sessions.create_session()).await.unwrap().0
    }

    async fn has(sessions: &Sessions, session: &SessionId, run: &str) -> bool {
        on_behalf_of(run, sessions.has_session(session)).await.unwrap()
    }

    #[tokio::test]
    async fn a_session_is_there_for_its_own_run_alone_and_until_it_is_closed() {
        let sessions = Sessions::new();
        let session = open(&sessions, "a").await;
        assert!(has(&sessions, &session, "a").await);
        assert!(!has(&sessions, &session, "b").await);
        assert!(!sessions.has_session(&session).await.unwrap());
        assert!(!sessions.belongs("another", "a"));
        sessions.close_session(&session).await.unwrap();
        assert!(!has(&sessions, &session, "a").await);
    }

    #[tokio::test]
    async fn a_session_is_opened_for_a_run() {
        assert!(matches!(Sessions::new().create_session().await, Err(SessionError::NoRun)));
    }

    #[tokio::test]
    async fn a_run_has_its_share_and_the_one_it_used_least_lately_goes() {
        let sessions = Sessions::new();
        let foreign = open(&sessions, "b").await;
        let mut own = Vec::new();
        for _ in 0..SESSIONS_OF_A_RUN_MAX {
            own.push(open(&sessions, "a").await);
        }
        assert!(sessions.belongs(&own[0], "a"));
        let latest = open(&sessions, "a").await;
        assert!(!sessions.belongs(&own[1], "a"));
        assert!(sessions.belongs(&own[0], "a") && sessions.belongs(&latest, "a") && sessions.belongs(&foreign, "b"));
        assert_eq!(sessions.owners().sessions.len(), SESSIONS_OF_A_RUN_MAX + 1);
    }

    #[test]
    fn only_the_revision_that_has_tasks_of_its_own_is_told_of_them() {
        for (revision, has_tasks) in [(ProtocolVersion::V_2025_06_18, false), (ProtocolVersion::V_2025_11_25, true)] {
            let introduction = InitializeResult::new(ServerCapabilities::default()).with_protocol_version(revision);
            let answer = ServerResult::InitializeResult(introduction);
            let message = introduced(ServerJsonRpcMessage::response(answer, RequestId::Number(1)));
            let message = serde_json::to_value(message).unwrap();
            assert_eq!(message["result"]["capabilities"].get("tasks").is_some(), has_tasks);
            assert_eq!(message["id"], json!(1));
        }
    }
}
