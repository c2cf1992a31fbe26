//! One person's place among the tokens of an integration, or Writ's own.
//!
//! Whoever has or renews a token holds the place meanwhile. What is kept here is in memory alone.

use std::collections::BTreeSet;

use writ_core::event::Milliseconds;

use super::discovery::Challenge;
use super::exchange::Granted;
use crate::Secret;

/// How long before its end a token is renewed, at most; a short-lived one at half its life.
const RENEW_MILLISECONDS_BEFORE: Milliseconds = 30_000;
/// How often a token that reaches further is asked for within an hour, over all connections.
const STEP_UPS_MAX: usize = 3;
const HOUR_MILLISECONDS: Milliseconds = 3_600_000;

/// One person's place, or Writ's own.
#[derive(Default)]
pub(super) struct Holder {
    token: Option<Held>,
    /// What the integration said last to a request that it did not carry out.
    pub(super) challenge: Option<Challenge>,
    /// The scopes that were asked for or granted. More of the same is not asked for.
    pub(super) tried: BTreeSet<String>,
    /// The integration refuses what the person has linked, and it cannot be renewed.
    pub(super) stale: bool,
    step_ups: Vec<Milliseconds>,
}

struct Held {
    token: Secret,
    renew_at: Milliseconds,
}

impl Holder {
    /// The person has just linked, having asked for these scopes. How often more was asked for is not forgotten.
    pub(super) fn linked(&mut self, scopes: Vec<String>) {
        let step_ups = std::mem::take(&mut self.step_ups);
        *self = Self { tried: scopes.into_iter().collect(), step_ups, ..Self::default() };
    }

    /// The token, while it is good.
    pub(super) fn fresh(&self, now: Milliseconds) -> Option<Secret> {
        self.token.as_ref().filter(|held| now < held.renew_at).map(|held| held.token.clone())
    }

    /// Keeps a token until it is time to renew it.
    pub(super) fn keep(&mut self, granted: Granted, received: Milliseconds) -> Secret {
        let lifetime = granted.expires_in_seconds.and_then(|seconds| i64::try_from(seconds).ok());
        let renew_at = lifetime.map_or(Milliseconds::MAX, |seconds| {
            let lifetime = seconds.saturating_mul(1000);
            received.saturating_add(lifetime).saturating_sub(RENEW_MILLISECONDS_BEFORE.min(lifetime / 2))
        });
        self.tried.extend(granted.scopes.unwrap_or_default());
        self.stale = false;
        self.token = Some(Held { token: granted.token.clone(), renew_at });
        granted.token
    }

    /// Counts a step towards a token that reaches further. Says whether it is still one of the few that are taken.
    pub(super) fn step_up(&mut self, now: Milliseconds) -> bool {
        self.step_ups.retain(|at| now < at.saturating_add(HOUR_MILLISECONDS));
        if self.step_ups.len() >= STEP_UPS_MAX {
            return false;
        }
        self.step_ups.push(now);
        true
    }

    /// Forgets a token that is not to be used any more.
    pub(super) fn drop_token(&mut self) {
        self.token = None;
    }
}

/// What a request needs.
pub(super) enum Demand {
    /// A token.
    Any,
    /// Another one than this, which was refused.
    Other { sent: Secret, challenge: Option<Challenge> },
    /// One that reaches further than this.
    More { sent: Secret, challenge: Challenge },
}

#[cfg(test)]
mod tests {
    use super::Holder;
    use crate::Secret;
    use crate::credential::exchange::Granted;

    fn granted(expires_in_seconds: Option<u64>) -> Granted {
        Granted { token: Secret::new("t"), expires_in_seconds, scopes: None }
    }

    #[test]
    fn a_token_is_renewed_a_little_before_its_end() {
        for (lifetime, last) in [(Some(3600), 3_570_000), (Some(10), 5_000), (Some(0), 0), (None, i64::MAX)] {
            let mut holder = Holder::default();
            holder.keep(granted(lifetime), 0);
            assert!(last == 0 || holder.fresh(last - 1).is_some(), "{lifetime:?}");
            assert!(holder.fresh(last).is_none(), "{lifetime:?}");
        }
        let mut holder = Holder::default();
        holder.keep(granted(Some(u64::MAX)), 0);
        assert!(holder.fresh(1).is_some());
    }
}
