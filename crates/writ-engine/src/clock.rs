//! The one clock. Everything in the engine that needs the time asks here, so that a test can hold it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use writ_core::event::Milliseconds;

/// Tells the time in milliseconds since 1970-01-01T00:00:00Z. It never goes backwards within one process.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    latest: Arc<AtomicI64>,
    held: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// A clock that stands still until it is moved, for tests.
    #[must_use]
    pub fn held_at(now: Milliseconds) -> (Self, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(now));
        (Self { latest: Arc::default(), held: Some(hand.clone()) }, hand)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Milliseconds {
        let now = match &self.held {
            Some(hand) => hand.load(Ordering::Relaxed),
            None => system_now(),
        };
        // A clock that jumps back must not make what has expired valid again.
        self.latest.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
fn system_now() -> Milliseconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
