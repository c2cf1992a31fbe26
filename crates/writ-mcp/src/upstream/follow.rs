//! Who follows which resource of one connection.
//!
//! A follower is a caller of a run, and an address. The list is bounded, and so is each run's share of it: a run that
//! follows much makes room for others, and who has gone away is forgotten. Word of changes is gathered for each
//! follower, so that a server that announces without end costs nothing more; each is told by itself, so that a slow one
//! holds up nobody else. An older server is told with `resources/subscribe` whom to keep informed; to a current one a
//! stream is kept open for each address. When the connection opens again, what is still followed is asked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rmcp::model::{ServerNotification, SubscriptionFilter};
use rmcp::service::Subscription;
use rmcp::{Peer, RoleClient};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use writ_engine::upstream::{Caller, Notice};

use super::changes::{Attached, Heard, keep_listening};
use super::conversation::TELL_SECONDS_MAX;

/// How many follow one connection's resources.
const FOLLOWERS_MAX: usize = 256;
/// How many of them are one run's.
const RUN_FOLLOWERS_MAX: usize = 64;
/// How often those who have gone away are looked for.
const FORGET_SECONDS: u64 = 30;

/// One connection's followers.
#[derive(Default)]
pub(super) struct Follows {
    state: Mutex<State>,
    news: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// Oldest first.
    followers: Vec<Follower>,
    /// How many there have been.
    followed: u64,
    /// The streams that are kept open to a current server, by address.
    streams: BTreeMap<String, Attached>,
    telling: Option<Attached>,
}

struct Follower {
    id: u64,
    uri: String,
    run: String,
    caller: Arc<dyn Caller>,
    /// Whether there is a change that it has not been told of.
    is_due: bool,
    is_being_told: bool,
}

impl Follower {
    fn is(&self, uri: &str, run: &str, caller: &Arc<dyn Caller>) -> bool {
        self.uri == uri && self.run == run && std::ptr::addr_eq(Arc::as_ptr(&self.caller), Arc::as_ptr(caller))
    }
}

impl Follows {
    /// Adds a follower.
    pub(super) fn add(self: &Arc<Self>, uri: &str, run: &str, caller: Arc<dyn Caller>) {
        if self.state().followers.len() >= RUN_FOLLOWERS_MAX {
            self.forget_gone();
        }
        let mut state = self.state();
        state.followers.retain(|follower| !follower.is(uri, run, &caller));
        state.make_room(run);
        state.followed = state.followed.saturating_add(1);
        let (id, uri, run) = (state.followed, uri.to_owned(), run.to_owned());
        state.followers.push(Follower { id, uri, run, caller, is_due: false, is_being_told: false });
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
        let mut somebody_follows = false;
        for follower in state.followers.iter_mut().filter(|follower| is_or_holds(&follower.uri, uri)) {
            follower.is_due = true;
            somebody_follows = true;
        }
        if somebody_follows {
            self.news.notify_one();
        }
    }

    /// Whom to tell of what: those who have heard what they were told before.
    fn due(&self) -> Vec<(u64, Arc<dyn Caller>, Notice)> {
        let mut state = self.state();
        let due = state.followers.iter_mut().filter(|follower| follower.is_due && !follower.is_being_told);
        let told = due.map(|follower| {
            follower.is_due = false;
            follower.is_being_told = true;
            let notice = Notice::ResourceChanged { uri: follower.uri.clone() };
            (follower.id, Arc::clone(&follower.caller), notice)
        });
        told.collect()
    }

    /// A follower has heard what it was told, or never will.
    fn has_heard(&self, id: u64) {
        let mut state = self.state();
        if let Some(follower) = state.followers.iter_mut().find(|follower| follower.id == id) {
            follower.is_being_told = false;
        }
    }

    /// Forgets the followers that have gone away, or whose runs have ended.
    fn forget_gone(&self) {
        let followers: Vec<(u64, Arc<dyn Caller>)> =
            self.state().followers.iter().map(|follower| (follower.id, Arc::clone(&follower.caller))).collect();
        // Asked without a hold on the list: the answer may have to be looked up.
        let gone = followers.into_iter().filter(|(_, caller)| caller.is_gone());
        let gone: BTreeSet<u64> = gone.map(|(id, _)| id).collect();
        let mut state = self.state();
        let followers = std::mem::take(&mut state.followers).into_iter();
        let (forgotten, kept): (Vec<Follower>, Vec<Follower>) =
            followers.partition(|follower| gone.contains(&follower.id));
        state.followers = kept;
        for follower in forgotten {
            state.forget_if_unfollowed(&follower.uri);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Makes room for one more follower of a run.
    fn make_room(&mut self, run: &str) {
        if let Some(position) = self.in_the_way(run) {
            let follower = self.followers.remove(position);
            self.forget_if_unfollowed(&follower.uri);
        }
    }

    /// Who is in the way of one more follower of a run: where the run has its share already, its own oldest one; where
    /// the list is full, the oldest one of the runs that follow most.
    fn in_the_way(&self, run: &str) -> Option<usize> {
        let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
        for follower in &self.followers {
            let share = shares.entry(follower.run.as_str()).or_default();
            *share = share.saturating_add(1);
        }
        if shares.get(run).is_some_and(|share| *share >= RUN_FOLLOWERS_MAX) {
            return self.followers.iter().position(|follower| follower.run == run);
        }
        if self.followers.len() < FOLLOWERS_MAX {
            return None;
        }
        let most = shares.values().copied().max();
        self.followers.iter().position(|follower| shares.get(follower.run.as_str()).copied() == most)
    }

    fn forget_if_unfollowed(&mut self, uri: &str) -> bool {
        let unfollowed = self.followers.iter().all(|follower| follower.uri != uri);
        if unfollowed {
            self.streams.remove(uri);
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

/// Tells followers, and forgets those who have gone away, for as long as their list is there. One notice at a time is on its way to each.
async fn tell(follows: Weak<Follows>, news: Arc<Notify>) {
    let limit = Duration::from_secs(TELL_SECONDS_MAX);
    let mut on_their_way: JoinSet<u64> = JoinSet::new();
    let mut rounds = interval(Duration::from_secs(FORGET_SECONDS));
    loop {
        let (mut heard, mut is_time_to_forget) = (None, false);
        tokio::select! {
            () = news.notified() => {}
            Some(told) = on_their_way.join_next() => heard = told.ok(),
            _ = rounds.tick() => is_time_to_forget = true,
        }
        let Some(follows) = follows.upgrade() else {
            return;
        };
        if let Some(id) = heard {
            follows.has_heard(id);
        }
        if is_time_to_forget {
            follows.forget_gone();
        }
        for (id, caller, notice) in follows.due() {
            on_their_way.spawn(async move {
                if timeout(limit, caller.tell(notice)).await.is_err() {
                    tracing::debug!("word of a changed resource was dropped: the follower did not take it in time");
                }
                id
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;
    use serde_json::Value as Json;
    use writ_core::definition::Ask;

    use super::*;
    use crate::testing::{Recorder, eventually};

    /// A caller that does not take in what it is told, and may go away.
    #[derive(Default)]
    struct Deaf {
        is_told: AtomicBool,
        is_left: Arc<AtomicBool>,
        is_gone: AtomicBool,
    }

    /// Notes that nobody waits any more.
    struct Left(Arc<AtomicBool>);

    impl Drop for Left {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }

    #[async_trait]
    impl Caller for Deaf {
        fn can_be_asked(&self, _ask: Ask) -> bool {
            false
        }

        fn is_gone(&self) -> bool {
            self.is_gone.load(Ordering::Acquire)
        }

        async fn tell(&self, _notice: Notice) {
            let _left = Left(Arc::clone(&self.is_left));
            self.is_told.store(true, Ordering::Release);
            std::future::pending::<()>().await;
        }

        async fn ask(&self, _ask: Ask, _parameters: Json) -> Result<Json, String> {
            Err("nobody answers".to_owned())
        }
    }

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
    async fn a_run_that_follows_much_makes_room_and_no_other_does() {
        let follows = Arc::new(Follows::default());
        let follow = |run: &str, number: usize| {
            follows.add(&format!("file:///{run}/{number}"), run, Arc::new(Recorder::default()));
        };
        let of = |run: &str| follows.state().followers.iter().filter(|follower| follower.run == run).count();
        follow("modest", 0);
        for number in 0..RUN_FOLLOWERS_MAX + 10 {
            follow("greedy", number);
        }
        assert_eq!((of("greedy"), of("modest")), (RUN_FOLLOWERS_MAX, 1));
        assert!(!follows.followed().contains("file:///greedy/9") && follows.followed().contains("file:///greedy/10"));
        for run in ["r-1", "r-2", "r-3", "r-4"] {
            (0..RUN_FOLLOWERS_MAX).for_each(|number| follow(run, number));
        }
        assert_eq!(follows.followed().len(), FOLLOWERS_MAX);
        assert_eq!(of("modest"), 1, "the ones that follow most make room");
    }

    #[tokio::test]
    async fn a_follower_that_is_slow_holds_up_nobody_else() {
        let follows = Arc::new(Follows::default());
        let (deaf, ada) = (Arc::new(Deaf::default()), Arc::new(Recorder::default()));
        follows.add("file:///a", "r-1", deaf.clone());
        follows.add("file:///a", "r-2", ada.clone());
        for times in 1..=3 {
            follows.changed("file:///a");
            eventually(|| ada.changed().len() == times).await;
        }
        assert!(deaf.is_told.load(Ordering::Acquire));
        assert!(!deaf.is_left.load(Ordering::Acquire), "nobody waited for it to be given up");
    }

    #[tokio::test]
    async fn who_has_gone_away_is_forgotten() {
        let follows = Arc::new(Follows::default());
        let deaf = Arc::new(Deaf::default());
        follows.add("file:///a", "r-1", deaf.clone());
        follows.add("file:///b", "r-2", Arc::new(Recorder::default()));
        follows.forget_gone();
        assert_eq!(follows.followed().len(), 2);
        deaf.is_gone.store(true, Ordering::Release);
        follows.forget_gone();
        assert_eq!(follows.followed(), BTreeSet::from(["file:///b".to_owned()]));
    }
}
