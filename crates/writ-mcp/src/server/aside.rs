//! What is said to a client while one of its requests is under way, on the stream that will carry the answer.
//!
//! Within a session the protocol's library puts log lines on the session's own stream, which a client need not have
//! open. Here they go where the revisions from 2025-06-18 on want them: before the answer, on the same stream. What
//! is said aside is not kept: a client that has gone away has missed it.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::channel::mpsc;
use futures::{SinkExt as _, Stream, StreamExt as _};
use rmcp::model::{ServerJsonRpcMessage, ServerNotification};
use rmcp::transport::streamable_http_server::session::ServerSseMessage;

/// How much may be said before the client has read it.
const WAITING_MAX: usize = 16;

/// The answers of a request, as the session gives them.
pub(super) type Answers = Pin<Box<dyn Stream<Item = ServerSseMessage> + Send + Sync>>;

/// A way to say something on the stream of one request.
#[derive(Debug, Clone)]
pub(super) struct Aside(mpsc::Sender<ServerSseMessage>);

impl Aside {
    /// The way, and its end. Most requests are told nothing, and this kind of channel costs nothing until it is used.
    pub(super) fn channel() -> (Self, mpsc::Receiver<ServerSseMessage>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self(sender), receiver)
    }

    /// Says it, and waits while the client does not read. Where the stream is gone, nothing happens.
    pub(super) async fn say(&self, notification: ServerNotification) {
        let message = ServerSseMessage::from_message(ServerJsonRpcMessage::notification(notification));
        let _ = self.0.clone().send(message).await;
    }

    /// Whether the stream is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

/// Both in one stream, which ends with the answers.
pub(super) struct Joined {
    said: mpsc::Receiver<ServerSseMessage>,
    answers: Answers,
}

impl Joined {
    pub(super) fn new(said: mpsc::Receiver<ServerSseMessage>, answers: Answers) -> Self {
        Self { said, answers }
    }
}

impl Stream for Joined {
    type Item = ServerSseMessage;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ServerSseMessage>> {
        let this = self.get_mut();
        // What was said came before the answer that is ready now.
        if let Poll::Ready(Some(message)) = this.said.poll_next_unpin(context) {
            return Poll::Ready(Some(message));
        }
        this.answers.as_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use rmcp::model::CustomNotification;

    use super::*;

    fn note(method: &str) -> ServerNotification {
        ServerNotification::CustomNotification(CustomNotification::new(method, None))
    }

    fn method_of(message: &ServerSseMessage) -> String {
        serde_json::to_value(message.message.as_deref()).unwrap()["method"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn what_is_said_comes_before_the_answer_and_the_stream_ends_with_it() {
        let answer = ServerSseMessage::from_message(ServerJsonRpcMessage::notification(note("answer")));
        let (aside, said) = Aside::channel();
        let mut joined = Joined::new(said, Box::pin(stream::iter([answer])));
        aside.say(note("first")).await;
        aside.say(note("second")).await;
        let mut seen = Vec::new();
        while let Some(message) = joined.next().await {
            seen.push(method_of(&message));
        }
        assert_eq!(seen, ["first", "second", "answer"]);
    }

    #[tokio::test]
    async fn saying_to_nobody_is_no_fault() {
        let (aside, said) = Aside::channel();
        drop(said);
        for _ in 0..2 * WAITING_MAX {
            aside.say(note("lost")).await;
        }
    }
}
