//! The life of one run: a pure state machine over [`Event`]s.
//!
//! `running → waiting → running → … → concluded | stopped | expired`. A run is *waiting* while at least one
//! of its decisions is not final. Limits are part of the state: a read or a proposal past a limit is not a
//! legal event, so it cannot be recorded, and what is not recorded is not released.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::decision::DecisionStatus;
use crate::digest::Digest;
use crate::event::{Event, Milliseconds, Recorded, RunStart};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Open; nothing waits.
    Running,
    /// Open; at least one decision is not final.
    Waiting,
    /// Ended with a verdict.
    Concluded,
    /// Ended by a person or a limit.
    Stopped,
    /// Ended by time.
    Expired,
}

impl RunStatus {
    /// The status as one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Concluded => "concluded",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
        }
    }

    /// Whether the worker may still do something.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// A run as its events made it.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
pub struct Run {
    /// The run's id.
    pub id: String,
    /// What it is. It never changes, so that copies of a run share it.
    pub start: Arc<RunStart>,
    /// When it started.
    pub started_at: Milliseconds,
    /// Where it stands.
    pub status: RunStatus,
    /// When its time is up. A proposal moves this to the run's own length after the proposal's deadline, so that
    /// a worker can still take up what a person decided late.
    pub expires_at: Milliseconds,
    /// Reads made.
    pub reads: u64,
    /// Rows returned.
    pub rows: u64,
    /// Effects proposed.
    pub proposals: u64,
    /// Requests of the worker that were refused.
    pub refused: u64,
    /// Labels picked up.
    pub labels: BTreeSet<String>,
    /// For each call digest, the latest decision on it.
    pub calls: BTreeMap<String, String>,
    /// The run's decisions that are not final.
    pub open_decisions: BTreeSet<String>,
    /// The verdict, once concluded.
    pub verdict: Option<Json>,
    /// The trail's sequence number of the last event: a version for whoever looks.
    pub version: u64,
}

/// An event that is not legal in the present state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalRun {
    /// The run has ended.
    #[error("the run is {}", .0.name())]
    Closed(RunStatus),
    /// The run's time is up.
    #[error("the run's time is up")]
    TimeUp,
    /// A limit is used up.
    #[error("the run's limit of {limit} {what} is used up")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
    },
    /// The same call has a decision that stands in the way.
    #[error("the same call is decision `{0}` already")]
    AlreadyProposed(String),
    /// Decisions are not final yet.
    #[error("{0} decisions are not final")]
    DecisionsOpen(usize),
    /// The run's time is not up yet.
    #[error("the run's time is not up")]
    NotExpired,
    /// The event is not about a run that exists.
    #[error("the event does not belong to this run")]
    Foreign,
}

impl Run {
    /// The run that a start makes.
    #[must_use]
    pub fn start(id: &str, start: RunStart, at: Milliseconds, seq: u64) -> Self {
        Self {
            id: id.to_owned(),
            expires_at: start.expires_at,
            start: Arc::new(start),
            started_at: at,
            status: RunStatus::Running,
            reads: 0,
            rows: 0,
            proposals: 0,
            refused: 0,
            labels: BTreeSet::new(),
            calls: BTreeMap::new(),
            open_decisions: BTreeSet::new(),
            verdict: None,
            version: seq,
        }
    }

    /// Whether the worker may do something at this time.
    ///
    /// # Errors
    /// [`IllegalRun::Closed`] or [`IllegalRun::TimeUp`].
    pub fn must_be_open(&self, at: Milliseconds) -> Result<(), IllegalRun> {
        if !self.status.is_open() {
            Err(IllegalRun::Closed(self.status))
        } else if at >= self.expires_at {
            Err(IllegalRun::TimeUp)
        } else {
            Ok(())
        }
    }

    /// Takes one event into account. `status_of` tells how a decision of this run stands after the event.
    ///
    /// # Errors
    /// [`IllegalRun`] where the event cannot happen now; the run is unchanged then.
    pub fn apply(
        &mut self,
        recorded: &Recorded,
        status_of: impl Fn(&str) -> Option<DecisionStatus>,
    ) -> Result<(), IllegalRun> {
        if recorded.run.as_deref() != Some(self.id.as_str()) {
            return Err(IllegalRun::Foreign);
        }
        match &recorded.event {
            Event::WorkerAttached { .. } | Event::Claimed { .. } => self.must_be_open(recorded.at)?,
            Event::Read(read) => {
                self.must_be_open(recorded.at)?;
                self.count_read(read.rows)?;
                self.labels.extend(read.labels.iter().cloned());
            }
            Event::ToolRead { labels, .. } => {
                self.must_be_open(recorded.at)?;
                self.count_read(0)?;
                self.labels.extend(labels.iter().cloned());
            }
            Event::Refused { by: None, .. } => self.refused = self.refused.saturating_add(1),
            Event::Asked { labels, .. } => {
                self.must_be_open(recorded.at)?;
                self.labels.extend(labels.iter().cloned());
            }
            Event::OutcomeRecorded { labels, .. } => self.labels.extend(labels.iter().cloned()),
            Event::Proposed(proposal) => {
                self.must_be_open(recorded.at)?;
                let call = proposal.action.call_digest().map_err(|_| IllegalRun::Foreign)?;
                self.propose(&proposal.decision, call, &status_of)?;
                let length = self.start.expires_at.saturating_sub(self.started_at);
                self.expires_at = self.expires_at.max(proposal.expires_at.saturating_add(length));
            }
            Event::IntentRecorded { .. } if !self.status.is_open() => return Err(IllegalRun::Closed(self.status)),
            Event::RunConcluded { verdict } => {
                self.must_be_open(recorded.at)?;
                if !self.open_decisions.is_empty() {
                    return Err(IllegalRun::DecisionsOpen(self.open_decisions.len()));
                }
                self.verdict = Some(verdict.clone());
                self.status = RunStatus::Concluded;
            }
            Event::RunStopped { .. } => self.end(RunStatus::Stopped)?,
            Event::RunExpired {} => {
                if recorded.at < self.expires_at {
                    return Err(IllegalRun::NotExpired);
                }
                self.end(RunStatus::Expired)?;
            }
            Event::EpochOpened { .. }
            | Event::RunStarted(_)
            | Event::SignedIn { .. }
            | Event::IntegrationLinked { .. }
            | Event::IntegrationUnlinked { .. }
            | Event::ToolQuarantined { .. } => {
                return Err(IllegalRun::Foreign);
            }
            _ => {}
        }
        if let Some(decision) = recorded.event.decision() {
            self.follow(decision, &status_of);
        }
        self.version = recorded.seq;
        Ok(())
    }

    fn end(&mut self, status: RunStatus) -> Result<(), IllegalRun> {
        if !self.status.is_open() {
            return Err(IllegalRun::Closed(self.status));
        }
        self.status = status;
        Ok(())
    }

    fn count_read(&mut self, rows: u64) -> Result<(), IllegalRun> {
        let limits = self.start.limits;
        if self.reads >= limits.reads_max {
            return Err(IllegalRun::Limit { what: "reads", limit: limits.reads_max });
        }
        let total = self.rows.saturating_add(rows);
        if total > limits.rows_max {
            return Err(IllegalRun::Limit { what: "rows", limit: limits.rows_max });
        }
        self.reads = self.reads.saturating_add(1);
        self.rows = total;
        Ok(())
    }

    fn propose(
        &mut self,
        decision: &str,
        call: Digest,
        status_of: &impl Fn(&str) -> Option<DecisionStatus>,
    ) -> Result<(), IllegalRun> {
        let limit = self.start.limits.proposals_max;
        if self.proposals >= limit {
            return Err(IllegalRun::Limit { what: "proposals", limit });
        }
        if let Some(earlier) = self.calls.get(&call.to_string()) {
            let may_propose_again = matches!(
                status_of(earlier),
                Some(DecisionStatus::Expired | DecisionStatus::Withdrawn | DecisionStatus::Voided)
            );
            if !may_propose_again {
                return Err(IllegalRun::AlreadyProposed(earlier.clone()));
            }
        }
        self.proposals = self.proposals.saturating_add(1);
        self.calls.insert(call.to_string(), decision.to_owned());
        Ok(())
    }

    fn follow(&mut self, decision: &str, status_of: &impl Fn(&str) -> Option<DecisionStatus>) {
        if status_of(decision).is_none_or(DecisionStatus::is_final) {
            self.open_decisions.remove(decision);
        } else {
            self.open_decisions.insert(decision.to_owned());
        }
        if self.status.is_open() {
            self.status = if self.open_decisions.is_empty() { RunStatus::Running } else { RunStatus::Waiting };
        }
    }
}
