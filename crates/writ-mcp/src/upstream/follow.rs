//! Who follows which resource of one connection.
//!
//! A follower is a caller of a run, and an address; the list is bounded, and who has followed longest makes room.
//! Word of changes is gathered by address, so that a server that announces without end costs one entry. An older
//! server is told with `resources/subscribe` whom to keep informed; to a current one a stream is kept open for each
//! address. When the connection opens again, what is still followed is asked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rmcp::model::{ServerNotification, SubscriptionFilter};
use rmcp::service::Subscription;
use rmcp::{Peer, RoleClient};
use tokio::sync::Notify;
use tokio::time::timeout;
use writ_engine::upstream::{Caller, Notice};

use super::changes::{Attached, Heard, keep_listening};

/// How many follow one connection's resources.
const FOLLOWERS_MAX: usize = 256;
/// How long a follower may take to hear one notice.
const TELL_SECONDS_MAX: u64 = 5;

/// One connection's followers.
#[derive(Default)]
pub(super) struct Follows {
    state: Mutex<State>,
    news: Arc<Notify>,
}

#[derive(Default)]
struct State {
    followers: Vec<Follower>,
    /// The streams that are kept open to a current server, by address.
    streams: BTreeMap<String, Attached>,
    /// Addresses of which a change has not been told yet.
    changed: BTreeSet<String>,
    telling: Option<Attached>,
}

struct Follower {
    uri: String,
    run: String,
    caller: Arc<dyn Caller>,
}

impl Follower {
    fn is(&self, uri: &str, run: &str, caller: &Arc<dyn Caller>) -> bool {
        self.uri == uri && self.run == run && std::ptr::addr_eq(Arc::as_ptr(&self.caller), Arc::as_ptr(caller))
    }
}

impl Follows {
    /// Adds a follower.
    pub(super) fn add(self: &Arc<Self>, uri: &str, run: &str, caller: Arc<dyn Caller>) {
        let mut state = self.state();
        state.followers.retain(|follower| !follower.is(uri, run, &caller));
        if state.followers.len() >= FOLLOWERS_MAX {
            let oldest = state.followers.remove(0);
            state.forget_if_unfollowed(&oldest.uri);
        }
        state.followers.push(Follower { uri: uri.to_owned(), run: run.to_owned(), caller });
        if state.telling.is_none() {
            state.telling = Some(Attached::spawn(tell(Arc::downgrade(self), Arc::clone(&self.news))));
        }
    }

    /// Takes a follower away: this caller, or the run's oldest where the caller comes in another guise. Whether the
    /// address is followed by nobody now.
    pub(super) fn remove(&self, uri: &str, run: &str, caller: &Arc<dyn Caller>) -> bool {
        let mut state = self.state();
        let same = state.followers.iter().position(|follower| follower.is(uri, run, caller));
        let oldest = || state.followers.iter().position(|follower| follower.uri == uri && follower.run == run);
        if let Some(position) = same.or_else(oldest) {
            state.followers.remove(position);
        }
        state.forget_if_unfollowed(uri)
    }

    /// The addresses that somebody follows.
    pub(super) fn followed(&self) -> BTreeSet<String> {
        self.state().followers.iter().map(|follower| follower.uri.clone()).collect()
    }

    /// Whether a stream is open for an address.
    pub(super) fn has_stream(&self, uri: &str) -> bool {
        self.state().streams.contains_key(uri)
    }

    /// Keeps a stream open for an address, from a subscription that has begun or one to begin.
    pub(super) fn keep_stream(self: &Arc<Self>, peer: Peer<RoleClient>, uri: &str, begun: Option<Subscription>) {
        let (follows, address) = (Arc::downgrade(self), uri.to_owned());
        let stream = Attached::spawn(async move {
            let filter = updates_of(&address);
            keep_listening(peer, filter, begun, |heard| {
                if let Some(follows) = follows.upgrade() {
                    match heard {
                        Heard::Notification(notification) => {
                            if let ServerNotification::ResourceUpdatedNotification(updated) = &*notification {
                                follows.changed(&updated.params.uri);
                            }
                        }
                        Heard::Gap => follows.changed(&address),
                    }
                }
            })
            .await;
        });
        self.state().streams.insert(uri.to_owned(), stream);
    }

    /// Closes all streams, since their connection is gone.
    pub(super) fn close_streams(&self) {
        self.state().streams.clear();
    }

    /// Notes that a resource has changed: one that is followed, or a part of one.
    pub(super) fn changed(&self, uri: &str) {
        let mut state = self.state();
        let followers = state.followers.iter().filter(|follower| is_or_holds(&follower.uri, uri));
        let followed: Vec<String> = followers.map(|follower| follower.uri.clone()).collect();
        if !followed.is_empty() {
            state.changed.extend(followed);
            self.news.notify_one();
        }
    }

    /// Whom to tell of what.
    fn due(&self) -> Vec<(Arc<dyn Caller>, Notice)> {
        let mut state = self.state();
        let changed = std::mem::take(&mut state.changed);
        let due = state.followers.iter().filter(|follower| changed.contains(&follower.uri));
        due.map(|due| (Arc::clone(&due.caller), Notice::ResourceChanged { uri: due.uri.clone() })).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_if_unfollowed(&mut self, uri: &str) -> bool {
        let unfollowed = self.followers.iter().all(|follower| follower.uri != uri);
        if unfollowed {
            self.streams.remove(uri);
            self.changed.remove(uri);
        }
        unfollowed
    }
}

/// The notifications about one address.
pub(super) fn updates_of(uri: &str) -> SubscriptionFilter {
    SubscriptionFilter::builder().resource_subscription(uri).build()
}

/// Whether a changed resource is the followed one or lies below it.
fn is_or_holds(followed: &str, changed: &str) -> bool {
    changed.strip_prefix(followed).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(['/', '#', '?']) || (followed.ends_with('/') && !rest.is_empty())
    })
}

async fn tell(follows: Weak<Follows>, news: Arc<Notify>) {
    let limit = Duration::from_secs(TELL_SECONDS_MAX);
    loop {
        news.notified().await;
        let Some(due) = follows.upgrade().map(|follows| follows.due()) else {
            return;
        };
        for (caller, notice) in due {
            if timeout(limit, caller.tell(notice)).await.is_err() {
                tracing::debug!("word of a changed resource was dropped: the follower did not take it in time");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Recorder, eventually};

    #[test]
    fn a_change_below_a_followed_resource_counts() {
        assert!(is_or_holds("file:///a", "file:///a") && is_or_holds("file:///a", "file:///a/b"));
        assert!(is_or_holds("file:///a/", "file:///a/b"));
        assert!(!is_or_holds("file:///a", "file:///ab") && !is_or_holds("file:///a/b", "file:///a"));
    }

    #[tokio::test]
    async fn followers_hear_of_what_they_follow_until_they_stop() {
        let follows = Arc::new(Follows::default());
        let (ada, bob) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
        follows.add("file:///a", "r-1", ada.clone());
        follows.add("file:///b", "r-2", bob.clone());
        follows.changed("file:///a");
        follows.changed("file:///c");
        eventually(|| ada.changed() == ["file:///a"]).await;
        assert!(bob.changed().is_empty());
        let (same, other): (Arc<dyn Caller>, Arc<dyn Caller>) = (ada.clone(), bob.clone());
        assert!(!follows.remove("file:///a", "r-2", &other));
        assert!(follows.remove("file:///a", "r-1", &same));
        follows.changed("file:///a");
        follows.changed("file:///b");
        eventually(|| bob.changed() == ["file:///b"]).await;
        assert_eq!(ada.changed().len(), 1);
    }

    #[tokio::test]
    async fn the_list_of_followers_is_bounded() {
        let follows = Arc::new(Follows::default());
        for number in 0..FOLLOWERS_MAX + 10 {
            follows.add(&format!("file:///{number}"), "r-1", Arc::new(Recorder::default()));
        }
        assert_eq!(follows.followed().len(), FOLLOWERS_MAX);
        assert!(!follows.followed().contains("file:///0"));
    }
}
