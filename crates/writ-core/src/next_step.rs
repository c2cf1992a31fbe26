//! What is to be done with a decision next, by whoever carries decisions out.
//!
//! The answer needs the decision, the time, how often an effect is sent at most and whether its run is open, and
//! nothing else, so that a server which looks around and a model which looks at every state ask the same question. It
//! grants nothing: what follows from it is recorded only where [`Decision::apply`] takes it.

use crate::decision::{Decision, DecisionStatus};
use crate::event::Milliseconds;

/// What is to be done with a decision next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Nothing: it is open to votes, on its way, or over.
    Nothing,
    /// To record that its time was up before it was sent.
    Expire,
    /// To look again at everything that the approval rests on, and then to send the effect.
    Send,
    /// To send the same effect again under the same key: it may have happened, and the integration will know.
    SendAgain,
    /// To withdraw it: it was certainly never sent, after as many attempts as there are.
    TakeBack,
    /// Only a person can say what became of it.
    AskPerson,
}

impl Decision {
    /// What is to be done next, at this time, where an effect is sent at most `attempts_max` times. Whether the run is
    /// open is asked only where it matters.
    #[must_use]
    pub fn next_step(&self, now: Milliseconds, attempts_max: u32, run_is_open: impl FnOnce() -> bool) -> NextStep {
        let attempts_are_left = self.attempts < attempts_max;
        match self.status {
            DecisionStatus::Pending | DecisionStatus::Approved if now >= self.proposal.expires_at => NextStep::Expire,
            DecisionStatus::Approved if attempts_are_left => NextStep::Send,
            DecisionStatus::Approved => NextStep::TakeBack,
            DecisionStatus::Unknown if attempts_are_left && self.may_resend() && run_is_open() => NextStep::SendAgain,
            DecisionStatus::Unknown => NextStep::AskPerson,
            _ => NextStep::Nothing,
        }
    }
}
