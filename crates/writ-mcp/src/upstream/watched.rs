//! A transport with a switchboard in front.
//!
//! The protocol's own loop handles each message in a task of its own, so that a notice may overtake the answer that
//! follows it. Here they are still in order: a notice is handed to its call before the answer is handed on. Requests
//! are noted on their way out, with the id and the progress token that they leave with.

use std::sync::Arc;

use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, GetMeta, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;

use super::conversation::Originator;
use super::switchboard::Switchboard;

/// A transport whose messages pass a switchboard.
pub(super) struct Watched<T> {
    transport: T,
    switchboard: Arc<Switchboard>,
}

impl<T> Watched<T> {
    pub(super) fn new(transport: T, switchboard: Arc<Switchboard>) -> Self {
        switchboard.begin();
        Self { transport, switchboard }
    }

    fn note(&self, message: &ClientJsonRpcMessage) {
        if let JsonRpcMessage::Request(message) = message
            && let Some(originator) = message.request.extensions().get::<Originator>()
        {
            let token = message.request.get_meta().get_progress_token();
            self.switchboard.note(message.id.clone(), token, originator.conversation.clone());
        }
    }

    /// What is left of a message for the protocol's own loop.
    fn deliver(&self, message: ServerJsonRpcMessage) -> Option<ServerJsonRpcMessage> {
        match message {
            JsonRpcMessage::Notification(message) => {
                self.switchboard.deliver(message.notification).map(JsonRpcMessage::notification)
            }
            JsonRpcMessage::Response(response) => {
                self.switchboard.answered(&response.id);
                Some(JsonRpcMessage::Response(response))
            }
            JsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    self.switchboard.answered(id);
                }
                Some(JsonRpcMessage::Error(error))
            }
            message => Some(message),
        }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Watched<T> {
    type Error = T::Error;

    fn send(&mut self, item: ClientJsonRpcMessage) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.note(&item);
        self.transport.send(item)
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let message = self.transport.receive().await?;
            if let Some(message) = self.deliver(message) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.transport.close().await
    }
}
