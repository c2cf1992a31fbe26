//! How many calls an integration gets in a minute: a bucket of calls that fills again evenly.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

const SECONDS_PER_MINUTE: f64 = 60.0;

/// One integration's bucket.
pub(super) struct Rate {
    calls_per_minute: f64,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    calls: f64,
    filled_at: Instant,
}

impl Rate {
    /// A full bucket.
    pub(super) fn new(calls_per_minute: u32, now: Instant) -> Self {
        let calls = f64::from(calls_per_minute);
        Self { calls_per_minute: calls, bucket: Mutex::new(Bucket { calls, filled_at: now }) }
    }

    /// Takes one call out of the bucket; whether there was one.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(bucket.filled_at).as_secs_f64();
        let filled = bucket.calls + passed * self.calls_per_minute / SECONDS_PER_MINUTE;
        bucket.calls = filled.min(self.calls_per_minute);
        bucket.filled_at = now;
        let enough = bucket.calls >= 1.0;
        if enough {
            bucket.calls -= 1.0;
        }
        enough
    }

    /// Puts a call back that was not made.
    pub(super) fn give_back(&self) {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.calls = (bucket.calls + 1.0).min(self.calls_per_minute);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again_up_to_its_size() {
        let start = Instant::now();
        let rate = Rate::new(2, start);
        assert!(rate.take(start) && rate.take(start) && !rate.take(start));
        let later = start + Duration::from_secs(31);
        assert!(rate.take(later) && !rate.take(later));
        let much_later = later + Duration::from_secs(600);
        assert!(rate.take(much_later) && rate.take(much_later) && !rate.take(much_later));
        rate.give_back();
        assert!(rate.take(much_later) && !rate.take(much_later));
        assert!(!Rate::new(0, start).take(start));
    }
}
