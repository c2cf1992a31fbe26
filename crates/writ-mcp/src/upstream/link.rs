//! One integration's connection through its life: closed, open, broken, opened again.
//!
//! A link opens at the first use and again after it broke. After a failed attempt it waits, longer each time up to a
//! limit, and says so at once to whoever asks meanwhile: nobody's call waits for a server that is down. Many calls
//! share one open connection. A link never makes a call of its own.

use std::time::Duration;

use rmcp::{Peer, RoleClient};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::connection::Connection;
use super::dial::{Running, dial};

/// How many calls one integration works on at a time; more wait their turn.
pub(super) const CALLS_IN_FLIGHT_MAX: usize = 64;
/// How long opening may take. A server of an old protocol may leave the first ten seconds unanswered.
const OPEN_SECONDS_MAX: u64 = 25;
const BACKOFF_MILLISECONDS_MIN: u64 = 250;
const BACKOFF_MILLISECONDS_MAX: u64 = 30_000;

/// One integration's connection.
pub(super) struct Link {
    connection: Connection,
    answer_within: Duration,
    state: Mutex<State>,
    in_flight: Semaphore,
}

#[derive(Default)]
struct State {
    live: Option<Running>,
    /// Tells one opening from the next, so that a late complaint does not close a newer connection.
    opening: u64,
    failures: u32,
    trouble: Option<Trouble>,
}

struct Trouble {
    until: Instant,
    why: String,
}

/// A connection to send on.
pub(super) struct Open {
    pub(super) peer: Peer<RoleClient>,
    opening: u64,
}

impl Link {
    pub(super) fn new(connection: Connection, answer_within: Duration) -> Self {
        Self {
            connection,
            answer_within,
            state: Mutex::new(State::default()),
            in_flight: Semaphore::new(CALLS_IN_FLIGHT_MAX),
        }
    }

    /// How long a call may take here.
    pub(super) fn answer_within(&self) -> Duration {
        self.answer_within
    }

    /// A turn to make a call, or nothing where none came free in time.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout(self.answer_within, self.in_flight.acquire()).await.ok()?.ok()
    }

    /// The open connection; opens it where there is none.
    pub(super) async fn open(&self) -> Result<Open, String> {
        let mut state = self.state.lock().await;
        if let Some(live) = &state.live
            && !live.is_transport_closed()
        {
            return Ok(Open { peer: live.peer().clone(), opening: state.opening });
        }
        state.live = None;
        if let Some(trouble) = state.trouble.as_ref().filter(|trouble| Instant::now() < trouble.until) {
            return Err(format!("{} (not tried again yet)", trouble.why));
        }
        let limit = Duration::from_secs(OPEN_SECONDS_MAX);
        let dialled = tokio::time::timeout(limit, dial(&self.connection))
            .await
            .unwrap_or_else(|_| Err(format!("it did not introduce itself within {OPEN_SECONDS_MAX} s")));
        match dialled {
            Ok(live) => {
                let opening = state.opening.wrapping_add(1);
                let peer = live.peer().clone();
                *state = State { live: Some(live), opening, failures: 0, trouble: None };
                Ok(Open { peer, opening })
            }
            Err(why) => {
                let until = Instant::now().checked_add(backoff(state.failures));
                state.failures = state.failures.saturating_add(1);
                state.trouble = until.map(|until| Trouble { until, why: why.clone() });
                tracing::warn!(integration = self.connection.name, why, "an integration cannot be reached");
                Err(why)
            }
        }
    }

    /// Closes the connection that was given out as `open`, so that the next call opens a new one.
    pub(super) async fn close(&self, open: &Open) {
        let mut state = self.state.lock().await;
        if state.opening == open.opening {
            state.live = None;
        }
    }
}

fn backoff(failures: u32) -> Duration {
    let factor = 1_u64.checked_shl(failures).unwrap_or(u64::MAX);
    Duration::from_millis(BACKOFF_MILLISECONDS_MIN.saturating_mul(factor).min(BACKOFF_MILLISECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::{BACKOFF_MILLISECONDS_MAX, BACKOFF_MILLISECONDS_MIN, backoff};

    #[test]
    fn waiting_doubles_up_to_a_limit() {
        let waits: Vec<u128> = [0, 1, 2, 6, 7, 63, 64, u32::MAX].map(|n| backoff(n).as_millis()).to_vec();
        let most = u128::from(BACKOFF_MILLISECONDS_MAX);
        assert_eq!(waits[0], u128::from(BACKOFF_MILLISECONDS_MIN));
        assert_eq!(waits, [250, 500, 1_000, 16_000, most, most, most, most]);
    }
}
