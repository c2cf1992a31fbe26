//! What some events of the trail show together, worked out from them alone.
//!
//! Whoever holds a proof knows of each event in it that the log has it (`writ_trail::bundle`). This module says what they
//! are as a whole: the start of a run, and one of its decisions from the proposal on. It relies on the events' links for
//! that none in between is missing or put in, and on the decision's state machine for that each could happen. It never
//! believes that the last event here is the last there is: [`Account::is_settled`] says where nothing can follow.

mod entry;
mod flaw;

pub use entry::Entry;
pub use flaw::Flaw;

use writ_core::decision::Decision;
use writ_core::event::{Event, Proposal, RunStart};

/// What some events show.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The run's id.
    pub run: String,
    /// What the run was at its start: its scope.
    pub start: RunStart,
    /// The decisions, as their events made them.
    pub decisions: Vec<Decision>,
}

impl Account {
    /// Reads what these events show, in the order of their leaves.
    ///
    /// # Errors
    /// [`Flaw`] where they are not the start of a run and one of its decisions, with none missing in between, none that
    /// belongs to something else, and none that could not happen.
    pub fn of(entries: &[Entry]) -> Result<Self, Flaw> {
        let Some((first, later)) = entries.split_first() else { return Err(Flaw::NoStart) };
        let (Event::RunStarted(start), Some(run)) = (&first.recorded.event, &first.recorded.run) else {
            return Err(Flaw::NoStart);
        };
        if let Some(foreign) = later.iter().find(|entry| entry.recorded.run.as_ref() != Some(run)) {
            return Err(Flaw::Foreign { leaf: foreign.leaf() });
        }
        let start = RunStart::clone(start);
        let decisions = vec![decision(run, &start, later)?];
        Ok(Self { run: run.clone(), start, decisions })
    }

    /// Whether nothing can follow these events that would change what they show.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.decisions.iter().all(|decision| decision.status.is_final())
    }
}

/// The decision that these events make, which are to be its own from the proposal on.
fn decision(run: &str, start: &RunStart, entries: &[Entry]) -> Result<Decision, Flaw> {
    let Some((first, later)) = entries.split_first() else { return Err(Flaw::NoProposal) };
    let Event::Proposed(proposal) = &first.recorded.event else { return Err(Flaw::NoProposal) };
    check_proposal(run, start, first.leaf(), proposal)?;
    let mut decision = Decision::propose(Proposal::clone(proposal), first.recorded.at, first.leaf());
    for entry in later {
        if entry.recorded.event.decision() != Some(decision.id()) {
            return Err(Flaw::Foreign { leaf: entry.leaf() });
        }
        entry.follows(entry.links.previous_in_decision, decision.version)?;
        decision.apply(&entry.recorded).map_err(|error| Flaw::illegal(entry.leaf(), &error))?;
    }
    Ok(decision)
}

/// A proposal is one of its run, and its digest is the one of what would be sent.
fn check_proposal(run: &str, start: &RunStart, leaf: u64, proposal: &Proposal) -> Result<(), Flaw> {
    let action = &proposal.action;
    let (own, named) = (
        (run, &start.mission, start.mission_version, &start.person, &start.worker),
        (action.run.as_str(), &action.mission, action.mission_version, &action.person, &action.worker),
    );
    if own != named {
        return Err(Flaw::illegal(leaf, &"the action is not one of this run"));
    }
    if action.digest().ok() != Some(proposal.action_digest) {
        return Err(Flaw::illegal(leaf, &"the digest is not the action's own"));
    }
    Ok(())
}
