//! Where events get their place in the log, before they are written.
//!
//! What is found legal is staged in a group, under the sequence numbers that it will have. The writer takes the group out
//! and writes it whole. A record that nobody waits to see synced is staged by whoever brings it.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use writ_core::decision::Decision;
use writ_core::event::{Event, Recorded};
use writ_core::run::Run;
use writ_trail::commitment::commit as commitment;
use writ_trail::hash::leaf_hash;

use crate::backend::Row;
use crate::commit::{Commit, CommitError};
use crate::links::{Body, Links};
use crate::projection::{Lookup, Projections};
use crate::shown::Shared;
use crate::writer::{Answer, Reply};

/// How long a record whose asker does not wait for the sync may be without one.
const BUFFERED_MILLISECONDS_MAX: u64 = 50;
/// How many such records may be without a sync.
const BUFFERED_ROWS_MAX: usize = 4096;

/// Where events get their place in the log: by the writer, and for records that nobody waits to see synced also by
/// whoever brings them. Sequence numbers are given under its lock, in the order in which the events will be written.
#[derive(Default)]
pub(crate) struct Front {
    pub(crate) group: Group,
    /// The sequence number of the first row of the group: what is before it has been written, or is being written.
    first: u64,
    /// Runs with events that are being written and that nobody may see before they are on disk.
    pub(crate) busy: HashSet<String>,
}

/// What has been found legal since the last sync, and who waits for the next one.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) staged: Projections,
    pub(crate) rows: Vec<Row>,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) refused: Vec<(Reply, CommitError)>,
    /// When the oldest of the rows came that nobody waits for.
    pub(crate) since: Option<Instant>,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("first", &self.first).finish_non_exhaustive()
    }
}

impl Front {
    /// The front of a log of so many leaves.
    pub(crate) fn new(leaves: u64) -> Self {
        Self { first: leaves, ..Self::default() }
    }

    /// Puts one request to the state machines, on top of what the group has staged so far.
    pub(crate) fn stage(
        &mut self,
        commit: Commit,
        beneath: &mut impl Lookup,
    ) -> Result<(u64, Option<String>, Option<String>), CommitError> {
        let Group { staged, rows, .. } = &mut self.group;
        let first = self.first.saturating_add(rows.len() as u64);
        let decision = commit.events.iter().rev().find_map(|event| event.decision().map(str::to_owned));
        let mut own = Projections::default();
        let mut own_rows = Vec::with_capacity(commit.events.len());
        for (offset, event) in commit.events.into_iter().enumerate() {
            let seq = first.saturating_add(offset as u64);
            let recorded = Recorded { seq, at: commit.at, run: commit.run.clone(), event };
            let links = own.links(&recorded, &mut Staged { staged, beneath })?;
            own.apply(&recorded, &mut Staged { staged, beneath })?;
            own_rows.push(row(recorded, links)?);
        }
        staged.absorb(own);
        rows.append(&mut own_rows);
        Ok((first, commit.run, decision))
    }

    /// Gives reads of a run their place in the log at once, where everything that they rest on is in memory and on
    /// disk or as little awaited as they are. Otherwise the commit comes back, for the writer. With the place comes
    /// whether the writer has to be told that there is something to sync.
    ///
    /// # Errors
    /// As [`crate::Store::commit_buffered`].
    pub(crate) fn place(&mut self, commit: Commit, shared: &Shared) -> Result<Result<bool, Commit>, CommitError> {
        if let Some(refusal) = shared.refusal() {
            return Err(refusal);
        }
        let are_reads = commit.events.iter().all(|event| matches!(event, Event::ToolRead { .. }));
        let Some(id) = commit.run.clone().filter(|_| are_reads) else { return Ok(Err(commit)) };
        if self.busy.contains(&id) || self.group.rows.len() >= BUFFERED_ROWS_MAX {
            return Ok(Err(commit));
        }
        let mut memory = Memory(shared);
        if !self.group.staged.runs.contains_key(&id) && memory.run(&id)?.is_none() {
            return Ok(Err(commit));
        }
        self.stage(commit, &mut memory)?;
        if let Some(run) = self.group.staged.runs.get(&id) {
            shared.publish_run(&id, run);
        }
        let is_first = self.group.since.is_none();
        self.group.since.get_or_insert_with(Instant::now);
        Ok(Ok(is_first || self.group.rows.len() >= BUFFERED_ROWS_MAX))
    }

    /// How long what nobody waits for may still be without a sync.
    pub(crate) fn until_synced(&self) -> Option<Duration> {
        let since = self.group.since?;
        if self.group.rows.len() >= BUFFERED_ROWS_MAX {
            return Some(Duration::ZERO);
        }
        Some(Duration::from_millis(BUFFERED_MILLISECONDS_MAX).saturating_sub(since.elapsed()))
    }

    /// Takes the group out to be written.
    pub(crate) fn leave(&mut self) -> Group {
        let group = std::mem::take(&mut self.group);
        self.first = self.first.saturating_add(group.rows.len() as u64);
        self.busy = group.accepted.iter().filter_map(|accepted| accepted.run.clone()).collect();
        group
    }
}

/// One request that was found legal: its events as rows, and whom to tell.
pub(crate) struct Accepted {
    pub(crate) first: u64,
    pub(crate) run: Option<String>,
    pub(crate) decision: Option<String>,
    pub(crate) answer: oneshot::Sender<Answer>,
}

fn row(recorded: Recorded, links: Links) -> Result<Row, CommitError> {
    let broken = |why: String| CommitError::Stopped(why);
    let body = serde_json::to_vec(&Body { recorded: &recorded, links }).map_err(|error| broken(error.to_string()))?;
    if body.len() > writ_trail::leaf::BODY_BYTES_MAX {
        return Err(CommitError::TooLarge { bytes: body.len(), bytes_max: writ_trail::leaf::BODY_BYTES_MAX });
    }
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|error| broken(error.to_string()))?;
    let leaf = leaf_hash(&commitment(&salt, &body));
    Ok(Row { recorded, body, salt, leaf })
}

/// What earlier requests of the same group have changed, before what is beneath it.
struct Staged<'a, L> {
    staged: &'a Projections,
    beneath: &'a mut L,
}

impl<L: Lookup> Lookup for Staged<'_, L> {
    fn run(&mut self, id: &str) -> Result<Option<Arc<Run>>, CommitError> {
        self.staged.runs.get(id).map_or_else(|| self.beneath.run(id), |run| Ok(Some(run.clone())))
    }

    fn decision(&mut self, id: &str) -> Result<Option<Arc<Decision>>, CommitError> {
        self.staged.decisions.get(id).map_or_else(|| self.beneath.decision(id), |decision| Ok(Some(decision.clone())))
    }

    fn effect_key(&mut self, key: &str) -> Result<Option<String>, CommitError> {
        self.staged.effect_keys.get(key).map_or_else(|| self.beneath.effect_key(key), |holder| Ok(holder.clone()))
    }
}

/// What is known without asking the database: enough for an event that is about an open run and no decision.
struct Memory<'a>(&'a Shared);

impl Lookup for Memory<'_> {
    fn run(&mut self, id: &str) -> Result<Option<Arc<Run>>, CommitError> {
        Ok(self.0.runs.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned())
    }

    fn decision(&mut self, _: &str) -> Result<Option<Arc<Decision>>, CommitError> {
        Err(CommitError::Stopped("a decision is not looked up in memory alone".to_owned()))
    }

    fn effect_key(&mut self, _: &str) -> Result<Option<String>, CommitError> {
        Err(CommitError::Stopped("an effect key is not looked up in memory alone".to_owned()))
    }
}
