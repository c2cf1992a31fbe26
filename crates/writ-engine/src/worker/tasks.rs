//! Tasks of a run: what waits for a person, and what an integration works on, seen in one form.
//!
//! A task is a projection, never a thing of its own. A decision is in the store, so any server answers for it and a
//! restart loses nothing. A task of an integration is known by an id that carries the call that made it, sealed; each
//! look at it is decided again like that call.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::digest::Digest;
use writ_core::event::Event;
use writ_core::value::parse_datetime;

use super::Call;
use super::act::settled;
use super::fetch::{OnItsWay, Read, refused_by};
use super::overheard::answered_ask;
use super::seal::TaskReference;
use crate::engine::Engine;
use crate::executor::unreadable;
use crate::permit::{Request, TaskStep};
use crate::upstream::{Answer, Nobody, Sent};
use crate::view::{TaskStatus, TaskView, WorkerAccess, WorkerAnswer};

/// How often a worker does well to ask again while a person thinks.
const POLL_MILLISECONDS: u64 = 2_000;
/// How many of those who can decide are named.
const NAMED_MAX: usize = 5;

impl Engine {
    /// How a task of this run stands.
    ///
    /// # Errors
    /// [`Code::UnknownName`] where the run has no such task.
    pub async fn worker_task(self: &Arc<Self>, access: &WorkerAccess, task: &str) -> Result<TaskView, Refusal> {
        let looked = async {
            let call = self.begin(access, None).await?;
            match self.unseal_task(&call.run.id, task) {
                Some(reference) => self.carried_task(&call, task, reference).await,
                None => {
                    let decision = self.own_decision(&call, task)?;
                    Ok(self.task_of(&decision).await)
                }
            }
        };
        self.or_refused(access, "tasks/get", looked.await).await
    }

    /// The run's decisions as tasks, latest last.
    ///
    /// # Errors
    /// [`Code::RunNotOpen`].
    pub async fn worker_tasks(self: &Arc<Self>, access: &WorkerAccess) -> Result<Vec<TaskView>, Refusal> {
        let listed = async {
            let call = self.begin(access, None).await?;
            let mut tasks = Vec::new();
            for id in call.run.calls.values() {
                if let Some(decision) = self.store.decision(id).map_err(unreadable)? {
                    tasks.push(self.task_of(&decision).await);
                }
            }
            tasks.sort_by_key(|task| task.created_at);
            Ok(tasks)
        };
        self.or_refused(access, "tasks/list", listed.await).await
    }

    /// Hands over what an integration's task asked for.
    ///
    /// # Errors
    /// [`Code::UnknownName`] where the run has no such task, [`Code::BadArguments`] where it is a decision: a worker's
    /// own input never counts towards it.
    pub async fn worker_task_update(
        self: &Arc<Self>,
        access: &WorkerAccess,
        task: &str,
        responses: Map<String, Json>,
    ) -> Result<(), Refusal> {
        let updated = async {
            let call = self.begin(access, None).await?;
            let Some(reference) = self.unseal_task(&call.run.id, task) else {
                self.own_decision(&call, task)?;
                return Err(Refusal::new(Code::BadArguments, "this task waits for a person, not for you"));
            };
            let responses = self.answers_to(&call, &reference, responses).await?;
            if responses.is_empty() {
                // What answers nothing is heard, and goes no further.
                return Ok(());
            }
            self.step(&call, &reference, TaskStep::Update(responses)).await.map(|_| ())
        };
        self.or_refused(access, "tasks/update", updated.await).await
    }

    /// Takes a proposal back that has not been sent, or tells an integration that its task is no longer wanted.
    ///
    /// # Errors
    /// [`Code::UnknownName`] where the run has no such task, [`Code::DecisionClosed`] where it is too late.
    pub async fn worker_task_cancel(self: &Arc<Self>, access: &WorkerAccess, task: &str) -> Result<(), Refusal> {
        let cancelled = async {
            let call = self.begin(access, None).await?;
            if let Some(reference) = self.unseal_task(&call.run.id, task) {
                self.record_step(&call, &reference, json!({ "task": reference.task, "cancel": true })).await?;
                return self.step(&call, &reference, TaskStep::Cancel).await.map(|_| ());
            }
            let decision = self.own_decision(&call, task)?;
            if decision.status.is_final() {
                return Ok(());
            }
            let event = Event::DecisionWithdrawn {
                decision: decision.id().to_owned(),
                why: "the worker has taken it back".to_owned(),
            };
            self.record(&call.run.id, vec![event]).await.map(|_| ())
        };
        self.or_refused(access, "tasks/cancel", cancelled.await).await
    }

    fn own_decision(&self, call: &Call, id: &str) -> Result<Arc<Decision>, Refusal> {
        let decision = self.store.decision(id).map_err(unreadable)?;
        decision
            .filter(|decision| decision.proposal.action.run == call.run.id)
            .ok_or_else(|| Refusal::new(Code::UnknownName, "this run has no such task"))
    }

    /// A decision as a task.
    async fn task_of(&self, decision: &Decision) -> TaskView {
        let status = match decision.status {
            DecisionStatus::Pending | DecisionStatus::Approved | DecisionStatus::Sending | DecisionStatus::Unknown => {
                TaskStatus::Working
            }
            DecisionStatus::Succeeded
            | DecisionStatus::Failed
            | DecisionStatus::Rejected
            | DecisionStatus::Expired
            | DecisionStatus::Voided => TaskStatus::Completed,
            DecisionStatus::Withdrawn => TaskStatus::Cancelled,
        };
        let message = match decision.status {
            DecisionStatus::Pending => self.who_decides(decision).await,
            DecisionStatus::Approved | DecisionStatus::Sending => "approved; it is being carried out".to_owned(),
            DecisionStatus::Unknown => "nobody knows yet whether it happened; a person is to look".to_owned(),
            other => decision
                .note
                .as_ref()
                .map_or_else(|| other.name().to_owned(), |note| format!("{}: {note}", other.name())),
        };
        let updated_at = self.store.recorded_at(decision.version).unwrap_or(decision.proposed_at);
        let is_done = status == TaskStatus::Completed;
        TaskView {
            task: decision.id().to_owned(),
            status,
            message: Some(message),
            created_at: decision.proposed_at,
            updated_at,
            keep_milliseconds: None,
            poll_milliseconds: POLL_MILLISECONDS,
            result: is_done.then(|| result_of(decision)),
            error: None,
            asks: Map::new(),
        }
    }

    /// Who can decide, in words for a worker.
    async fn who_decides(&self, decision: &Decision) -> String {
        let current = self.current();
        let mut able = Vec::new();
        for person in current.epoch.people.people.keys() {
            let has_voted = decision.votes.iter().any(|vote| vote.by == *person);
            if !has_voted && self.may_decide(&current, person, decision).await.is_ok() {
                able.push(person.as_str());
            }
            if able.len() > NAMED_MAX {
                break;
            }
        }
        let until = writ_core::value::format_datetime(decision.proposal.expires_at);
        let given = decision.votes.iter().filter(|vote| vote.approve).count();
        let needed = usize::try_from(decision.proposal.approvals_needed).unwrap_or(usize::MAX).saturating_sub(given);
        let who = match able.len() {
            0 => "nobody at present, by the approval rules".to_owned(),
            count if count > NAMED_MAX => {
                format!("{} and others", able.get(..NAMED_MAX).unwrap_or_default().join(", "))
            }
            _ => able.join(", "),
        };
        format!("waits for {needed} approval{} until {until}; can decide: {who}", if needed == 1 { "" } else { "s" })
    }

    /// How an integration's task stands, decided again and looked at like the call that made it.
    async fn carried_task(
        self: &Arc<Self>,
        call: &Call,
        id: &str,
        reference: TaskReference,
    ) -> Result<TaskView, Refusal> {
        let (read, decided, answer) = self.step(call, &reference, TaskStep::Get).await?;
        let member = |name: &str| answer.message.get(name);
        let text = |name: &str| member(name).and_then(Json::as_str);
        let time = |name: &str| text(name).and_then(parse_datetime).unwrap_or_default();
        let mut view = TaskView {
            task: id.to_owned(),
            status: match text("status") {
                Some("input_required") => TaskStatus::InputRequired,
                Some("completed") => TaskStatus::Completed,
                Some("failed") => TaskStatus::Failed,
                Some("cancelled") => TaskStatus::Cancelled,
                _ => TaskStatus::Working,
            },
            message: text("statusMessage").map(str::to_owned),
            created_at: time("createdAt"),
            updated_at: time("lastUpdatedAt"),
            keep_milliseconds: member("ttlMs").and_then(Json::as_u64),
            poll_milliseconds: member("pollIntervalMs").and_then(Json::as_u64).unwrap_or(POLL_MILLISECONDS),
            result: None,
            error: member("error").and_then(Json::as_object).cloned(),
            asks: member("inputRequests").and_then(Json::as_object).cloned().unwrap_or_default(),
        };
        let refused = view.asks.values().any(|ask| {
            let method = ask.get("method").and_then(Json::as_str).unwrap_or_default();
            !crate::upstream::ask_of(method).is_some_and(|ask| read.act.tool.asks.contains(&ask))
        });
        if refused {
            return Err(Refusal::new(
                Code::UpstreamError,
                "the integration asks for something that it may not ask here",
            ));
        }
        if read.act.looks_at_results() {
            view.asks = Map::new();
            // Words beside a result would get round what is said about results.
            view.message = None;
            view.error = view.error.map(|_| Map::from_iter([("message".to_owned(), json!("the task failed"))]));
        }
        if view.status == TaskStatus::Completed {
            let result = member("result").and_then(Json::as_object).cloned().unwrap_or_default();
            let WorkerAnswer::Passed(message) = self.release(&read, &decided, Answer::of_tool(result)).await? else {
                return Err(Refusal::new(Code::UpstreamError, "the integration's task has no result"));
            };
            view.result = Some(message);
        } else {
            self.record_look(&read, &answer).await?;
        }
        Ok(view)
    }

    /// What of a worker's words answers something that the integration may ask; recorded before it is told.
    async fn answers_to(
        &self,
        call: &Call,
        reference: &TaskReference,
        mut responses: Map<String, Json>,
    ) -> Result<Map<String, Json>, Refusal> {
        let unknown = || Refusal::new(Code::UnknownName, "this run has no such task");
        let act = call.scope.mission.act_of(&reference.action).ok_or_else(unknown)?;
        // Nothing is recorded as told that may not be told.
        self.decided(&call.current, &call.scope, act, &call.run, &reference.arguments).await?;
        let mut events = Vec::new();
        let mut failed = None;
        responses.retain(|_, response| {
            let ask = answered_ask(response).filter(|ask| act.tool.asks.contains(ask) && !act.looks_at_results());
            let Some(ask) = ask else { return false };
            match Digest::of_json(response) {
                Ok(answer) => {
                    let (tool, answer) = (act.tool.full_name.clone(), Some(answer));
                    events.push(Event::Asked { tool, ask, question: None, answer, labels: Vec::new() });
                }
                Err(error) => failed = Some(Refusal::new(Code::BadArguments, error.to_string())),
            }
            true
        });
        if let Some(refusal) = failed {
            return Err(refusal);
        }
        if !events.is_empty() {
            self.record(&call.run.id, events).await?;
        }
        Ok(responses)
    }

    /// Records what a worker tells an integration about a task, before it is told.
    async fn record_step(&self, call: &Call, reference: &TaskReference, told: Json) -> Result<(), Refusal> {
        let unknown = || Refusal::new(Code::UnknownName, "this run has no such task");
        let act = call.scope.mission.act_of(&reference.action).cloned().ok_or_else(unknown)?;
        let arguments = told.as_object().cloned().unwrap_or_default();
        self.record_look(&Read { call, act, arguments }, &Answer::default()).await
    }

    /// One step with an integration's task.
    async fn step<'a>(
        self: &Arc<Self>,
        call: &'a Call,
        reference: &TaskReference,
        step: TaskStep,
    ) -> Result<(Read<'a>, super::act::Decided, Answer), Refusal> {
        let unknown = || Refusal::new(Code::UnknownName, "this run has no such task");
        let act = call.scope.mission.act_of(&reference.action).cloned().ok_or_else(unknown)?;
        self.may_read(call)?;
        let decided = self.decided(&call.current, &call.scope, &act, &call.run, &reference.arguments).await?;
        let on_its_way = OnItsWay::new(self, call, &act, &reference.arguments);
        let read = Read { call, act, arguments: reference.arguments.clone() };
        let request = || Request::Task { task: reference.task.clone(), step: step.clone() };
        let stepped = match self.send_read(call, &read.act, &decided, request, Arc::new(Nobody)).await {
            Ok(Sent::Answered(answer)) if !answer.is_error => Ok(answer),
            Ok(Sent::Answered(answer)) => {
                self.record_read(&read, &answer.message, &answer.result, true).await?;
                Err(refused_by(&read, &answer))
            }
            Ok(other) => Err(self.no_answer(&read, other).await),
            Err(refusal) => Err(refusal),
        };
        on_its_way.has_ended();
        stepped.map(|answer| (read, decided, answer))
    }
}

/// What a call has come to, as a tool's result in the protocol's own form.
fn result_of(decision: &Decision) -> Map<String, Json> {
    let content = settled(decision);
    let is_error = decision.status != DecisionStatus::Succeeded;
    let text = json!([{ "type": "text", "text": content.to_string() }]);
    Map::from_iter([
        ("content".to_owned(), text),
        ("structuredContent".to_owned(), content),
        ("isError".to_owned(), Json::Bool(is_error)),
    ])
}
