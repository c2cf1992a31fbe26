//! What somebody who sees everything has seen, and no state machine: what the promises are held against.

use std::collections::BTreeSet;

use writ_core::decision::{Decision, DecisionStatus};
use writ_core::digest::Digest;
use writ_core::event::Milliseconds;
use writ_core::run::Run;

/// What has been seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Witness {
    /// The votes of which people were told that they count, as those people meant them.
    pub(crate) acknowledged: BTreeSet<Ballot>,
    /// The wrongs seen so far.
    pub(crate) wrongs: BTreeSet<Wrong>,
}

/// One person's vote, as that person meant it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ballot {
    pub(crate) decision: usize,
    pub(crate) by: &'static str,
    /// The digest of what they were shown.
    pub(crate) digest: Digest,
    pub(crate) approve: bool,
}

/// What is seen at the moment alone, and not by looking at a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Wrong {
    /// Something was sent whose intent was not in the log.
    SentUnrecorded,
    /// An intent was recorded for a run that had ended.
    BegunAfterTheEnd,
    /// A first intent was recorded after the decision's time.
    BegunTooLate,
    /// A first intent was recorded under another policy than the one that people approved under.
    BegunUnderAnotherPolicy,
}

impl Witness {
    /// Looks at an intent that has just been recorded: at what was so before it. What may have happened already is no
    /// new effect, so that neither time nor policy is asked again.
    pub(crate) fn judge(&mut self, before: &Decision, run: &Run, now: Milliseconds, same_policy: bool) {
        let first = before.status != DecisionStatus::Unknown;
        let wrongs = [
            (!run.status.is_open(), Wrong::BegunAfterTheEnd),
            (first && now >= before.proposal.expires_at, Wrong::BegunTooLate),
            (first && !same_policy, Wrong::BegunUnderAnotherPolicy),
        ];
        self.wrongs.extend(wrongs.into_iter().filter(|(is_so, _)| *is_so).map(|(_, wrong)| wrong));
    }
}
