//! The events of a proof in words, for a terminal.
//!
//! Everything is somebody's text: characters that would not show, or would steer the terminal, are written out.

use serde::Serialize;
use writ_core::event::{Event, RunStart};
use writ_core::visible::visible_line;
use writ_store::{Account, Entry};

/// What an account shows, in one line.
pub(super) fn shown(account: &Account) -> String {
    let RunStart { mission, person, .. } = &account.start;
    let run = account.whole_run.iter().map(|run| format!(" is {}", run.status.name()));
    let decisions = account.decisions.iter();
    let decisions = decisions.map(|decision| format!("; decision {} is {}", decision.id(), decision.status.name()));
    let shown: String = run.chain(decisions).collect();
    visible_line(&format!("run {} of {mission} for {person}{shown}", account.run))
}

/// One event in one line: leaf, kind, and what matters of it.
pub(super) fn event(entry: &Entry) -> String {
    let event = &entry.recorded.event;
    let line = format!("{:>6}  {:<18}  {}", entry.leaf(), event.kind(), visible_line(&details(event)));
    line.trim_end().to_owned()
}

fn details(event: &Event) -> String {
    match event {
        Event::RunStarted(start) => {
            let RunStart { mission, worker, person, started_by, bound, .. } = &**start;
            format!("{mission} for {person}, by worker {worker}, started by {started_by}: {}", json(bound))
        }
        Event::Proposed(proposal) => {
            let (action, digest) = (&proposal.action, proposal.action_digest);
            format!("{}.{}, digest {digest}: {}", action.integration.name, action.tool, json(&action.arguments))
        }
        Event::Voted { vote, .. } => {
            let answer = if vote.approve { "yes" } else { "no" };
            let reason = vote.reason.iter().map(|reason| format!(": {reason}"));
            format!("{} says {answer} to digest {}{}", vote.by, vote.action_digest, reason.collect::<String>())
        }
        Event::IntentRecorded { attempt, .. } => format!("attempt {attempt}"),
        Event::OutcomeRecorded { succeeded, result, .. } => {
            format!("{}: {}", if *succeeded { "it succeeded" } else { "it failed" }, json(result))
        }
        Event::OutcomeSettled { by, succeeded, note, .. } => {
            format!("{by} found that it {}: {note}", if *succeeded { "happened" } else { "did not happen" })
        }
        Event::NotSent { why, .. } | Event::OutcomeUnknown { why, .. } | Event::DecisionWithdrawn { why, .. } => {
            why.clone()
        }
        Event::DecisionVoided { reasons, .. } => reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Event::Read(read) => format!("{} rows for {}", read.rows, read.statement),
        Event::ToolRead { tool, .. } | Event::Asked { tool, .. } => tool.clone(),
        Event::Refused { request, code, .. } => format!("{code}: {request}"),
        Event::Claimed { text } | Event::Alarm { what: text } => text.clone(),
        Event::RunConcluded { verdict } => json(verdict),
        Event::RunStopped { by, reason } => format!("by {by}: {reason}"),
        _ => String::new(),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
