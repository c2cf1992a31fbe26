//! The only place of this crate that looks at a clock: how long a step took, and when a limit is reached.
//!
//! It relies on the operating system's monotonic clock. It never tells the time of day, and no result of a
//! query depends on it, but for the refusal that a time limit causes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Now, on the monotonic clock.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// When a scan must give up: at a deadline, or once nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct Stop {
    deadline: Option<Instant>,
    cancelled: AtomicBool,
}

impl Stop {
    /// A stop that is reached after `limit`; never by itself where the clock cannot count that far.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { deadline: now().checked_add(limit), cancelled: AtomicBool::new(false) }
    }

    /// Reaches the stop now.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether work must end.
    pub(crate) fn is_reached(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| now() >= deadline)
    }
}
