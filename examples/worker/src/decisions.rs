//! Proposing something and learning what people decided.
//!
//! A proposal's answer names a decision. The worker asks again and again how it stands, each time letting the server
//! wait, until it can change no more. Proposing the same thing again leads to the same decision, so that a worker
//! that was killed finds its own.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::answer::{Answer, Refused};
use crate::error::WorkerError;
use crate::report::{Report, Step};
use crate::session::Session;

/// How long the server may wait within one call.
const WAIT_SECONDS: u64 = 20;
/// The least pause between two questions, should the server answer at once.
const PAUSE_MILLISECONDS: u64 = 200;
/// Where a decision can still change.
const OPEN: [&str; 4] = ["pending", "approved", "sending", "unknown"];

/// What came of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proposed {
    /// A person decides, or has decided.
    Decision(String),
    /// It was refused at once.
    Refused(Refused),
}

/// How a decision ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    pub(crate) status: String,
    pub(crate) note: Option<String>,
}

impl Ending {
    /// Whether the effect happened.
    pub(crate) fn succeeded(&self) -> bool {
        self.status == "succeeded"
    }

    /// The ending of what never became a decision.
    fn of_refusal(refused: &Refused) -> Self {
        Self { status: "refused".to_owned(), note: Some(refused.message.clone()) }
    }
}

/// Proposes a call, with the worker's reason.
pub(crate) async fn propose(
    session: &Session,
    tool: &str,
    mut arguments: Map<String, Json>,
    why: &str,
) -> Result<Proposed, WorkerError> {
    arguments.insert("writ_reason".to_owned(), json!(why));
    let answer = session.call(tool, Json::Object(arguments)).await?;
    if let Some(id) = decision_id(&answer.content) {
        return Ok(Proposed::Decision(id));
    }
    match answer.refused() {
        Some(refused) => Ok(Proposed::Refused(refused)),
        None => Err(unexpected(answer)),
    }
}

/// Waits until a proposal's decision can change no more.
pub(crate) async fn ending(
    session: &Session,
    report: &Report,
    tool: &str,
    proposed: &Proposed,
) -> Result<Ending, WorkerError> {
    let id = match proposed {
        Proposed::Decision(id) => id,
        Proposed::Refused(refused) => return Ok(Ending::of_refusal(refused)),
    };
    let mut last = String::new();
    loop {
        let question = json!({ "decision": id, "seconds": WAIT_SECONDS });
        let answer = session.call("decision_wait", question).await?.accepted()?;
        let Some(status) = status(&answer.content).map(str::to_owned) else {
            return Err(unexpected(answer));
        };
        if !OPEN.contains(&status.as_str()) {
            let ending = Ending { note: note(&answer.content), status };
            let text = match &ending.note {
                Some(note) => format!("{tool} ({id}): {} ({note})", ending.status),
                None => format!("{tool} ({id}): {}", ending.status),
            };
            let details = json!({ "tool": tool, "decision": id, "status": ending.status, "note": ending.note });
            report.done(Step::Decided, &text, details).await?;
            return Ok(ending);
        }
        if status != last {
            let text = format!("{tool} ({id}) is {status}: waiting for a person");
            report.done(Step::Waiting, &text, json!({ "tool": tool, "decision": id, "status": status })).await?;
            last = status;
        }
        tokio::time::sleep(Duration::from_millis(PAUSE_MILLISECONDS)).await;
    }
}

/// The arguments with which an earlier life of this worker called the same tool, as far as the run's status shows
/// them, refused calls included.
pub(crate) fn earlier_arguments<'a>(status: &'a Json, tool: &str) -> Vec<&'a Map<String, Json>> {
    let mut found = Vec::new();
    collect(status, tool, &mut found);
    found
}

fn collect<'a>(value: &'a Json, tool: &str, found: &mut Vec<&'a Map<String, Json>>) {
    match value {
        Json::Object(members) => {
            let names_it = |name: &Json| name.as_str().is_some_and(|name| name.replace('.', "_") == tool);
            if members.values().any(names_it) {
                found.extend(members.get("arguments").and_then(Json::as_object));
            }
            members.values().for_each(|value| collect(value, tool, found));
        }
        Json::Array(values) => values.iter().for_each(|value| collect(value, tool, found)),
        _ => {}
    }
}

/// The part of an answer that is about the decision.
fn about(content: &Json) -> Option<&Json> {
    ["pending", "decision"].iter().find_map(|member| content.get(member)).filter(|about| about.is_object())
}

fn decision_id(content: &Json) -> Option<String> {
    let id = match about(content) {
        Some(about) => about.get("decision").or_else(|| about.get("id")),
        None => content.get("decision"),
    };
    id?.as_str().map(str::to_owned)
}

fn status(content: &Json) -> Option<&str> {
    about(content).unwrap_or(content).get("status")?.as_str()
}

fn note(content: &Json) -> Option<String> {
    about(content).unwrap_or(content).get("note")?.as_str().map(str::to_owned)
}

fn unexpected(answer: Answer) -> WorkerError {
    WorkerError::Unexpected { tool: answer.tool, answer: answer.content.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_found_where_it_waits_and_where_it_ended() {
        let waiting = json!({ "pending": { "decision": "d-1", "status": "pending", "hint": "wait" } });
        assert_eq!(decision_id(&waiting).as_deref(), Some("d-1"));
        assert_eq!(status(&waiting), Some("pending"));
        let ended = json!({ "decision": { "decision": "d-1", "status": "rejected", "note": "not torn" } });
        assert_eq!(decision_id(&ended).as_deref(), Some("d-1"));
        assert_eq!((status(&ended), note(&ended).as_deref()), (Some("rejected"), Some("not torn")));
        let told = json!({ "decision": "d-1", "status": "succeeded", "result": {} });
        assert_eq!((decision_id(&told).as_deref(), status(&told)), (Some("d-1"), Some("succeeded")));
        let refused = json!({ "refused": { "code": "not_permitted" } });
        assert_eq!(decision_id(&refused), None);
    }

    #[test]
    fn earlier_arguments_are_found_by_the_tool() {
        let arguments = json!({ "payment_id": "p-1", "amount": 240.0 });
        for name in ["shop_refund_payment", "shop.refund_payment"] {
            let status = json!({ "decisions": [
                { "tool": "shop_notify_customer", "arguments": { "to": "a@b" } },
                { "action": { "tool": name, "arguments": arguments } },
            ]});
            let found = earlier_arguments(&status, "shop_refund_payment");
            assert_eq!(found, [arguments.as_object().unwrap()]);
        }
        assert!(earlier_arguments(&json!({ "decisions": [] }), "shop_refund_payment").is_empty());
    }
}
