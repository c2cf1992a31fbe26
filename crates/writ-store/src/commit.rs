//! What can be asked of the writer, and what it answers.

use std::sync::Arc;

use writ_core::decision::{Decision, IllegalDecision};
use writ_core::event::{Event, Milliseconds};
use writ_core::run::{IllegalRun, Run};

/// Events to record together, or not at all.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The run that they belong to.
    pub run: Option<String>,
    /// When they happened.
    pub at: Milliseconds,
    /// The events, in order; at least one.
    pub events: Vec<Event>,
}

/// Proof that events are durable. Only the writer makes one, after the sync.
#[derive(Debug)]
pub struct Durable {
    pub(crate) first: u64,
    pub(crate) run: Option<Arc<Run>>,
    pub(crate) decision: Option<Arc<Decision>>,
}

impl Durable {
    /// The sequence number of the first event.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The run after the events.
    #[must_use]
    pub fn run(&self) -> Option<&Arc<Run>> {
        self.run.as_ref()
    }

    /// The decision that the last of the events is about, after them.
    #[must_use]
    pub fn decision(&self) -> Option<&Arc<Decision>> {
        self.decision.as_ref()
    }
}

/// Why nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The run's state machine refused.
    #[error("{0}")]
    Run(IllegalRun),
    /// The decision's state machine refused.
    #[error("{0}")]
    Decision(IllegalDecision),
    /// The effect key is held by another decision, in this run or another.
    #[error("effect key `{key}` is held by decision `{decision}`")]
    EffectKeyTaken {
        /// The key.
        key: String,
        /// Its holder.
        decision: String,
    },
    /// There is no such run.
    #[error("there is no run `{0}`")]
    UnknownRun(String),
    /// There is no such decision.
    #[error("there is no decision `{0}`")]
    UnknownDecision(String),
    /// An id that is in use already.
    #[error("`{0}` exists already")]
    Exists(String),
    /// An event is larger than the trail takes.
    #[error("an event of {bytes} bytes is too large; {bytes_max} fit")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        bytes_max: usize,
    },
    /// Too much is waiting to be written; nothing was taken on.
    #[error("too many writes are waiting")]
    Busy,
    /// The database cannot be reached at present. Nothing was recorded; once it is back, requests are taken again.
    #[error("the store cannot be reached at present, and nothing was recorded: {0}")]
    Unavailable(String),
    /// The database was lost in the middle of a record and has been away for long since. Whether the present request was
    /// recorded is found out once it is back, before anything else is.
    #[error("the store was lost in the middle of a record, and nobody knows yet whether it was made: {0}")]
    InDoubt(String),
    /// A write failed, now or earlier. Nothing is accepted any more; whether the present request was recorded is
    /// not known.
    #[error("the store has stopped after a failed write: {0}")]
    Stopped(String),
}
