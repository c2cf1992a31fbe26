//! Deciding one call: the compiled sets first, Cedar itself as a check.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value as Json;
use writ_core::code::{Code, Reason, Refusal};
use writ_core::event::Milliseconds;
use writ_core::policy::{CompiledSet, Inputs, Oracle, Question, SetVerdict, Subject};
use writ_core::run::Run;
use writ_core::value::{EntityName, Value, ValueSet};

use crate::epoch::{Act, Epoch, Policies};
use crate::scope::RunScope;

/// One call in how many is put to Cedar as well. Effects always are.
const CHECKED_ONE_IN: u64 = 256;

/// Proof that policy allowed a call. Only this module makes one.
#[derive(Debug)]
pub(crate) struct Allowed {
    reasons: Vec<Reason>,
}

impl Allowed {
    /// The policies that let the call through, for people.
    pub(crate) fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
}

/// Why a call is refused, and whether the compiled sets and Cedar disagreed.
#[derive(Debug)]
pub(crate) struct Denied {
    pub(crate) refusal: Refusal,
    pub(crate) mismatch: Option<String>,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, mismatch: None }
    }
}

/// Decides calls.
#[derive(Debug, Default)]
pub(crate) struct Decider {
    oracle: Oracle,
    calls: AtomicU64,
}

/// The values that one call's conditions read.
pub(crate) struct CallValues<'a> {
    pub(crate) input: &'a Value,
    pub(crate) facts: &'a Value,
    pub(crate) run: &'a Run,
    pub(crate) now: Milliseconds,
}

impl Decider {
    /// Decides a call of a tool: mission ∩ entitlements ∩ guardrails.
    pub(crate) fn call(
        &self,
        epoch: &Epoch,
        scope: &RunScope,
        act: &Act,
        values: &CallValues<'_>,
        always_check: bool,
    ) -> Result<Allowed, Denied> {
        let action = &act.tool.full_name;
        let (slice, bound) = scope
            .calls
            .get(action)
            .ok_or_else(|| Refusal::new(Code::UnknownName, format!("this run has no tool `{}`", act.name)))?;
        let context = call_context(scope, values);
        let resource = EntityName::new("Tool", action);
        let attributes = Value::record([]);
        let inputs = |principal| Inputs { principal, resource: &resource, attributes: &attributes, context: &context };
        let (worker, person) = (inputs(&scope.worker), inputs(&scope.person));
        let allowed = bound.allows(&worker, &person);
        let check = always_check || self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(CHECKED_ONE_IN);
        if check {
            let sets = [
                (&scope.mission.policies, &slice.mission, &worker),
                (&epoch.entitlements, &slice.entitlements, &person),
                (&epoch.guardrails, &slice.guardrails, &worker),
            ];
            if slice.decide(&worker, &person).is_allowed() != allowed {
                return Err(mismatch(format!("bound and unbound slices disagree on `{action}`")));
            }
            self.check(action, &sets)?;
        }
        if allowed {
            // An approver reads which policies let an effect through; a read needs no such list.
            let reasons = if always_check { bound.decide(&worker, &person).reasons() } else { Vec::new() };
            return Ok(Allowed { reasons });
        }
        let sets = [(&slice.mission, &worker), (&slice.entitlements, &person), (&slice.guardrails, &worker)];
        let reasons = sets
            .into_iter()
            .filter(|(set, inputs)| !permits(set, inputs))
            .flat_map(|(set, inputs)| set.explain(inputs));
        let message =
            format!("this call is not allowed; the mission allows `{}` only when {}", act.name, act.condition.trim());
        Err(Refusal::new(Code::NotPermitted, message).because(reasons).into())
    }

    /// Decides whether a read's result may be released: the mission's condition over it, which Cedar is asked as well.
    pub(crate) fn result(
        &self,
        scope: &RunScope,
        act: &Act,
        values: &CallValues<'_>,
        result: Value,
    ) -> Result<Allowed, Denied> {
        let action = writ_core::definition::result_action(&act.tool.full_name);
        let Value::Record(fields) = call_context(scope, values) else {
            return Err(Refusal::new(Code::Internal, "the context is no record").into());
        };
        let fields = fields.iter().map(|(name, value)| (name.clone(), value.clone()));
        let context = Value::record(fields.chain([(Arc::from("result"), result)]));
        let resource = ("Tool", act.tool.full_name.as_str());
        self.one(&scope.mission.policies, &scope.worker, "Worker", &action, resource, &context)
    }

    /// Decides something about a mission or a decision for a person, in one set.
    pub(crate) fn person(
        &self,
        policies: &Policies,
        person: &Subject,
        action: &str,
        resource: (&str, &str),
        context: &Value,
    ) -> Result<Allowed, Denied> {
        self.one(policies, person, "User", action, resource, context)
    }

    /// Decides something about a mission for a worker, in one set.
    pub(crate) fn worker(
        &self,
        policies: &Policies,
        worker: &Subject,
        action: &str,
        resource: (&str, &str),
        context: &Value,
    ) -> Result<Allowed, Denied> {
        self.one(policies, worker, "Worker", action, resource, context)
    }

    fn one(
        &self,
        policies: &Policies,
        principal: &Subject,
        kind: &str,
        action: &str,
        resource: (&str, &str),
        context: &Value,
    ) -> Result<Allowed, Denied> {
        let set = policies.compiled(&Question::new(kind, action, resource.0));
        let resource = EntityName::new(resource.0, resource.1);
        let attributes = Value::record([]);
        let inputs = Inputs { principal, resource: &resource, attributes: &attributes, context };
        self.check(action, &[(policies, &set, &inputs)])?;
        match set.decide(&inputs) {
            verdict @ SetVerdict::Permitted { .. } => Ok(Allowed { reasons: vec![verdict.reason(set.kind())] }),
            _ => Err(Refusal::new(Code::NotPermitted, "the rules do not allow this")
                .because(set.explain(&inputs))
                .into()),
        }
    }

    /// Puts the same question to Cedar. A disagreement refuses the call, whatever either said.
    fn check(&self, action: &str, sets: &[(&Policies, &Arc<CompiledSet>, &Inputs<'_>)]) -> Result<(), Denied> {
        for (policies, set, inputs) in sets {
            let ours = permits(set, inputs);
            let cedar = self.oracle.ask(policies.source(), action, inputs);
            if ours != cedar.allowed {
                let set = set.kind();
                return Err(mismatch(format!(
                    "{set} on `{action}`: compiled says {ours}, Cedar says {}",
                    cedar.allowed
                )));
            }
        }
        Ok(())
    }
}

fn mismatch(what: String) -> Denied {
    let refusal = Refusal::new(Code::PolicyMismatch, "the call cannot be decided; an operator has been told");
    let reason = Reason { set: "oracle".to_owned(), policy: None, detail: what.clone() };
    Denied { refusal: refusal.because([reason]), mismatch: Some(what) }
}

fn permits(set: &CompiledSet, inputs: &Inputs<'_>) -> bool {
    matches!(set.decide(inputs), SetVerdict::Permitted { .. })
}

fn call_context(scope: &RunScope, values: &CallValues<'_>) -> Value {
    let count = |number: u64| Value::Long(i64::try_from(number).unwrap_or(i64::MAX));
    let labels = ValueSet::collect(values.run.labels.iter().map(|label| Value::string(label))).unwrap_or_default();
    let run = Value::record([
        (Arc::from("labels"), Value::Set(Arc::new(labels))),
        (Arc::from("reads"), count(values.run.reads)),
        (Arc::from("rows"), count(values.run.rows)),
        (Arc::from("proposals"), count(values.run.proposals)),
    ]);
    Value::record([
        (Arc::from("input"), values.input.clone()),
        (Arc::from("facts"), values.facts.clone()),
        (Arc::from("mission"), scope.bound.clone()),
        (Arc::from("person"), scope.person_context.clone()),
        (Arc::from("run"), run),
        (Arc::from("now"), Value::Datetime(values.now)),
    ])
}

/// Checks a call's arguments against the tool's schema and types them.
pub(crate) fn typed_input(act: &Act, arguments: &serde_json::Map<String, Json>) -> Result<Value, Refusal> {
    let json = Json::Object(arguments.clone());
    if let Some(error) = act.tool.validator.iter_errors(&json).next() {
        let path = error.instance_path().to_string();
        let place = if path.is_empty() { "the arguments".to_owned() } else { format!("`{path}`") };
        return Err(Refusal::new(Code::BadArguments, format!("{place}: {error}; see the tool's input schema")));
    }
    Value::from_json(&json, &act.tool.input_type).map_err(|misfit| {
        Refusal::new(Code::BadArguments, format!("{misfit}; numbers have at most four decimal places"))
    })
}
