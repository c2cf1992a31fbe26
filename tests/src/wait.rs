//! Waiting for something to be so, instead of for time to pass.

use std::time::{Duration, Instant};

const WAIT_SECONDS_MAX: u64 = 60;
const PAUSE_MILLISECONDS: u64 = 10;

/// Asks again and again until there is an answer, and gives it. `what` says what was waited for, where it never comes.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(WAIT_SECONDS_MAX), "not within {WAIT_SECONDS_MAX} s: {what}");
        pause(PAUSE_MILLISECONDS).await;
    }
}

/// Lets this many milliseconds pass, where chance decides when something is to happen.
pub async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
