//! What a server has acknowledged: answers that came back whole, written down the moment they came.

use std::sync::{Mutex, PoisonError};

/// A read that was answered.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) run: String,
    pub(super) statement: String,
}

/// A proposal that was answered with its decision.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    pub(super) run: String,
    pub(super) body: String,
    pub(super) decision: String,
}

/// A vote that was counted.
#[derive(Debug, Clone)]
pub(super) struct Vote {
    pub(super) decision: String,
    pub(super) approve: bool,
}

/// Everything that was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    pub(super) reads: Notes<Read>,
    pub(super) proposals: Notes<Proposal>,
    pub(super) votes: Notes<Vote>,
}

/// Notes that several hands take at once.
#[derive(Debug)]
pub(super) struct Notes<T>(Mutex<Vec<T>>);

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Notes<T> {
    pub(super) fn take(&self, note: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    pub(super) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Acknowledged {
    /// How much was acknowledged so far.
    pub(super) fn count(&self) -> usize {
        self.reads.count() + self.proposals.count() + self.votes.count()
    }
}
