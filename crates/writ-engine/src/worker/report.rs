//! Speaking up, waiting, taking stock, and concluding.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_core::event::Event;

use super::act::settled;
use super::{CLAIM_CHARS_MAX, Call};
use crate::engine::Engine;
use crate::executor::unreadable;

const WAIT_SECONDS_DEFAULT: u64 = 20;
const WAIT_SECONDS_MAX: u64 = 25;
/// How many of a run's events its status looks through for earlier reads.
const STATUS_EVENTS_MAX: usize = 1000;

impl Engine {
    pub(super) async fn observe(&self, call: &Call, arguments: &Map<String, Json>) -> Result<Json, Refusal> {
        let text = arguments.get("text").and_then(Json::as_str).unwrap_or_default();
        if text.chars().count() > CLAIM_CHARS_MAX {
            return Err(Refusal::new(
                Code::BadArguments,
                format!("`text` has more than {CLAIM_CHARS_MAX} characters; say it shorter"),
            ));
        }
        self.record(&call.run.id, vec![Event::Claimed { text: text.to_owned() }]).await?;
        Ok(json!({ "recorded": true }))
    }

    /// Waits for a decision without holding anything but this request, and for a bounded time.
    pub(super) async fn decision_wait(&self, call: &Call, arguments: &Map<String, Json>) -> Result<Json, Refusal> {
        let id = arguments.get("decision").and_then(Json::as_str).unwrap_or_default();
        let seconds =
            arguments.get("seconds").and_then(Json::as_u64).unwrap_or(WAIT_SECONDS_DEFAULT).min(WAIT_SECONDS_MAX);
        let mut leaves = self.store.follow();
        let deadline = tokio::time::sleep(Duration::from_secs(seconds));
        tokio::pin!(deadline);
        loop {
            leaves.borrow_and_update();
            let decision = self.store.decision(id).map_err(unreadable)?;
            let decision = decision.filter(|decision| decision.proposal.action.run == call.run.id);
            let decision =
                decision.ok_or_else(|| Refusal::new(Code::DecisionUnknown, "this run has no such decision"))?;
            if decision.status.is_final() {
                return Ok(settled(&decision));
            }
            tokio::select! {
                () = &mut deadline => return Ok(settled(&decision)),
                changed = leaves.changed() => if changed.is_err() { return Ok(settled(&decision)) },
            }
        }
    }

    pub(crate) fn status(&self, call: &Call) -> Result<Json, Refusal> {
        let run = &call.run;
        let mut decisions = Vec::new();
        for id in run.calls.values() {
            if let Some(decision) = self.store.decision(id).map_err(unreadable)? {
                let action = &decision.proposal.action;
                let name = format!("{}.{}", action.integration.name, action.tool);
                // A tool that has left the mission since has no name for workers any more.
                let tool = call.scope.mission.act_of(&name).map_or(name, |act| act.name.clone());
                decisions.push(json!({
                    "decision": decision.id(),
                    "tool": tool,
                    "arguments": decision.proposal.action.arguments,
                    "status": decision.status.name(),
                    "result": decision.result,
                    "note": decision.note,
                }));
            }
        }
        let events = self.store.rail(&run.id, 0, STATUS_EVENTS_MAX).map_err(unreadable)?;
        let reads: Vec<Json> = events
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::Read(read) => Some(json!({ "statement": read.statement, "rows": read.rows })),
                Event::ToolRead { tool, arguments, .. } => Some(json!({ "tool": tool, "arguments": arguments })),
                _ => None,
            })
            .collect();
        let limits = run.start.limits;
        Ok(json!({
            "run": run.id,
            "mission": run.start.mission,
            "purpose": call.scope.mission.definition.purpose,
            "status": run.status.name(),
            "for": run.start.person,
            "bound": run.start.bound,
            "expires_at": writ_core::value::format_datetime(run.expires_at),
            "reads": { "used": run.reads, "of": limits.reads_max, "statements": reads },
            "rows": { "used": run.rows, "of": limits.rows_max },
            "proposals": { "used": run.proposals, "of": limits.proposals_max },
            "decisions": decisions,
        }))
    }

    pub(super) async fn conclude(&self, call: &Call, arguments: &Map<String, Json>) -> Result<Json, Refusal> {
        let verdict = arguments.get("verdict").cloned().unwrap_or_default();
        if let Some(error) = call.scope.mission.verdict.iter_errors(&verdict).next() {
            return Err(Refusal::new(
                Code::BadVerdict,
                format!("the verdict does not fit the mission's schema: {error}"),
            ));
        }
        self.record(&call.run.id, vec![Event::RunConcluded { verdict: verdict.clone() }]).await?;
        self.forget_scope(&call.run.id);
        Ok(json!({ "concluded": true, "verdict": verdict }))
    }
}
