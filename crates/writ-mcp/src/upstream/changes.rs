//! Word that what an integration offers has changed.
//!
//! A counter goes up; nobody is told what changed, since the whole description is asked for again anyway. A server
//! that announces changes all the time moves the counter a few times a second at most. A server of the current
//! revision announces them to those who listen, so a connection to one keeps listening for as long as it is open.
//! Here are also the numbers of editions: of what a connection offered from one change, or opening, to the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rmcp::model::{ServerCapabilities, ServerNotification, SubscriptionFilter};
use rmcp::service::{Subscription, SubscriptionEnd};
use rmcp::{Peer, RoleClient, ServiceError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long announcements are gathered before the counter moves.
const GATHER_MILLISECONDS: u64 = 250;
const LISTEN_AGAIN_SECONDS_MIN: u64 = 1;
const LISTEN_AGAIN_SECONDS_MAX: u64 = 60;

/// The counter of changes.
#[derive(Clone, Default)]
pub(super) struct Changes(Arc<Counter>);

#[derive(Default)]
struct Counter {
    count: watch::Sender<u64>,
    gathering: AtomicBool,
    editions: AtomicU64,
}

impl Changes {
    /// Follows the counter.
    pub(super) fn follow(&self) -> watch::Receiver<u64> {
        self.0.count.subscribe()
    }

    /// The number of a new edition: one that no connection has had before.
    pub(super) fn new_edition(&self) -> u64 {
        self.0.editions.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// Announces a change.
    pub(super) fn announce(&self) {
        if self.0.gathering.swap(true, Ordering::AcqRel) {
            return;
        }
        let counter = Arc::clone(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(GATHER_MILLISECONDS)).await;
            counter.gathering.store(false, Ordering::Release);
            counter.count.send_modify(|count| *count = count.wrapping_add(1));
        });
    }
}

/// A task that ends with whoever holds it.
pub(super) struct Attached(JoinHandle<()>);

impl Attached {
    pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The announcements of changes that a server makes to those who listen, if it makes any.
pub(super) fn announced(capabilities: &ServerCapabilities) -> Option<SubscriptionFilter> {
    let mut filter = SubscriptionFilter::builder();
    if capabilities.tools.as_ref().is_some_and(|tools| tools.list_changed == Some(true)) {
        filter = filter.tools_list_changed();
    }
    if capabilities.prompts.as_ref().is_some_and(|prompts| prompts.list_changed == Some(true)) {
        filter = filter.prompts_list_changed();
    }
    if capabilities.resources.as_ref().is_some_and(|resources| resources.list_changed == Some(true)) {
        filter = filter.resources_list_changed();
    }
    Some(filter.build()).filter(|filter| *filter != SubscriptionFilter::new())
}

/// What comes of listening.
pub(super) enum Heard {
    /// A notification.
    Notification(Box<ServerNotification>),
    /// For a while nobody listened: anything may have changed.
    Gap,
}

/// Listens for as long as the connection is open and the server lets us; again, after a while, where a stream ends.
pub(super) async fn keep_listening(
    peer: Peer<RoleClient>,
    filter: SubscriptionFilter,
    mut subscription: Option<Subscription>,
    hear: impl Fn(Heard) + Send,
) {
    let mut wait = LISTEN_AGAIN_SECONDS_MIN;
    let mut missed = false;
    loop {
        let opened = match subscription.take() {
            Some(subscription) => Ok(subscription),
            None => peer.listen(filter.clone()).await,
        };
        match opened {
            Ok(mut subscription) => {
                if missed {
                    hear(Heard::Gap);
                }
                while let Ok(Some(notification)) = subscription.next().await {
                    wait = LISTEN_AGAIN_SECONDS_MIN;
                    hear(Heard::Notification(Box::new(notification)));
                }
                if matches!(subscription.end(), Some(SubscriptionEnd::Cancelled)) {
                    return;
                }
            }
            // A server that refuses will refuse again.
            Err(ServiceError::McpError(_)) => return,
            Err(_) => {}
        }
        missed = true;
        if peer.is_transport_closed() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(wait)).await;
        wait = wait.saturating_mul(2).min(LISTEN_AGAIN_SECONDS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_announcements_move_the_counter_once() {
        let changes = Changes::default();
        let mut counter = changes.follow();
        for _ in 0..100 {
            changes.announce();
        }
        tokio::time::timeout(Duration::from_secs(10), counter.changed()).await.unwrap().unwrap();
        assert_eq!(*counter.borrow_and_update(), 1);
        changes.announce();
        tokio::time::timeout(Duration::from_secs(10), counter.changed()).await.unwrap().unwrap();
        assert_eq!(*counter.borrow_and_update(), 2);
    }

    #[test]
    fn only_what_is_announced_is_listened_for() {
        assert_eq!(announced(&ServerCapabilities::builder().enable_tools().build()), None);
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        assert_eq!(announced(&capabilities).unwrap().tools_list_changed, Some(true));
    }
}
