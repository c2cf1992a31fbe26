//! A slice bound to one run: what is left to decide once everything is known that a start makes known.
//!
//! When a run starts, worker, person, groups and the mission's parameters are known, and most of a company's
//! policies cannot matter to it any more. Binding looks up the few that can, puts the known values into their
//! conditions, and drops what can no longer hold. Rules that are found by a place which is known only when a
//! question is asked (a column, an argument) are not copied into each run: they stay in the compiled set that all
//! runs share, and are asked there. So binding costs what the run's own rules cost, and so does a call.

use std::sync::Arc;

use super::compiled::{CompiledSet, SetKind, SetVerdict, Slice, Verdict, verdict};
use super::expr::{Binding, Inputs, Known, Root, Scope, Slot};
use super::index::{Part, Rule, RuleIndex};
use super::lower::fold;
use crate::value::{EntityName, Value};

/// One set, bound to one run.
#[derive(Debug)]
pub struct BoundSet {
    own: CompiledSet,
    shared: Option<Arc<CompiledSet>>,
}

impl BoundSet {
    /// Binds a set to what is known at the start. Of `inputs` only the principal and the early parts of the context
    /// are looked at.
    #[must_use]
    pub fn new(set: &Arc<CompiledSet>, inputs: &Inputs<'_>) -> Self {
        if let Some(defect) = set.defect() {
            return Self { own: CompiledSet::defective(set.kind(), defect.to_owned()), shared: None };
        }
        let binding = Early(inputs);
        let bind = |index: &RuleIndex| -> Vec<Rule> {
            let early = index.early(inputs).into_iter();
            early
                .map(|rule| Rule { policy: rule.policy.clone(), condition: fold(rule.condition.bind(&binding)) })
                .filter(|rule| rule.condition.as_boolean() != Some(false))
                .collect()
        };
        let permits = set.permits().into_iter().flat_map(bind).collect();
        let own = CompiledSet::new(set.kind(), permits, bind(set.forbids()), set.present().clone());
        let indexes = set.permits().into_iter().chain([set.forbids()]);
        let has_late = indexes.into_iter().any(|index| index.late_keys().next().is_some());
        Self { own, shared: has_late.then(|| set.clone()) }
    }

    pub(super) fn own(&self) -> &CompiledSet {
        &self.own
    }

    pub(super) fn shared(&self) -> Option<&CompiledSet> {
        self.shared.as_deref()
    }

    /// Asks the set.
    #[must_use]
    pub fn decide<S: Scope>(&self, scope: &S) -> SetVerdict<'_> {
        match self.ask(scope) {
            Ok(Some(by)) => SetVerdict::Permitted { by },
            Ok(None) => SetVerdict::NotPermitted,
            Err(refused) => refused,
        }
    }

    /// Whether the set permits, without saying by what or why not.
    fn permits<S: Scope>(&self, scope: &S) -> bool {
        matches!(self.ask(scope), Ok(Some(_)))
    }

    /// A permit that holds, where nothing forbids and nothing errs.
    fn ask<S: Scope>(&self, scope: &S) -> Result<Option<&Arc<str>>, SetVerdict<'_>> {
        if let Some(defect) = self.own.defect() {
            return Err(SetVerdict::Defective(defect));
        }
        let own = self.own.ask(scope, Part::Whole)?;
        let shared = match &self.shared {
            Some(shared) => shared.ask(scope, Part::Late)?,
            None => None,
        };
        Ok(own.or(shared))
    }
}

/// Mission, entitlements and guardrails, bound to one run.
#[derive(Debug)]
pub struct BoundSlice {
    mission: BoundSet,
    entitlements: BoundSet,
    guardrails: BoundSet,
}

impl BoundSlice {
    /// The mission's own set.
    #[must_use]
    pub fn mission(&self) -> &BoundSet {
        &self.mission
    }

    /// Binds a slice. `worker` and `person` are the request with the respective principal.
    #[must_use]
    pub fn new(slice: &Slice, worker: &Inputs<'_>, person: &Inputs<'_>) -> Self {
        Self {
            mission: BoundSet::new(&slice.mission, worker),
            entitlements: BoundSet::new(&slice.entitlements, person),
            guardrails: BoundSet::new(&slice.guardrails, worker),
        }
    }

    /// Whether a call is allowed: what runs for every call. [`BoundSlice::decide`] gives the same answer with its
    /// reasons.
    #[must_use]
    pub fn allows(&self, worker: &Inputs<'_>, person: &Inputs<'_>) -> bool {
        self.mission.permits(worker) && self.entitlements.permits(person) && self.guardrails.permits(worker)
    }

    /// Decides one call: allowed where all three sets permit it.
    #[must_use]
    pub fn decide(&self, worker: &Inputs<'_>, person: &Inputs<'_>) -> Verdict<'_> {
        verdict([
            (SetKind::Mission, &|| self.mission.decide(worker)),
            (SetKind::Entitlements, &|| self.entitlements.decide(person)),
            (SetKind::Guardrails, &|| self.guardrails.decide(worker)),
        ])
    }
}

struct Early<'a>(&'a Inputs<'a>);

impl Binding for Early<'_> {
    fn known(&self, slot: &Slot) -> Known {
        if !slot.is_known_early() {
            return Known::Later;
        }
        let found = self.0.read(slot).map(|value| shared(self.0, slot).unwrap_or_else(|| value.to_value()));
        found.map_or(Known::Missing, Known::Value)
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
