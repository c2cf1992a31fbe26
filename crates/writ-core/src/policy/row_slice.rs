//! A slice of one table for one run: which rows it holds.
//!
//! The three sets are bound to the run; what is left reads the row's columns. From the same rules the
//! [`Predicate`] is derived that the source may filter by. The columns that conditions read are kept apart from
//! those that the worker sees: a policy may depend on a column that the worker does not have.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::bound::BoundSet;
use super::compiled::{SetVerdict, Slice};
use super::expr::{Inputs, Root, Scope, Slot};
use super::index::RuleIndex;
use super::predicate::Predicate;
use super::pushdown;
use super::row::{Admission, RowPolicy};
use super::subject::Subject;
use crate::value::{EntityName, Value, ValueRef};

/// Mission, entitlements and guardrails over the rows of one table, for one run.
pub struct RowSlice {
    /// Each set with its principal.
    sets: Vec<(BoundSet, Arc<Subject>)>,
    context: Value,
    columns: Vec<Arc<str>>,
    predicate: Predicate,
}

impl fmt::Debug for RowSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The predicate holds the person's data, so it is not printed.
        f.debug_struct("RowSlice").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl RowSlice {
    /// Binds a slice to a run. `context` is the request's; without the mission the rows are those that entitlements
    /// and guardrails allow: facts about a table that the mission does not read are bounded by these alone.
    #[must_use]
    pub fn new(slice: &Slice, with_mission: bool, worker: &Subject, person: &Subject, context: &Value) -> Self {
        let (worker, person) = (Arc::new(worker.clone()), Arc::new(person.clone()));
        let nothing = EntityName::new("", "");
        let attributes = Value::record([]);
        let bind = |set, principal: &Arc<Subject>| {
            let inputs = Inputs { principal, resource: &nothing, attributes: &attributes, context };
            (BoundSet::new(set, &inputs), principal.clone())
        };
        let mission = with_mission.then(|| bind(&slice.mission, &worker));
        let others = [bind(&slice.entitlements, &person), bind(&slice.guardrails, &worker)];
        let sets: Vec<_> = mission.into_iter().chain(others).collect();
        let mut columns = Vec::new();
        for (set, _) in &sets {
            collect_columns(set, &mut columns);
        }
        let predicate = Predicate::all(sets.iter().map(|(set, _)| pushdown::superset(set.own(), set.shared())));
        Self { sets, context: context.clone(), columns, predicate }
    }
}

fn collect_columns(set: &BoundSet, columns: &mut Vec<Arc<str>>) {
    let own = set.own().permits().into_iter().chain([set.own().forbids()]).flat_map(RuleIndex::rules);
    let mut slots: Vec<&Slot> = Vec::new();
    own.for_each(|rule| rule.condition.slots(&mut slots));
    if let Some(shared) = set.shared() {
        slots.extend(shared.permits().into_iter().chain([shared.forbids()]).flat_map(RuleIndex::late_slots));
    }
    for slot in slots {
        if let (Root::Resource, Some(column)) = (slot.root, slot.path.first())
            && !columns.contains(column)
        {
            columns.push(column.clone());
        }
    }
}

impl RowPolicy for RowSlice {
    fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    fn admits(&self, row: &[Option<ValueRef<'_>>]) -> Admission {
        if row.len() != self.columns.len() {
            return Admission::Failed;
        }
        for (set, principal) in &self.sets {
            let scope = Row { slice: self, principal, values: row };
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

struct Row<'a> {
    slice: &'a RowSlice,
    principal: &'a Subject,
    values: &'a [Option<ValueRef<'a>>],
}

impl Scope for Row<'_> {
    fn read<'a>(&'a self, slot: &'a Slot) -> Option<ValueRef<'a>> {
        match (slot.root, &*slot.path) {
            (Root::Resource, [name]) => {
                let position = self.slice.columns.iter().position(|column| column == name)?;
                self.values.get(position).copied().flatten()
            }
            (Root::Resource, _) => None,
            (Root::Principal, []) => Some(ValueRef::Entity(&self.principal.name)),
            (Root::Principal, path) => self.principal.attributes.at(path).map(Value::borrow),
            (Root::Context, path) => self.slice.context.at(path).map(Value::borrow),
        }
    }

    fn groups(&self, entity: &EntityName) -> Option<&HashSet<EntityName>> {
        (*entity == *self.principal.name).then_some(&self.principal.ancestors)
    }
}
