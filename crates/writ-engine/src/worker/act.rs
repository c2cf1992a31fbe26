//! Calls of integrations' tools: reads go through at once, effects become decisions.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Reason, Refusal};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::definition::ToolClass;
use writ_core::digest::{Action, call_digest};
use writ_core::event::{Event, Milliseconds, Proposal};
use writ_core::run::Run;
use writ_core::value::Value;
use writ_knowledge::QueryLimits;

use super::{Call, Worker};
use crate::decide::{Allowed, CallValues, typed_input};
use crate::engine::{Current, Engine, readable};
use crate::epoch::Act;
use crate::executor::unreadable;
use crate::scope::RunScope;
use crate::token::new_id;
use crate::view::{PersonAccess, WorkerAnswer};

/// A call that policy allows.
pub(crate) struct Decided {
    pub(crate) allowed: Allowed,
    input: Value,
    facts: Value,
}

impl Decided {
    /// The values that the call's conditions read.
    pub(crate) fn values<'a>(&'a self, call: &'a Call, now: Milliseconds) -> CallValues<'a> {
        CallValues { input: &self.input, facts: &self.facts, run: &call.run, now }
    }

    /// Everything that an approval of the call would rest on.
    pub(crate) fn action(&self, current: &Current, act: &Act, run: &Run, arguments: &Map<String, Json>) -> Action {
        Action {
            integration: act.tool.identity.clone(),
            tool: act.tool.tool.clone(),
            schema_digest: act.tool.schema_digest,
            arguments: arguments.clone(),
            run: run.id.clone(),
            mission: run.start.mission.clone(),
            mission_version: run.start.mission_version,
            person: run.start.person.clone(),
            worker: run.start.worker.clone(),
            policy: current.epoch.policy,
            facts: readable(&self.facts).as_object().cloned().unwrap_or_default(),
        }
    }

    /// Input, facts and mission parameters, readable, for templates.
    fn readable(&self, scope: &RunScope, arguments: &Map<String, Json>) -> Json {
        let facts = readable(&self.facts);
        json!({ "input": readable_input(&self.input, arguments), "facts": facts, "mission": readable(&scope.bound) })
    }
}

impl Engine {
    pub(super) async fn act(
        self: &Arc<Self>,
        worker: &Worker<'_>,
        act: &Arc<Act>,
        arguments: Map<String, Json>,
    ) -> Result<WorkerAnswer, Refusal> {
        match act.tool.class {
            ToolClass::Read => self.fetch(worker, act, arguments).await,
            ToolClass::Effect => {
                if worker.continued.as_ref().is_some_and(|continued| continued.state.is_some()) {
                    let message = "`requestState` is not what this call was given; send it back as it came";
                    return Err(Refusal::new(Code::BadArguments, message));
                }
                let content = self.propose(worker.call, act, arguments).await?;
                let waits_for = content.pointer("/pending/decision").and_then(Json::as_str).map(str::to_owned);
                Ok(WorkerAnswer::Own { content, is_error: false, waits_for })
            }
        }
    }

    /// Checks, types and decides a call on the present facts.
    pub(crate) async fn decided(
        &self,
        current: &Current,
        scope: &RunScope,
        act: &Act,
        run: &Run,
        arguments: &Map<String, Json>,
    ) -> Result<Decided, Refusal> {
        if let Some(refusal) = self.quarantine_of(&act.tool.full_name) {
            return Err(refusal);
        }
        let input = typed_input(act, arguments)?;
        let facts = self.facts(scope, act, &input).await?;
        let values = CallValues { input: &input, facts: &facts, run, now: self.clock.now() };
        let decided = self.decider.call(&current.epoch, scope, act, &values, act.tool.class == ToolClass::Effect);
        let allowed = match decided {
            Ok(allowed) => allowed,
            Err(denied) => {
                if let Some(mismatch) = &denied.mismatch {
                    self.alarm(Some(&run.id), mismatch).await;
                }
                return Err(denied.refusal);
            }
        };
        Ok(Decided { allowed, input, facts })
    }

    /// Reads the facts that the mission's condition needs. A fact without exactly one value refuses the call, in
    /// words that do not tell whether the thing exists elsewhere.
    async fn facts(&self, scope: &RunScope, act: &Act, input: &Value) -> Result<Value, Refusal> {
        let parameter = |name: &str| match name.split_once('.') {
            None if name == "person" => scope.person_context.at(&["id"]).cloned(),
            Some(("input", path)) => input.at(&path.split('.').collect::<Vec<_>>()).cloned(),
            Some(("mission", name)) => scope.bound.at(&[name]).cloned(),
            _ => None,
        };
        let mut fields = Vec::with_capacity(act.facts.len());
        for (name, fact) in &act.facts {
            let value = fact.evaluate(&scope.fact_slices, &parameter, &QueryLimits::default()).await.map_err(|error| {
                let message = "these arguments name nothing in this mission's scope; read with `knowledge_query` what there is";
                Refusal::new(Code::FactMissing, message)
                    .because([Reason { set: "mission".to_owned(), policy: Some(format!("fact {name}")), detail: error.to_string() }])
            })?;
            fields.push((Arc::from(name.as_str()), value));
        }
        Ok(Value::record(fields))
    }

    /// An effect: an identical call finds its earlier decision again, a new one waits for a person.
    async fn propose(self: &Arc<Self>, call: &Call, act: &Act, arguments: Map<String, Json>) -> Result<Json, Refusal> {
        let call_digest = call_digest(&act.tool.identity.name, &act.tool.tool, &arguments)
            .map_err(|error| Refusal::new(Code::BadArguments, error.to_string()))?;
        if let Some(earlier) = call.run.calls.get(&call_digest.to_string())
            && let Some(decision) = self.store.decision(earlier).map_err(unreadable)?
            && let Some(answer) = repeated(&decision)
        {
            return answer;
        }
        let decided = self.decided(&call.current, &call.scope, act, &call.run, &arguments).await?;
        let action = decided.action(&call.current, act, &call.run, &arguments);
        let readable = || decided.readable(&call.scope, &arguments);
        let effect_key = act.effect_key.as_ref().map(|template| template.render(&readable())).transpose();
        let effect_key = effect_key.map_err(|error| Refusal::new(Code::BadArguments, error.to_string()))?;
        let action_digest = action.digest().map_err(|error| Refusal::new(Code::BadArguments, error.to_string()))?;
        let proposal = Proposal {
            decision: new_id("d")?,
            action,
            action_digest,
            effect_key,
            approvals_needed: act.approvals,
            expires_at: self.clock.now().saturating_add(act.within_milliseconds),
            profile: act.tool.profile,
            permitted_by: decided.allowed.reasons().to_vec(),
            claim: call.claim.clone(),
        };
        let id = proposal.decision.clone();
        let recorded = self.record(&call.run.id, vec![Event::Proposed(Box::new(proposal))]).await;
        match recorded {
            Ok(durable) => match durable.decision() {
                Some(decision) => Ok(pending(decision)),
                None => Err(Refusal::new(Code::Internal, format!("decision `{id}` was recorded but cannot be shown"))),
            },
            // Somebody proposed the same in the meantime: the same run asking twice at once.
            Err(refusal) => match self.earlier(&call.run.id, &call_digest.to_string())? {
                Some(decision) => repeated(&decision).unwrap_or(Err(refusal)),
                None => Err(refusal),
            },
        }
    }

    fn earlier(&self, run: &str, call_digest: &str) -> Result<Option<Arc<Decision>>, Refusal> {
        let run = self.store.run(run).map_err(unreadable)?;
        match run.and_then(|run| run.calls.get(call_digest).cloned()) {
            Some(decision) => self.store.decision(&decision).map_err(unreadable),
            None => Ok(None),
        }
    }

    /// Whether a person may decide a decision: not the one acted for, and by the approval rules.
    pub(crate) async fn may_decide(&self, current: &Current, person: &str, decision: &Decision) -> Result<(), Refusal> {
        let action = &decision.proposal.action;
        if action.person == person {
            return Err(Refusal::new(Code::VoteRefused, "the person that the run acts for does not decide"));
        }
        let name = format!("{}.{}", action.integration.name, action.tool);
        let refused = |why: &str| Refusal::new(Code::VoteRefused, why.to_owned());
        let tool = current.epoch.tools.get(&name).ok_or_else(|| refused("the tool is not there any more"))?;
        let subject = self.subject(current, person).await?;
        let acted_for = self.subject(current, &action.person).await?;
        let input = Value::from_json(&Json::Object(action.arguments.clone()), &tool.input_type)
            .map_err(|_| refused("the arguments do not fit the tool any more"))?;
        let context = Value::record([
            (Arc::from("input"), input),
            (Arc::from("mission"), Value::record([(Arc::from("name"), Value::string(&action.mission))])),
            (Arc::from("person"), acted_for.attributes),
            (Arc::from("worker"), Value::string(&action.worker)),
            (Arc::from("now"), Value::Datetime(self.clock.now())),
        ]);
        let asked = self.decider.person(
            &current.epoch.approvals,
            &subject,
            &format!("decide:{name}"),
            ("Tool", &name),
            &context,
        );
        match asked {
            Ok(_) => Ok(()),
            Err(denied) => {
                if let Some(mismatch) = &denied.mismatch {
                    self.alarm(None, mismatch).await;
                }
                Err(Refusal::new(Code::VoteRefused, "the approval rules do not let you decide this")
                    .because(denied.refusal.reasons))
            }
        }
    }

    /// Whether a person may do something with a mission's runs, by the approval rules.
    pub(crate) async fn may_on_mission(&self, who: &PersonAccess, action: &str, mission: &str) -> bool {
        let current = self.current();
        let Ok(subject) = self.subject(&current, &who.person).await else { return false };
        let context = Value::record([(Arc::from("now"), Value::Datetime(self.clock.now()))]);
        self.decider.person(&current.epoch.approvals, &subject, action, ("Mission", mission), &context).is_ok()
    }
}

/// Arguments for a template: typed where there is a type, so that money reads as money.
fn readable_input(input: &Value, arguments: &Map<String, Json>) -> Json {
    let mut shown = Json::Object(arguments.clone());
    if let (Json::Object(shown), Json::Object(typed)) = (&mut shown, readable(input)) {
        shown.extend(typed);
    }
    shown
}

/// The answer to a call that has a decision already; nothing where it may be proposed anew.
fn repeated(decision: &Decision) -> Option<Result<Json, Refusal>> {
    match decision.status {
        DecisionStatus::Pending | DecisionStatus::Approved | DecisionStatus::Sending | DecisionStatus::Unknown => {
            Some(Ok(pending(decision)))
        }
        DecisionStatus::Succeeded | DecisionStatus::Failed => Some(Ok(settled(decision))),
        DecisionStatus::Rejected => {
            let why = decision.note.as_deref().unwrap_or("no reason given");
            Some(Err(Refusal::new(Code::RejectedBefore, format!("a person has rejected exactly this: {why}"))))
        }
        DecisionStatus::Expired | DecisionStatus::Withdrawn | DecisionStatus::Voided => None,
    }
}

fn pending(decision: &Decision) -> Json {
    json!({ "pending": {
        "decision": decision.id(),
        "status": decision.status.name(),
        "expires_at": writ_core::value::format_datetime(decision.proposal.expires_at),
        "hint": "a person decides on exactly these arguments; call `decision_wait` with this decision, or go on with something else",
    } })
}

pub(super) fn settled(decision: &Decision) -> Json {
    json!({ "decision": {
        "decision": decision.id(),
        "status": decision.status.name(),
        "result": decision.result,
        "note": decision.note,
    } })
}
