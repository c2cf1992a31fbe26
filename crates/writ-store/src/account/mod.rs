//! What some events of the trail show together, worked out from them alone.
//!
//! Whoever holds a proof knows of each event in it that the log has it (`writ_trail::bundle`). This module says what they
//! are as a whole: a run from its start on, or the start of a run and one of its decisions from the proposal on. It
//! relies on the events' links for that none in between is missing or put in, and on the state machines for that each
//! could happen. It never believes that the last event here is the last there is: [`Account::is_settled`] says where
//! nothing can follow that would change what is shown.

mod entry;
mod flaw;
mod runs;

pub use entry::Entry;
pub use flaw::Flaw;
pub use runs::Runs;

use writ_core::decision::Decision;
use writ_core::event::{Event, Proposal, RunStart};
use writ_core::run::Run;

use crate::commit::CommitError;
use crate::projection::{Nothing, Projections};

/// What some events show.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The run's id.
    pub run: String,
    /// What the run was at its start: its scope.
    pub start: RunStart,
    /// The run as its events made it, where each of them is here up to the last one. Nothing where what follows its
    /// start is one decision alone.
    pub whole_run: Option<Run>,
    /// The decisions, in the order in which they were proposed: all of a whole run, or the one.
    pub decisions: Vec<Decision>,
}

impl Account {
    /// Reads what these events show, in the order of their leaves.
    ///
    /// # Errors
    /// [`Flaw`] where they are neither a run from its start on nor the start of a run and one of its decisions: where
    /// one in between is missing, one belongs to something else, or one could not happen.
    pub fn of(entries: &[Entry]) -> Result<Self, Flaw> {
        let Some((first, later)) = entries.split_first() else { return Err(Flaw::NoStart) };
        let (Event::RunStarted(start), Some(run)) = (&first.recorded.event, &first.recorded.run) else {
            return Err(Flaw::NoStart);
        };
        if let Some(foreign) = later.iter().find(|entry| entry.recorded.run.as_ref() != Some(run)) {
            return Err(Flaw::Foreign { leaf: foreign.leaf() });
        }
        let (run, start) = (run.clone(), RunStart::clone(start));
        if is_of_one_decision(later) {
            let decisions = vec![decision(&run, &start, later)?];
            return Ok(Self { run, start, whole_run: None, decisions });
        }
        if let Some(gap) = gap(entries) {
            return Err(gap);
        }
        let (whole, decisions) = whole_run(&run, &start, entries)?;
        Ok(Self { run, start, whole_run: Some(whole), decisions })
    }

    /// Whether nothing can follow these events that would change what they show. After the end of a whole run whose
    /// decisions are all final, its log can only tell of refused requests, and of alarms.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let ended = self.whole_run.as_ref().is_none_or(|run| !run.status.is_open());
        ended && self.decisions.iter().all(|decision| decision.status.is_final())
    }
}

/// The first place where an event of the run is missing between two that are here.
fn gap(entries: &[Entry]) -> Option<Flaw> {
    entries.windows(2).find_map(|pair| match pair {
        [earlier, later] => later.follows(later.links.previous_in_run, earlier.leaf()).err(),
        _ => None,
    })
}

fn is_of_one_decision(entries: &[Entry]) -> bool {
    let mut decisions = entries.iter().map(|entry| entry.recorded.event.decision());
    decisions.next().flatten().is_some_and(|first| decisions.all(|other| other == Some(first)))
}

/// The run and its decisions, as all these events make them.
fn whole_run(id: &str, start: &RunStart, entries: &[Entry]) -> Result<(Run, Vec<Decision>), Flaw> {
    let mut state = Projections::default();
    let mut proposed = Vec::new();
    for entry in entries {
        let illegal = |error: CommitError| Flaw::illegal(entry.leaf(), &error);
        let links = state.links(&entry.recorded, &mut Nothing).map_err(illegal)?;
        if let Some(previous) = links.previous_in_decision {
            entry.follows(entry.links.previous_in_decision, previous)?;
        }
        if let Event::Proposed(proposal) = &entry.recorded.event {
            check_proposal(id, start, entry.leaf(), proposal)?;
            proposed.push(proposal.decision.as_str());
        }
        state.apply(&entry.recorded, &mut Nothing).map_err(illegal)?;
    }
    let run = state.runs.get(id).ok_or(Flaw::NoStart)?;
    let decisions = proposed.iter().filter_map(|decision| state.decisions.get(*decision));
    Ok((Run::clone(run), decisions.map(|decision| Decision::clone(decision)).collect()))
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
