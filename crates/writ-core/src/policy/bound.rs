//! A slice bound to one run and one table: what is left to decide once everything but the row is known.
//!
//! When a run starts, worker, person, mission parameters and groups are known; only the row's columns are
//! not. Binding puts the known values into the compiled conditions, drops what can no longer hold, and
//! derives the [`Predicate`] that the source may filter by. The columns that conditions read are kept apart
//! from those that the worker sees: a policy may depend on a column that the worker does not have.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::compiled::{CompiledSet, SetKind, SetVerdict, Slice};
use super::expr::{Binding, Inputs, Known, Root, Scope, Slot};
use super::index::{Rule, RuleIndex};
use super::lower::fold;
use super::predicate::Predicate;
use super::pushdown;
use super::row::{Admission, RowPolicy};
use crate::value::{EntityName, Value, ValueRef};

/// Mission, entitlements and guardrails over the rows of one table, for one run.
pub struct BoundSlice {
    sets: Vec<CompiledSet>,
    columns: Vec<Arc<str>>,
    predicate: Predicate,
}

impl fmt::Debug for BoundSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The predicate holds the person's data, so it is not printed.
        f.debug_struct("BoundSlice").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl BoundSlice {
    /// Binds the sets of a slice. `worker` and `person` are the request with the respective principal; their
    /// resource attributes are not looked at. Sets that are left out do not take part: facts about a table that
    /// the mission does not read are bounded by entitlements and guardrails alone.
    #[must_use]
    pub fn new(slice: &Slice, with_mission: bool, worker: &Inputs<'_>, person: &Inputs<'_>) -> Self {
        let mut sets = Vec::new();
        if with_mission {
            sets.push(bind_set(&slice.mission, worker));
        }
        sets.push(bind_set(&slice.entitlements, person));
        sets.push(bind_set(&slice.guardrails, worker));
        let mut columns: Vec<Arc<str>> = Vec::new();
        let mut predicates = Vec::new();
        for set in &sets {
            let rules = set.permits().into_iter().chain([set.forbids()]).flat_map(RuleIndex::rules);
            for rule in rules {
                let mut slots = Vec::new();
                rule.condition.slots(&mut slots);
                for slot in slots {
                    if let (Root::Resource, Some(column)) = (slot.root, slot.path.first())
                        && !columns.contains(column)
                    {
                        columns.push(column.clone());
                    }
                }
            }
            predicates.push(pushdown::superset(set));
        }
        Self { sets, columns, predicate: Predicate::all(predicates) }
    }

    /// A slice of no rows, for a table that the run may not read.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            sets: vec![CompiledSet::new(SetKind::Mission, Vec::new(), Vec::new(), &|_| false)],
            columns: Vec::new(),
            predicate: Predicate::Nothing,
        }
    }
}

impl RowPolicy for BoundSlice {
    fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    fn admits(&self, row: &[Option<ValueRef<'_>>]) -> Admission {
        if row.len() != self.columns.len() {
            return Admission::Failed;
        }
        let scope = Row { columns: &self.columns, values: row };
        for set in &self.sets {
            match set.decide(&scope) {
                SetVerdict::Permitted { .. } => {}
                SetVerdict::NotPermitted | SetVerdict::Forbidden { .. } => return Admission::Hidden,
                SetVerdict::Erred { .. } | SetVerdict::Defective(_) => return Admission::Failed,
            }
        }
        Admission::Admitted
    }

    fn predicate(&self) -> &Predicate {
        &self.predicate
    }
}

fn bind_set(set: &CompiledSet, inputs: &Inputs<'_>) -> CompiledSet {
    if let Some(defect) = set.defect() {
        return CompiledSet::defective(set.kind(), defect.to_owned());
    }
    let binding = Request(inputs);
    let bind = |index: &RuleIndex| -> Vec<Rule> {
        let relevant = index.relevant(inputs);
        relevant
            .into_iter()
            .map(|rule| Rule { policy: rule.policy.clone(), condition: fold(rule.condition.bind(&binding)) })
            .filter(|rule| rule.condition.as_boolean() != Some(false))
            .collect()
    };
    let permits = set.permits().into_iter().flat_map(bind).collect();
    // A column may be without a value, so nothing counts as always present here.
    CompiledSet::new(set.kind(), permits, bind(set.forbids()), &|slot| slot.root != Root::Resource)
}

struct Request<'a>(&'a Inputs<'a>);

impl Binding for Request<'_> {
    fn known(&self, slot: &Slot) -> Known {
        if slot.root == Root::Resource {
            return Known::Later;
        }
        self.0
            .read(slot)
            .map_or(Known::Missing, |value| Known::Value(shared(self.0, slot).unwrap_or_else(|| value.to_value())))
    }

    fn is_in(&self, entity: &EntityName, group: &EntityName) -> bool {
        self.0.is_in(entity, group)
    }
}

/// The value itself where it is an attribute or a part of the context: large sets are shared, not copied.
fn shared(inputs: &Inputs<'_>, slot: &Slot) -> Option<Value> {
    let record = match slot.root {
        Root::Principal => &inputs.principal.attributes,
        Root::Context => inputs.context,
        Root::Resource => return None,
    };
    if slot.path.is_empty() { None } else { record.at(&slot.path).cloned() }
}

struct Row<'a> {
    columns: &'a [Arc<str>],
    values: &'a [Option<ValueRef<'a>>],
}

impl Scope for Row<'_> {
    fn read<'a>(&'a self, slot: &'a Slot) -> Option<ValueRef<'a>> {
        let [name] = &*slot.path else { return None };
        if slot.root != Root::Resource {
            return None;
        }
        let position = self.columns.iter().position(|column| column == name)?;
        self.values.get(position).copied().flatten()
    }

    fn groups(&self, _: &EntityName) -> Option<&HashSet<EntityName>> {
        None
    }
}
