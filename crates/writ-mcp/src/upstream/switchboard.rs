//! Which call a server's message belongs to, on a connection that several calls share.
//!
//! Each request is noted with its id and its progress token before it leaves. A progress notification finds its call
//! by the token; a question that came on a request's own stream finds it by the id. What names no call belongs to
//! the only one under way, if there is exactly one, and to nobody otherwise: what a server says for one run must not
//! reach another. Calls are held weakly, so that nothing keeps a finished one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rmcp::model::{Extensions, GetMeta, ProgressToken, RequestId, ServerNotification};
use rmcp::service::InboundStreamOrigin;

use super::changes::Changes;
use super::conversation::{self, Conversation};
use super::follow::Follows;

/// How many calls are remembered. Where there are more, no message without a call's own mark is delivered.
const NOTED_MAX: usize = 4096;

/// One connection's calls, and who else listens to its server.
pub(super) struct Switchboard {
    calls: Mutex<Vec<Noted>>,
    changes: Changes,
    /// The edition of what the server offers.
    edition: AtomicU64,
    follows: Arc<Follows>,
}

struct Noted {
    id: RequestId,
    token: Option<ProgressToken>,
    conversation: Weak<Conversation>,
}

impl Switchboard {
    pub(super) fn new(changes: Changes, follows: Arc<Follows>) -> Self {
        Self { calls: Mutex::default(), changes, edition: AtomicU64::default(), follows }
    }

    /// The edition of what the server offers.
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// From now on what the server offers may be something else than before. Gives the new edition.
    pub(super) fn renew(&self) -> u64 {
        let edition = self.changes.new_edition();
        // Of two at a time the later one stays.
        self.edition.fetch_max(edition, Ordering::AcqRel);
        edition
    }

    /// The server's tools or prompts have changed, or may have.
    pub(super) fn announce(&self) {
        self.renew();
        self.changes.announce();
    }

    /// Those who follow its resources.
    pub(super) fn follows(&self) -> &Arc<Follows> {
        &self.follows
    }

    /// Notes a request that is about to leave.
    pub(super) fn note(&self, id: RequestId, token: Option<ProgressToken>, conversation: Weak<Conversation>) {
        let mut calls = self.calls();
        // On a connection that has opened again, numbers begin anew.
        calls.retain(|noted| noted.id != id && (token.is_none() || noted.token != token));
        if calls.len() >= NOTED_MAX {
            calls.remove(0);
        }
        calls.push(Noted { id, token, conversation });
    }

    /// The server has answered a request: from now on it has nothing more to say about it. A call that was taken back
    /// stays until then, since a server may go on with it, and what it says must not reach another.
    pub(super) fn answered(&self, id: &RequestId) {
        self.calls().retain(|noted| noted.id != *id);
    }

    /// A new connection begins, on which nothing is under way.
    pub(super) fn begin(&self) {
        self.calls().clear();
    }

    /// The call that a question of the server belongs to, by what the transport knows of where it came from.
    pub(super) fn asked(&self, extensions: &Extensions) -> Option<Arc<Conversation>> {
        match extensions.get::<InboundStreamOrigin>() {
            Some(InboundStreamOrigin::OutboundRequest(id)) => self.first(|noted| noted.id == *id),
            Some(InboundStreamOrigin::Unassociated) | None => self.only(),
        }
    }

    /// Delivers a notification. What is left is for the protocol's own state.
    pub(super) fn deliver(&self, notification: ServerNotification) -> Option<ServerNotification> {
        if notification.get_meta().subscription_id().is_some() {
            return Some(notification);
        }
        match &notification {
            ServerNotification::CancelledNotification(_)
            | ServerNotification::SubscriptionsAcknowledgedNotification(_) => return Some(notification),
            ServerNotification::ProgressNotification(progress) => {
                let token = &progress.params.progress_token;
                let conversation = self.first(|noted| noted.token.as_ref() == Some(token));
                hand_over(conversation, &notification);
            }
            ServerNotification::LoggingMessageNotification(_) => hand_over(self.only(), &notification),
            other => self.spread(other),
        }
        None
    }

    /// Delivers what concerns everybody who listens.
    pub(super) fn spread(&self, notification: &ServerNotification) {
        match notification {
            ServerNotification::ResourceUpdatedNotification(updated) => self.follows.changed(&updated.params.uri),
            // Resources come and go with the data that they stand for: nothing is planned from them.
            ServerNotification::ResourceListChangedNotification(_) => self.changes.announce(),
            ServerNotification::ToolListChangedNotification(_)
            | ServerNotification::PromptListChangedNotification(_) => self.announce(),
            // How a task stands is asked for when somebody wants to know.
            _ => {}
        }
    }

    fn first(&self, fits: impl Fn(&Noted) -> bool) -> Option<Arc<Conversation>> {
        self.calls().iter().filter(|noted| fits(noted)).find_map(|noted| noted.conversation.upgrade())
    }

    /// The only call under way.
    fn only(&self) -> Option<Arc<Conversation>> {
        let calls = self.calls();
        let [only] = calls.as_slice() else { return None };
        only.conversation.upgrade()
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Noted>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hand_over(conversation: Option<Arc<Conversation>>, notification: &ServerNotification) {
    if let Some(conversation) = conversation
        && let Some(notice) = conversation::notice(notification)
    {
        conversation.hear(notice);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value as Json, json};
    use tokio::sync::mpsc::Receiver;
    use writ_engine::upstream::Notice;

    use super::*;
    use crate::testing::Recorder;

    fn notification(method: &str, params: Json) -> ServerNotification {
        serde_json::from_value(json!({ "method": method, "params": params })).unwrap()
    }

    fn call(board: &Switchboard, id: i64) -> (Arc<Conversation>, Receiver<Notice>) {
        let (conversation, told) = Conversation::begin(Arc::new(Recorder::default()), BTreeSet::new());
        let token = ProgressToken(RequestId::Number(100 + id));
        board.note(RequestId::Number(id), Some(token), Arc::downgrade(&conversation));
        (conversation, told)
    }

    #[tokio::test]
    async fn what_names_no_call_is_for_the_only_one_or_for_nobody() {
        let board = Switchboard::new(Changes::default(), Arc::new(Follows::default()));
        let log = || notification("notifications/message", json!({ "level": "info", "data": "hello" }));
        let (_first, mut first_told) = call(&board, 1);
        assert!(board.deliver(log()).is_none());
        assert!(matches!(first_told.try_recv(), Ok(Notice::Log(_))));

        let (second, mut second_told) = call(&board, 2);
        assert!(board.deliver(log()).is_none());
        assert!(first_told.try_recv().is_err() && second_told.try_recv().is_err());
        assert!(board.asked(&Extensions::new()).is_none());

        let progress = notification("notifications/progress", json!({ "progressToken": 102, "progress": 1 }));
        assert!(board.deliver(progress).is_none());
        assert!(first_told.try_recv().is_err());
        assert!(matches!(second_told.try_recv(), Ok(Notice::Progress { .. })));

        let mut extensions = Extensions::new();
        extensions.insert(InboundStreamOrigin::OutboundRequest(RequestId::Number(2)));
        assert!(board.asked(&extensions).is_some_and(|found| Arc::ptr_eq(&found, &second)));

        drop(second);
        assert!(board.asked(&extensions).is_none(), "a finished call is asked nothing");
        assert!(board.asked(&Extensions::new()).is_none(), "the server may still speak about the one that was left");
        board.answered(&RequestId::Number(2));
        assert!(board.asked(&Extensions::new()).is_some());
        board.begin();
        assert!(board.asked(&Extensions::new()).is_none());
    }

    #[tokio::test]
    async fn the_protocols_own_state_gets_what_is_its_own() {
        let board = Switchboard::new(Changes::default(), Arc::new(Follows::default()));
        let cancelled = notification("notifications/cancelled", json!({ "requestId": 7 }));
        assert!(board.deliver(cancelled).is_some());
        let subscribed = json!({ "_meta": { "io.modelcontextprotocol/subscriptionId": 3 } });
        assert!(board.deliver(notification("notifications/tools/list_changed", subscribed)).is_some());
        assert!(board.deliver(notification("notifications/tools/list_changed", json!({}))).is_none());
    }
}
