//! Runs, decisions and effect keys as the events make them.
//!
//! The same code serves the live writer and a replay, so that a table and its replay cannot drift apart.

use std::collections::HashMap;
use std::sync::Arc;

use writ_core::decision::Decision;
use writ_core::event::{Event, Recorded};
use writ_core::run::Run;

use crate::commit::{Commit, CommitError};

/// Where the present state is looked up. The writer's is memory before database; a replay's is memory alone.
pub(crate) trait Lookup {
    fn run(&mut self, id: &str) -> Result<Option<Arc<Run>>, CommitError>;
    fn decision(&mut self, id: &str) -> Result<Option<Arc<Decision>>, CommitError>;
    fn effect_key(&mut self, key: &str) -> Result<Option<String>, CommitError>;
}

/// What some events change. Nothing is changed until they have all been found legal.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Projections {
    /// Changed runs by id.
    pub runs: HashMap<String, Arc<Run>>,
    /// Changed decisions by id.
    pub decisions: HashMap<String, Arc<Decision>>,
    /// Effect keys taken (with the holder) or given back.
    pub effect_keys: HashMap<String, Option<String>>,
}

impl Projections {
    /// The whole state after a commit: all of its events, or none. It is for whoever looks at states that no store is in;
    /// a store's writer keeps what changes, and has it looked up.
    ///
    /// # Errors
    /// The first event that is not legal after those before it.
    pub fn after(&self, first: u64, commit: Commit) -> Result<Self, CommitError> {
        let Commit { run, at, events } = commit;
        let (mut present, mut changed) = (self, Self::default());
        for (seq, event) in (first..).zip(events) {
            changed.apply(&Recorded { seq, at, run: run.clone(), event }, &mut present)?;
        }
        let mut next = self.clone();
        next.absorb(changed);
        next.effect_keys.retain(|_, holder| holder.is_some());
        Ok(next)
    }

    /// Takes one event into account.
    pub(crate) fn apply(&mut self, recorded: &Recorded, lookup: &mut impl Lookup) -> Result<(), CommitError> {
        if let Event::RunStarted(start) = &recorded.event {
            let id = recorded.run.clone().ok_or_else(|| CommitError::UnknownRun(String::new()))?;
            if self.find_run(&id, lookup)?.is_some() {
                return Err(CommitError::Exists(id));
            }
            self.runs.insert(id.clone(), Arc::new(Run::start(&id, (**start).clone(), recorded.at, recorded.seq)));
            return Ok(());
        }
        if let Some(id) = recorded.event.decision() {
            let decision = self.next_decision(id, recorded, lookup)?;
            self.follow_effect_key(&decision, lookup)?;
            self.decisions.insert(id.to_owned(), Arc::new(decision));
        }
        let Some(id) = &recorded.run else { return Ok(()) };
        let run = self.find_run(id, lookup)?.ok_or_else(|| CommitError::UnknownRun(id.clone()))?;
        let mut run = (*run).clone();
        // The run asks for the earlier decision on the same call, and for the one that the event is about.
        let earlier = match &recorded.event {
            Event::Proposed(proposal) => {
                let call = proposal.action.call_digest().map(|digest| digest.to_string()).unwrap_or_default();
                match run.calls.get(&call) {
                    Some(earlier) => self.find_decision(earlier, lookup)?,
                    None => None,
                }
            }
            _ => None,
        };
        let decisions = &self.decisions;
        run.apply(recorded, |id| {
            let known = decisions.get(id).or(earlier.as_ref().filter(|earlier| earlier.id() == id));
            known.map(|decision| decision.status)
        })
        .map_err(CommitError::Run)?;
        self.runs.insert(id.clone(), Arc::new(run));
        Ok(())
    }

    fn next_decision(&self, id: &str, recorded: &Recorded, lookup: &mut impl Lookup) -> Result<Decision, CommitError> {
        let found = self.find_decision(id, lookup)?;
        match (&recorded.event, found) {
            (Event::Proposed(_), Some(_)) => Err(CommitError::Exists(id.to_owned())),
            (Event::Proposed(proposal), None) if recorded.run.as_deref() != Some(proposal.action.run.as_str()) => {
                Err(CommitError::UnknownRun(proposal.action.run.clone()))
            }
            (Event::Proposed(proposal), None) => Ok(Decision::propose((**proposal).clone(), recorded.at, recorded.seq)),
            (_, None) => Err(CommitError::UnknownDecision(id.to_owned())),
            (_, Some(found)) => {
                if recorded.run.as_deref() != Some(found.proposal.action.run.as_str()) {
                    return Err(CommitError::UnknownDecision(id.to_owned()));
                }
                let mut decision = (*found).clone();
                decision.apply(recorded).map_err(CommitError::Decision)?;
                Ok(decision)
            }
        }
    }

    fn follow_effect_key(&mut self, decision: &Decision, lookup: &mut impl Lookup) -> Result<(), CommitError> {
        let Some(key) = &decision.proposal.effect_key else { return Ok(()) };
        let holder = match self.effect_keys.get(key) {
            Some(holder) => holder.clone(),
            None => lookup.effect_key(key)?,
        };
        match (holder, decision.status.holds_effect_key()) {
            (Some(holder), true) if holder != decision.id() => {
                Err(CommitError::EffectKeyTaken { key: key.clone(), decision: holder })
            }
            (None, true) => {
                self.effect_keys.insert(key.clone(), Some(decision.id().to_owned()));
                Ok(())
            }
            (Some(holder), false) if holder == decision.id() => {
                self.effect_keys.insert(key.clone(), None);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn find_run(&self, id: &str, lookup: &mut impl Lookup) -> Result<Option<Arc<Run>>, CommitError> {
        match self.runs.get(id) {
            Some(run) => Ok(Some(run.clone())),
            None => lookup.run(id),
        }
    }

    pub(crate) fn find_decision(
        &self,
        id: &str,
        lookup: &mut impl Lookup,
    ) -> Result<Option<Arc<Decision>>, CommitError> {
        match self.decisions.get(id) {
            Some(decision) => Ok(Some(decision.clone())),
            None => lookup.decision(id),
        }
    }

    pub(crate) fn absorb(&mut self, later: Self) {
        self.runs.extend(later.runs);
        self.decisions.extend(later.decisions);
        self.effect_keys.extend(later.effect_keys);
    }
}

/// A whole state is looked up in itself.
impl Lookup for &Projections {
    fn run(&mut self, id: &str) -> Result<Option<Arc<Run>>, CommitError> {
        Ok(self.runs.get(id).cloned())
    }

    fn decision(&mut self, id: &str) -> Result<Option<Arc<Decision>>, CommitError> {
        Ok(self.decisions.get(id).cloned())
    }

    fn effect_key(&mut self, key: &str) -> Result<Option<String>, CommitError> {
        Ok(self.effect_keys.get(key).cloned().flatten())
    }
}

/// No state but that of the events themselves.
pub(crate) struct Nothing;

impl Lookup for Nothing {
    fn run(&mut self, _: &str) -> Result<Option<Arc<Run>>, CommitError> {
        Ok(None)
    }

    fn decision(&mut self, _: &str) -> Result<Option<Arc<Decision>>, CommitError> {
        Ok(None)
    }

    fn effect_key(&mut self, _: &str) -> Result<Option<String>, CommitError> {
        Ok(None)
    }
}

/// Makes the whole state again from the events alone.
///
/// # Errors
/// The first event that is not legal after those before it: the trail was not written by this state machine.
pub fn replay<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Result<Projections, CommitError> {
    let mut state = Projections::default();
    for recorded in events {
        state.apply(recorded, &mut Nothing)?;
    }
    state.effect_keys.retain(|_, holder| holder.is_some());
    Ok(state)
}
