//! What the harness wrote down while it played: what was acknowledged to whom, and what was wrong at first sight.
//!
//! Something is acknowledged from the moment at which its answer has come back whole. Whatever got no answer is not in
//! here, whether or not it happened.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

/// Something that a voter or a worker was told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Acknowledged {
    /// A run has started.
    Run { run: String },
    /// A read was answered.
    Look { run: String, note: String },
    /// A proposal waits.
    Proposal { run: String, decision: String, action: String, arguments: Map<String, Value> },
    /// A vote was counted.
    Vote { decision: String, by: String, digest: String, approve: bool },
    /// An unknown outcome was settled.
    Settlement { decision: String, by: String, succeeded: bool },
    /// A run was stopped.
    Stop { run: String },
    /// A worker was told how its effect ended.
    Outcome { decision: String, succeeded: bool },
}

/// Something that must never be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// The decision that it is about, if it is about one.
    pub(super) decision: Option<String>,
    pub(super) what: String,
}

impl Broken {
    pub(super) fn of(decision: &str, what: impl Into<String>) -> Self {
        Self { decision: Some(decision.to_owned()), what: what.into() }
    }

    pub(super) fn anywhere(what: impl Into<String>) -> Self {
        Self { decision: None, what: what.into() }
    }
}

/// What is written down in a round.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    acknowledged: Vec<Acknowledged>,
    /// In which step each decision was proposed.
    steps: BTreeMap<String, String>,
    /// What was wrong, and in which step.
    broken: Vec<(String, Broken)>,
    faults: u64,
    kills: u64,
}

impl Notes {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn acknowledge(&self, what: Acknowledged) {
        self.pages().acknowledged.push(what);
    }

    pub(super) fn acknowledged(&self) -> Vec<Acknowledged> {
        self.pages().acknowledged.clone()
    }

    /// Notes in which step a decision was proposed.
    pub(super) fn proposed_in(&self, decision: &str, step: &str) {
        self.pages().steps.entry(decision.to_owned()).or_insert_with(|| step.to_owned());
    }

    /// In which step a decision was proposed.
    pub(super) fn step_of(&self, decision: &str) -> Option<String> {
        self.pages().steps.get(decision).cloned()
    }

    /// Notes what is wrong at first sight.
    pub(super) fn is_broken(&self, step: &str, broken: Broken) {
        self.pages().broken.push((step.to_owned(), broken));
    }

    pub(super) fn broken(&self) -> Vec<(String, Broken)> {
        self.pages().broken.clone()
    }

    /// Counts a fault.
    pub(super) fn fault(&self) {
        self.pages().faults += 1;
    }

    /// Counts a process that was killed.
    pub(super) fn kill(&self) {
        let mut pages = self.pages();
        pages.faults += 1;
        pages.kills += 1;
    }

    /// How many faults there were, and how many of them were kills.
    pub(super) fn faults(&self) -> (u64, u64) {
        let pages = self.pages();
        (pages.faults, pages.kills)
    }
}
