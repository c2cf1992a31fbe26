//! A breaker for a server that takes calls and does not answer them.
//!
//! After a few misses in a row nothing is sent for a while, longer each time up to a limit, and whoever asks
//! meanwhile is told at once. Then one call is let through: its answer closes the breaker, its miss opens it again.
//! An error is an answer. What was never sent, for want of a turn or a link, says nothing about the server.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many calls in a row may go without an answer.
const MISSES_MAX: u32 = 5;
const BACKOFF_MILLISECONDS_MIN: u64 = 250;
const BACKOFF_MILLISECONDS_MAX: u64 = 30_000;

/// One link's breaker.
#[derive(Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    misses: u32,
    /// How often in a row it has opened.
    openings: u32,
    /// Until when nothing is sent, once it has opened.
    until: Option<Instant>,
    /// Whether the one call that tries the server again is under way.
    trying: bool,
    why: String,
}

/// Leave for one call. Dropped without a word it says nothing about the server.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    tries_again: bool,
}

impl Breaker {
    /// Lets a call through, or says why not.
    pub(super) fn admit(&self, now: Instant) -> Result<Pass<'_>, String> {
        let mut state = self.lock();
        let tries_again = match state.until {
            None => false,
            Some(_) if state.trying => return Err(format!("{} (it is being tried again)", state.why)),
            Some(until) if now < until => return Err(format!("{} (not tried again yet)", state.why)),
            Some(_) => true,
        };
        state.trying = tries_again;
        Ok(Pass { breaker: self, tries_again })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The server answered.
    pub(super) fn answered(mut self) {
        self.tries_again = false;
        *self.breaker.lock() = State::default();
    }

    /// The server could not be reached, or did not answer.
    pub(super) fn missed(mut self, why: &str, now: Instant) {
        let mut state = self.breaker.lock();
        state.misses = state.misses.saturating_add(1);
        if self.tries_again || state.misses >= MISSES_MAX {
            state.until = now.checked_add(backoff(state.openings));
            state.openings = state.openings.saturating_add(1);
            state.misses = 0;
            state.why = format!("it has not answered the last calls: {why}");
        }
        if self.tries_again {
            state.trying = false;
        }
        drop(state);
        self.tries_again = false;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.tries_again {
            self.breaker.lock().trying = false;
        }
    }
}

/// How long to wait after so many failures before.
pub(super) fn backoff(failures: u32) -> Duration {
    let factor = 1_u64.checked_shl(failures).unwrap_or(u64::MAX);
    Duration::from_millis(BACKOFF_MILLISECONDS_MIN.saturating_mul(factor).min(BACKOFF_MILLISECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_a_limit() {
        let waits: Vec<u128> = [0, 1, 2, 6, 7, 63, 64, u32::MAX].map(|n| backoff(n).as_millis()).to_vec();
        let most = u128::from(BACKOFF_MILLISECONDS_MAX);
        assert_eq!(waits[0], u128::from(BACKOFF_MILLISECONDS_MIN));
        assert_eq!(waits, [250, 500, 1_000, 16_000, most, most, most, most]);
    }

    fn miss(breaker: &Breaker, now: Instant) {
        breaker.admit(now).unwrap().missed("no answer came", now);
    }

    fn refusal(breaker: &Breaker, now: Instant) -> String {
        match breaker.admit(now) {
            Ok(_) => panic!("a call was let through"),
            Err(why) => why,
        }
    }

    #[test]
    fn it_opens_after_misses_in_a_row_and_lets_one_call_try_again() {
        let mut now = Instant::now();
        let breaker = Breaker::default();
        for _ in 1..MISSES_MAX {
            miss(&breaker, now);
        }
        breaker.admit(now).unwrap().answered();
        for _ in 1..MISSES_MAX {
            miss(&breaker, now);
        }
        assert!(breaker.admit(now).is_ok(), "an answer starts the count again");
        miss(&breaker, now);
        assert!(refusal(&breaker, now).contains("not tried again yet"));

        now += backoff(0);
        let first = breaker.admit(now).unwrap();
        assert!(refusal(&breaker, now).contains("being tried again"));
        first.missed("no answer came", now);
        now += backoff(0);
        assert!(refusal(&breaker, now).contains("not tried again yet"), "it waits longer the second time");
        now += backoff(0);
        drop(breaker.admit(now).unwrap());
        breaker.admit(now).unwrap().answered();
        let both = (breaker.admit(now), breaker.admit(now));
        assert!(both.0.is_ok() && both.1.is_ok());
    }
}
