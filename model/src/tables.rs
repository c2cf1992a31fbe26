//! What the log says: the store's own tables, in memory, changed by whole commits alone.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use writ_core::decision::Decision;
use writ_core::run::{Run, RunStatus};
use writ_store::{Commit, Projections};

use crate::broken::Broken;

/// The durable state. A commit makes another one, or is refused and leaves no trace, as a store's transaction does.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tables(Arc<Projections>);

impl Tables {
    /// The tables after a commit, where the state machines take it. Every event has the same sequence number, which
    /// they only note, so that two ways to one state lead to one state.
    pub(crate) fn after(&self, commit: Commit, broken: Option<Broken>) -> Option<Self> {
        let told = match broken {
            Some(Broken::EffectKeyNotHeld) => self.without_keys(),
            Some(Broken::RejectionForgotten) => self.without_calls(),
            Some(Broken::StopIgnored) => self.reopened(),
            _ => return self.0.after(0, commit).ok().map(|next| Self(Arc::new(next))),
        };
        let mut next = told.after(0, commit).ok()?;
        for (id, run) in &mut next.runs {
            let ended = self.run(id).filter(|run| !run.status.is_open());
            if let Some(ended) = ended {
                Arc::make_mut(run).status = ended.status;
            }
        }
        Some(Self(Arc::new(next)))
    }

    pub(crate) fn decision(&self, id: &str) -> Option<&Decision> {
        self.0.decisions.get(id).map(Arc::as_ref)
    }

    pub(crate) fn run(&self, id: &str) -> Option<&Run> {
        self.0.runs.get(id).map(Arc::as_ref)
    }

    /// What the state machines are told where nobody holds effect keys.
    fn without_keys(&self) -> Projections {
        Projections { effect_keys: HashMap::new(), ..(*self.0).clone() }
    }

    /// What they are told where a run forgets what it has called.
    fn without_calls(&self) -> Projections {
        let mut told = (*self.0).clone();
        for run in told.runs.values_mut() {
            Arc::make_mut(run).calls.clear();
        }
        told
    }

    /// What they are told where the end of a run does not count.
    fn reopened(&self) -> Projections {
        let mut told = (*self.0).clone();
        for run in told.runs.values_mut() {
            Arc::make_mut(run).status = RunStatus::Running;
        }
        told
    }
}

impl Hash for Tables {
    fn hash<H: Hasher>(&self, state: &mut H) {
        in_order(&self.0.runs).hash(state);
        in_order(&self.0.decisions).hash(state);
        in_order(&self.0.effect_keys).hash(state);
    }
}

fn in_order<V>(table: &HashMap<String, V>) -> BTreeMap<&str, &V> {
    table.iter().map(|(key, value)| (key.as_str(), value)).collect()
}
