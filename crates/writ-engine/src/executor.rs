//! The executor: from an approved decision to at most one effect.
//!
//! Everything that the approval rests on is looked at again: the run, the tool's pinned definition, the server's
//! identity, the facts, the three policy sets, the approvers' right to approve, and with all of them the digest.
//! Then the intent is recorded and synced; only from that record is a [`Permit`] made, and the permit is used
//! up by one send. What comes back is recorded as it is: an answer, certainly not sent, or unknown.
//!
//! Never: a second send for one intent; a send after a lost answer, unless the operator has said that the
//! integration honours the idempotency key.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use writ_core::code::{Code, Reason, Refusal};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::event::Event;
use writ_core::next_step::NextStep;
use writ_store::Durable;

use crate::engine::Engine;
use crate::permit::Permit;
use crate::upstream::{Answer, Nobody, Sent, UpstreamTask};

/// How often an effect is sent again with the same key, or tried again after it was certainly not sent.
const ATTEMPTS_MAX: u32 = 5;
/// How long to wait before another attempt, doubled each time.
const RETRY_MILLISECONDS: u64 = 500;
/// How long an effect that the integration has made a task of is followed, and how often.
const TASK_MILLISECONDS_MAX: i64 = 10 * 60 * 1000;
const TASK_POLL_MILLISECONDS: u64 = 1_000;

impl Engine {
    /// Executes a decision in the background, unless that is under way.
    pub(crate) fn execute_later(self: &Arc<Self>, decision: &str) {
        if !self.executing.lock().unwrap_or_else(PoisonError::into_inner).insert(decision.to_owned()) {
            return;
        }
        let engine = self.clone();
        let decision = decision.to_owned();
        tokio::spawn(async move {
            if let Err(refusal) = engine.execute(&decision).await {
                tracing::warn!(%refusal, decision, "the decision was not executed");
            }
            engine.executing.lock().unwrap_or_else(PoisonError::into_inner).remove(&decision);
        });
    }

    /// What is to be done with a decision next, as things stand now.
    pub(crate) fn next_step(&self, decision: &Decision) -> NextStep {
        let run = &decision.proposal.action.run;
        let run_is_open = || self.store.run(run).is_ok_and(|run| run.is_some_and(|run| run.status.is_open()));
        decision.next_step(self.clock.now(), ATTEMPTS_MAX, run_is_open)
    }

    async fn execute(&self, id: &str) -> Result<(), Refusal> {
        let Some(decision) = self.store.decision(id).map_err(unreadable)? else { return Ok(()) };
        match self.next_step(&decision) {
            NextStep::Send | NextStep::SendAgain => {}
            NextStep::TakeBack => return self.take_back(&decision).await,
            NextStep::Nothing | NextStep::Expire | NextStep::AskPerson => return Ok(()),
        }
        if decision.attempts > 0 {
            let doubled = RETRY_MILLISECONDS.saturating_mul(1 << decision.attempts.min(8));
            tokio::time::sleep(Duration::from_millis(doubled)).await;
        }
        let run = decision.proposal.action.run.clone();
        let action = &decision.proposal.action;
        let key = decision.idempotency_key();
        // What is sent again is what was approved and may already have happened: the same effect, so it is not decided
        // again. But another server, or another tool of that name, would not know its key.
        let tool = self.same_tool(&action.integration.name, &action.tool, action).await?;
        let unchanged = self.execution.read().await;
        let full_name = format!("{}.{}", action.integration.name, action.tool);
        let tool = match self.quarantine_of(&full_name) {
            Some(refusal) => Err(refusal.reasons),
            None => tool,
        };
        let valid = match (decision.status, tool) {
            (DecisionStatus::Approved, Ok(())) => self.still_valid(&decision).await,
            (_, tool) => tool,
        };
        match valid {
            Ok(()) => {}
            Err(reasons) if decision.status == DecisionStatus::Approved => {
                // The quarantine of its tool may have voided it already.
                let now = self.store.decision(id).map_err(unreadable)?;
                if now.is_none_or(|now| now.status != DecisionStatus::Approved) {
                    return Ok(());
                }
                let event = Event::DecisionVoided { decision: id.to_owned(), reasons };
                return self.record(&run, vec![event]).await.map(|_| ());
            }
            Err(reasons) => {
                let refusal = Refusal::new(Code::OutcomeUnknown, "not sent again: the tool is not the same");
                return Err(refusal.because(reasons));
            }
        }
        let action_digest = action.digest().map_err(|error| Refusal::new(Code::ApprovalVoid, error.to_string()))?;
        let intent = Event::IntentRecorded {
            decision: id.to_owned(),
            action_digest,
            idempotency_key: key.clone(),
            attempt: decision.attempts.saturating_add(1),
        };
        let durable = self.record(&run, vec![intent]).await?;
        drop(unchanged);
        let permit = Permit::for_effect(action, &key, &durable);
        let outcome = match self.upstream.send(permit, Arc::new(Nobody)).await {
            Sent::Answered(answer) => self.outcome_of(&decision, answer),
            // People approved these bytes; what the integration asks beyond them nobody may add. The request itself may
            // have had an effect already.
            Sent::InputRequired(_) => Event::OutcomeUnknown {
                decision: id.to_owned(),
                why: "the integration asks for more input than was approved".to_owned(),
            },
            Sent::Task(task) => self.outcome_of_task(&decision, &task, &durable).await,
            Sent::NotLinked => Event::NotSent {
                decision: id.to_owned(),
                why: format!("`{}` has not linked `{}`", action.person, action.integration.name),
            },
            Sent::NotCompared => Event::NotSent {
                decision: id.to_owned(),
                why: "what the integration offers has to be looked at first".to_owned(),
            },
            Sent::NotSent(why) => Event::NotSent { decision: id.to_owned(), why },
            Sent::Lost(why) => Event::OutcomeUnknown { decision: id.to_owned(), why },
        };
        self.record_outcome(&decision, outcome).await
    }

    /// Records what became of an effect. It did happen, or may have: so for as long as the store takes anything, it takes
    /// this; and where it cannot take the answer itself, then that nobody knows.
    async fn record_outcome(&self, decision: &Decision, outcome: Event) -> Result<(), Refusal> {
        let run = &decision.proposal.action.run;
        loop {
            match self.record(run, vec![outcome.clone()]).await {
                Ok(_) => return Ok(()),
                Err(refusal) if refusal.code == Code::StoreUnavailable && self.store.stopped().is_none() => {
                    tokio::time::sleep(Duration::from_millis(RETRY_MILLISECONDS)).await;
                }
                Err(refusal) if refusal.code == Code::BadArguments => {
                    let why = format!("the integration's answer cannot be recorded: {refusal}");
                    let unknown = Event::OutcomeUnknown { decision: decision.id().to_owned(), why };
                    return self.record(run, vec![unknown]).await.map(|_| ());
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }

    /// What an effect came to by its answer, whether that came at once or from a task.
    fn outcome_of(&self, decision: &Decision, answer: Answer) -> Event {
        Event::OutcomeRecorded {
            decision: decision.id().to_owned(),
            succeeded: !answer.is_error,
            result: answer.result,
            labels: self.labels_of(decision),
        }
    }

    /// The labels that a run picks up with the answer to an effect.
    fn labels_of(&self, decision: &Decision) -> Vec<String> {
        let action = &decision.proposal.action;
        let name = format!("{}.{}", action.integration.name, action.tool);
        let current = self.current();
        current.epoch.tools.get(&name).map(|tool| tool.labels.iter().cloned().collect()).unwrap_or_default()
    }

    /// The integration made a task of an approved effect: asks how it stands until it has ended, or nobody knows.
    async fn outcome_of_task(&self, decision: &Decision, task: &UpstreamTask, intent: &Durable) -> Event {
        let task = task.0.get("taskId").and_then(Json::as_str).unwrap_or_default();
        let started = self.clock.now();
        while self.clock.now().saturating_sub(started) < TASK_MILLISECONDS_MAX {
            tokio::time::sleep(Duration::from_millis(TASK_POLL_MILLISECONDS)).await;
            let permit = Permit::for_task_of_effect(&decision.proposal.action, task, intent);
            let Sent::Answered(answer) = self.upstream.send(permit, Arc::new(Nobody)).await else { continue };
            let member = |name: &str| answer.message.get(name);
            let status = member("status").and_then(Json::as_str);
            match (status, member("result").and_then(Json::as_object)) {
                (Some("completed"), Some(result)) => {
                    return self.outcome_of(decision, Answer::of_tool(result.clone()));
                }
                (Some("failed"), _) => {
                    let error = member("error").cloned().unwrap_or_default();
                    return self.outcome_of(decision, Answer::of(true, error));
                }
                (Some("completed" | "cancelled" | "input_required"), _) => break,
                _ => {}
            }
        }
        Event::OutcomeUnknown {
            decision: decision.id().to_owned(),
            why: "the integration made a task of it, which has no result".to_owned(),
        }
    }

    /// Withdraws an approval that was never sent, after the last attempt.
    async fn take_back(&self, decision: &Decision) -> Result<(), Refusal> {
        let why = format!(
            "not sent after {ATTEMPTS_MAX} attempts: {}",
            decision.note.as_deref().unwrap_or("no reason known")
        );
        let event = Event::DecisionWithdrawn { decision: decision.id().to_owned(), why };
        self.record(&decision.proposal.action.run, vec![event]).await.map(|_| ())
    }

    /// Whether everything that the approval rests on is as it was.
    async fn still_valid(&self, decision: &Decision) -> Result<(), Vec<Reason>> {
        let proposal = &decision.proposal;
        let failed = |check: &str, detail: String| vec![Reason { set: check.to_owned(), policy: None, detail }];
        let of = |refusal: Refusal| {
            if refusal.reasons.is_empty() { failed("check", refusal.message) } else { refusal.reasons }
        };
        let run = match self.store.run(&proposal.action.run) {
            Ok(Some(run)) => run,
            Ok(None) => return Err(failed("run", "the run is not there".to_owned())),
            Err(error) => return Err(failed("run", error.to_string())),
        };
        if !run.status.is_open() {
            return Err(failed("run", format!("the run is {}", run.status.name())));
        }
        let current = self.current();
        let scope = self.scope(&current, &run).await.map_err(of)?;
        let name = format!("{}.{}", proposal.action.integration.name, proposal.action.tool);
        if let Some(refusal) = self.quarantine_of(&name) {
            return Err(of(refusal));
        }
        let act =
            scope.mission.act_of(&name).ok_or_else(|| failed("mission", format!("`{name}` is not part of it")))?;
        let again = self.decided(&current, &scope, act, &run, &proposal.action.arguments).await.map_err(of)?;
        let again = again.action(&current, act, &run, &proposal.action.arguments);
        let digest = again.digest().map_err(|error| failed("digest", error.to_string()))?;
        if digest != proposal.action_digest {
            return Err(changed(&proposal.action, &again));
        }
        for vote in decision.votes.iter().filter(|vote| vote.approve) {
            self.may_decide(&current, &vote.by, decision)
                .await
                .map_err(|refusal| failed("approvals", format!("`{}` may not approve any more: {refusal}", vote.by)))?;
        }
        Ok(())
    }

    /// Whether the server still introduces itself, and describes the tool, as when it was proposed. Where it cannot be
    /// asked at present, nothing is known, and the next sweep asks again.
    async fn same_tool(
        &self,
        integration: &str,
        tool: &str,
        action: &writ_core::digest::Action,
    ) -> Result<Result<(), Vec<Reason>>, Refusal> {
        let differs = |detail: String| Ok(Err(vec![Reason { set: "integration".to_owned(), policy: None, detail }]));
        let current = self.current();
        let server = self
            .upstream
            .describe(integration, Some(&action.person))
            .await
            .map_err(|error| Refusal::new(Code::NotSent, format!("nothing is sent yet: {error}")))?;
        self.compare(&current, integration, &server).await;
        if server.server != action.integration.server {
            return differs(format!("the server is now `{}`", server.server));
        }
        let offered = server.tools.iter().find(|offered| offered.name == tool);
        let digest = offered.and_then(|offered| writ_core::digest::Digest::of_json(&offered.definition).ok());
        if digest != Some(action.schema_digest) {
            return differs(format!("the definition of `{tool}` has changed"));
        }
        Ok(Ok(()))
    }
}

/// Which parts of an action differ, for people.
fn changed(approved: &writ_core::digest::Action, now: &writ_core::digest::Action) -> Vec<Reason> {
    let (approved, now) =
        (serde_json::to_value(approved).unwrap_or_default(), serde_json::to_value(now).unwrap_or_default());
    let fields = approved.as_object().into_iter().flatten();
    let differing = fields.filter(|(name, value)| now.get(*name) != Some(*value));
    differing
        .map(|(name, value)| Reason {
            set: "digest".to_owned(),
            policy: None,
            detail: format!("`{name}` was {value} and is now {}", now.get(name).unwrap_or(&serde_json::Value::Null)),
        })
        .collect()
}

pub(crate) fn unreadable(error: writ_store::ReadError) -> Refusal {
    tracing::error!(%error, "the store cannot be read");
    Refusal::new(Code::StoreUnavailable, "the store cannot be read at present; try again later")
}
