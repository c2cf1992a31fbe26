//! What the writer shows to everybody else: open runs and decisions, the log's length, and whether anything is taken.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use writ_core::decision::Decision;
use writ_core::run::Run;

use crate::commit::CommitError;
use crate::projection::Projections;

/// What readers see without asking the database.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) runs: RwLock<HashMap<String, Arc<Run>>>,
    pub(crate) decisions: RwLock<HashMap<String, Arc<Decision>>>,
    pub(crate) leaves: watch::Sender<u64>,
    pub(crate) checkpoint: RwLock<String>,
    pub(crate) stopped: RwLock<Option<String>>,
    /// Why nothing is taken at present, while the database is away.
    pub(crate) unavailable: RwLock<Option<String>>,
}

/// Ends with the writer. Whoever comes later is told, also where the writer ended in disorder.
#[derive(Debug)]
pub(crate) struct Ending(pub(crate) Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut stopped = self.0.stopped.write().unwrap_or_else(PoisonError::into_inner);
        stopped.get_or_insert_with(|| "the writer has ended".to_owned());
    }
}

impl Shared {
    pub(crate) fn publish_runs(&self, staged: &Projections) {
        for (id, run) in &staged.runs {
            self.publish_run(id, run);
        }
    }

    /// Shows a run's state, unless a later one is to be seen already.
    pub(crate) fn publish_run(&self, id: &str, run: &Arc<Run>) {
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        if runs.get(id).is_some_and(|shown| shown.version > run.version) {
            return;
        }
        if run.status.is_open() || !run.open_decisions.is_empty() {
            match runs.get_mut(id) {
                Some(shown) => shown.clone_from(run),
                None => _ = runs.insert(id.to_owned(), run.clone()),
            }
        } else {
            runs.remove(id);
        }
    }

    pub(crate) fn stopped(&self) -> Option<String> {
        self.stopped.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn unavailable(&self) -> Option<String> {
        self.unavailable.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why a request is not taken on now, if so.
    pub(crate) fn refusal(&self) -> Option<CommitError> {
        self.stopped().map(CommitError::Stopped).or_else(|| self.unavailable().map(CommitError::Unavailable))
    }
}
