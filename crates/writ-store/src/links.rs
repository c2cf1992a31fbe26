//! What an event says of the events before it: which leaf holds the one before it in its run, and in its decision.
//!
//! By these links, whoever holds some events can tell whether one in between is missing. They are worked out from the
//! state that the event is about to change, and stand in its body beside what [`Recorded`] knows, so that the leaf
//! commits to them. They say nothing of what comes later.

use serde::{Deserialize, Serialize};
use writ_core::event::{Event, Recorded};

use crate::commit::CommitError;
use crate::projection::{Lookup, Projections};

/// The leaves of the events before one event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The leaf of the event before it in its run. Nothing for the start of a run, and where it belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_in_run: Option<u64>,
    /// The leaf of the event before it in its decision. Nothing for a proposal, and where it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_in_decision: Option<u64>,
}

/// An event as its leaf's body holds it.
#[derive(Debug, Serialize)]
pub(crate) struct Body<'a> {
    #[serde(flatten)]
    pub(crate) recorded: &'a Recorded,
    #[serde(flatten)]
    pub(crate) links: Links,
}

impl Projections {
    /// What an event says of those before it, worked out before it is taken into account.
    pub(crate) fn links(&self, recorded: &Recorded, lookup: &mut impl Lookup) -> Result<Links, CommitError> {
        let run = match (&recorded.event, &recorded.run) {
            (Event::RunStarted(_), _) | (_, None) => None,
            (_, Some(id)) => self.find_run(id, lookup)?,
        };
        let decision = match (&recorded.event, recorded.event.decision()) {
            (Event::Proposed(_), _) | (_, None) => None,
            (_, Some(id)) => self.find_decision(id, lookup)?,
        };
        Ok(Links {
            previous_in_run: run.map(|run| run.version),
            previous_in_decision: decision.map(|decision| decision.version),
        })
    }
}
