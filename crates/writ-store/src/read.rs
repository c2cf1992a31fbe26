//! What is read back: runs, decisions, and the events of a run.

use std::sync::{Arc, PoisonError};

use serde::de::DeserializeOwned;
use writ_core::decision::Decision;
use writ_core::event::{Milliseconds, Recorded};
use writ_core::run::Run;

use crate::backend::Entry;
use crate::open::Store;

/// Why something cannot be read back. Nobody decides anything on such an error but to refuse.
#[derive(Debug, thiserror::Error)]
#[error("the store cannot be read: {0}")]
pub struct ReadError(pub String);

pub(crate) fn failed(error: impl std::fmt::Display) -> ReadError {
    ReadError(error.to_string())
}

impl Store {
    /// A run's present state.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn run(&self, id: &str) -> Result<Option<Arc<Run>>, ReadError> {
        if let Some(run) = self.shared.runs.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(run.clone()));
        }
        one(self.reads.run(id)?)
    }

    /// A decision's present state.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn decision(&self, id: &str) -> Result<Option<Arc<Decision>>, ReadError> {
        if let Some(decision) = self.shared.decisions.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(decision.clone()));
        }
        one(self.reads.decision(id)?)
    }

    /// When the event of a sequence number was recorded.
    #[must_use]
    pub fn recorded_at(&self, seq: u64) -> Option<Milliseconds> {
        let seq = i64::try_from(seq).ok()?;
        self.reads.recorded_at(seq).ok().flatten()
    }

    /// All decisions that are not final, from memory.
    #[must_use]
    pub fn open_decisions(&self) -> Vec<Arc<Decision>> {
        self.shared.decisions.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// All runs that are open, from memory.
    #[must_use]
    pub fn open_runs(&self) -> Vec<Arc<Run>> {
        self.shared.runs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A page of decisions, newest first: those that are final, those that are not, or all; `before` is the last
    /// decision of the page before.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn decisions(
        &self,
        is_final: Option<bool>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Arc<Decision>>, ReadError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        many(self.reads.decisions(is_final, before, limit)?)
    }

    /// The latest runs, newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn runs(&self, limit: usize) -> Result<Vec<Arc<Run>>, ReadError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        many(self.reads.runs(limit)?)
    }

    /// A run's events from a sequence number on, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn rail(&self, run: &str, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let (from, limit) = (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
        self.reads.rail(run, from, limit)?.iter().map(Entry::recorded).collect()
    }

    /// The last epoch's event, if there is one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn last_epoch(&self) -> Result<Option<Recorded>, ReadError> {
        self.reads.last_epoch()?.as_ref().map(Entry::recorded).transpose()
    }

    /// The decision that holds an effect key.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn effect_key_holder(&self, key: &str) -> Result<Option<String>, ReadError> {
        self.reads.effect_key(key)
    }
}

pub(crate) fn one<T: DeserializeOwned>(text: Option<String>) -> Result<Option<Arc<T>>, ReadError> {
    text.map(|text| serde_json::from_str(&text).map(Arc::new).map_err(failed)).transpose()
}

fn many<T: DeserializeOwned>(texts: Vec<String>) -> Result<Vec<Arc<T>>, ReadError> {
    texts.iter().map(|text| serde_json::from_str(text).map(Arc::new).map_err(failed)).collect()
}
