//! How long the database has been away, and when it is tried again.

use std::time::{Duration, Instant};

/// The pause before the first try, doubled up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long somebody waits for the answer to a request that was on its way when the database was lost.
const IN_DOUBT: Duration = Duration::from_secs(30);

/// A database that is away. It reads no clock: the writer tells the time.
#[derive(Debug)]
pub(crate) struct Lost {
    since: Instant,
    tried: Instant,
    pause: Duration,
}

impl Lost {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, tried: now, pause: PAUSE }
    }

    /// How long until it is to be tried again.
    pub(crate) fn until_next_try(&self, now: Instant) -> Duration {
        self.pause.saturating_sub(now.saturating_duration_since(self.tried))
    }

    /// A try was in vain. Tells whether those who wait for an answer have waited long enough.
    pub(crate) fn tried(&mut self, now: Instant) -> bool {
        self.tried = now;
        self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
        now.saturating_duration_since(self.since) >= IN_DOUBT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_waiting_ends() {
        let start = Instant::now();
        let mut lost = Lost::new(start);
        assert_eq!(lost.until_next_try(start), PAUSE);
        assert_eq!(lost.until_next_try(start + PAUSE), Duration::ZERO);
        let mut now = start;
        for _ in 0..10 {
            now += Duration::from_secs(1);
            assert!(!lost.tried(now));
        }
        assert_eq!(lost.until_next_try(now), PAUSE_MAX);
        assert!(lost.tried(start + IN_DOUBT));
    }
}
