//! Checks over what was seen: answers, the stub's ledger, the events of a run.
//!
//! Pure functions over data, so that each can be shown to fail. Nothing here asks the engine anything, and nothing is
//! believed because the engine said so where the ledger can say it.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::definition::Mask;
use writ_core::digest::Digest;
use writ_core::event::{Event, Read, Recorded};

/// Why a guarantee did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It does not hold, with what was seen.
    Failed(String),
    /// It cannot be tried, with the reason.
    NotApplicable(String),
}

/// Whether something holds.
pub(crate) type Holds = Result<(), Stop>;

/// One thing that an integration did.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) integration: String,
    pub(crate) tool: String,
    pub(crate) arguments: Map<String, Json>,
    /// The idempotency key that came with it.
    pub(crate) key: Option<String>,
}

/// What somebody was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// The code of the refusal, where it was one.
    pub(crate) refused: Option<String>,
    /// The answer, or the refusal's message.
    pub(crate) content: Json,
}

impl Said {
    /// A worker's answer, in the engine's own form.
    pub(crate) fn to_worker(content: Json) -> Self {
        let refused = content.pointer("/refused/code").and_then(Json::as_str).map(str::to_owned);
        Self { refused, content }
    }

    /// A person's answer, or what a token was answered.
    pub(crate) fn of<T>(answer: Result<T, Refusal>) -> Self {
        match answer {
            Ok(_) => Self { refused: None, content: json!("it was allowed") },
            Err(refusal) => {
                Self { refused: Some(refusal.code.name().to_owned()), content: Json::String(refusal.message) }
            }
        }
    }

    /// The decision that waits.
    pub(crate) fn pending(&self) -> Option<&str> {
        self.content.pointer("/pending/decision").and_then(Json::as_str)
    }

    /// The decision that is settled.
    pub(crate) fn settled(&self) -> Option<&str> {
        self.content.pointer("/decision/decision").and_then(Json::as_str)
    }
}

/// A failure.
pub(crate) fn failed<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(why.into()))
}

/// Something was refused, with one of these codes.
pub(crate) fn refused(what: &str, said: &Said, codes: &[Code]) -> Holds {
    let expected: Vec<&str> = codes.iter().map(|code| code.name()).collect();
    match &said.refused {
        Some(code) if expected.contains(&code.as_str()) => Ok(()),
        Some(code) => failed(format!("{what}: refused with `{code}`, not with `{}`", expected.join("` or `"))),
        None => failed(format!("{what}: not refused, but answered {}", said.content)),
    }
}

/// Nothing was done.
pub(crate) fn nothing_done(ledger: &[Entry]) -> Holds {
    match ledger.first() {
        None => Ok(()),
        Some(entry) => failed(format!(
            "nothing may be done, and {} things were; the first: `{}.{}` with {}",
            ledger.len(),
            entry.integration,
            entry.tool,
            json!(entry.arguments)
        )),
    }
}

/// What was approved was done as often as this, each time with the approved arguments and the decision's key, and
/// nothing else was done.
pub(crate) fn done_as_approved(ledger: &[Entry], decision: &Decision, times: usize) -> Holds {
    let action = &decision.proposal.action;
    let expected = Entry {
        integration: action.integration.name.clone(),
        tool: action.tool.clone(),
        arguments: action.arguments.clone(),
        key: Some(decision.idempotency_key()),
    };
    if let Some(other) = ledger.iter().find(|entry| **entry != expected) {
        return failed(format!(
            "something else was done than was approved: `{}.{}` with {} under the key {}",
            other.integration,
            other.tool,
            json!(other.arguments),
            json!(other.key)
        ));
    }
    if ledger.len() == times { Ok(()) } else { failed(format!("it was done {} times, not {times}", ledger.len())) }
}

/// A decision stands so.
pub(crate) fn stands(decision: &Decision, wanted: DecisionStatus) -> Holds {
    let status = decision.status;
    if status == wanted {
        return Ok(());
    }
    failed(format!("the decision is `{}`, not `{}`", status.name(), wanted.name()))
}

/// The run's record has, in this order: the proposal; enough approvals of its digest, by different people of whom none
/// is the one acted for; the intent with the same digest; the outcome.
pub(crate) fn rests_on_approvals(rail: &[Recorded], decision: &str) -> Holds {
    let mut proposal = None;
    let mut approvers = BTreeSet::new();
    let mut intended = false;
    for event in rail.iter().map(|recorded| &recorded.event).filter(|event| event.decision() == Some(decision)) {
        match (event, proposal) {
            (Event::Proposed(proposed), _) => proposal = Some(proposed),
            (_, None) => return failed(format!("`{}` is recorded before the proposal", event.kind())),
            (Event::Voted { vote, .. }, Some(proposed)) => {
                if vote.action_digest != proposed.action_digest {
                    return failed("a vote on another digest is recorded");
                }
                if vote.by == proposed.action.person {
                    return failed("a vote of the person acted for is recorded");
                }
                if vote.approve && !approvers.insert(vote.by.as_str()) {
                    return failed(format!("two votes of `{}` are recorded", vote.by));
                }
            }
            (Event::IntentRecorded { action_digest, .. }, Some(proposed)) => {
                if *action_digest != proposed.action_digest {
                    return failed("the intent is for another digest than the proposal");
                }
                if approvers.len() < usize::try_from(proposed.approvals_needed.max(1)).unwrap_or(usize::MAX) {
                    return failed(format!("the intent is recorded after {} approvals", approvers.len()));
                }
                intended = true;
            }
            (Event::OutcomeRecorded { .. }, Some(_)) => {
                return if intended { Ok(()) } else { failed("an outcome is recorded without an intent") };
            }
            _ => {}
        }
    }
    failed("the record has no outcome")
}

/// A refusal with this code is on the run's record, with its reasons.
pub(crate) fn refusal_is_recorded(rail: &[Recorded], expected: Code) -> Holds {
    let found = rail.iter().any(|recorded| {
        matches!(&recorded.event, Event::Refused { code, reasons, .. } if *code == expected && !reasons.is_empty())
    });
    if found { Ok(()) } else { failed(format!("no refusal `{}` with its reasons is recorded", expected.name())) }
}

/// The run's last read is on its record as it was answered: statement, number of rows, digest of the bytes.
pub(crate) fn read_is_recorded(rail: &[Recorded], statement: &str, answered: &Json) -> Holds {
    let mut reads = rail.iter().rev().filter_map(|recorded| match &recorded.event {
        Event::Read(read) => Some(&**read),
        _ => None,
    });
    let Some(Read { statement: recorded, rows, result, .. }) = reads.next() else {
        return failed("a result was released, and no read is recorded");
    };
    if recorded != statement {
        return failed("another statement is recorded than was asked");
    }
    let released = answered.get("rows").and_then(Json::as_array).map_or(0, Vec::len);
    if u64::try_from(released).ok() != Some(*rows) {
        return failed(format!("{rows} rows are recorded, {released} were released"));
    }
    if *result != Digest::of_bytes(answered.to_string().as_bytes()) {
        return failed("the recorded digest is not that of what was released");
    }
    Ok(())
}

/// Two refusals tell the same, but for the names that were asked for.
pub(crate) fn look_alike(one: (&Said, &str), other: (&Said, &str)) -> Holds {
    let without = |(said, name): (&Said, &str)| said.content.to_string().replace(name, "");
    if one.0.refused == other.0.refused && without(one) == without(other) {
        return Ok(());
    }
    failed(format!(
        "what exists and what does not are refused in different words: {} and {}",
        one.0.content, other.0.content
    ))
}

/// Values are shown as a mask lets them.
pub(crate) fn masked(mask: Mask, values: &[Json]) -> Holds {
    let stars = |text: &str| text.chars().all(|character| character == '*');
    let shown_masked = |value: &Json| match (mask, value.as_str()) {
        (_, None) => value.is_null(),
        (Mask::Null, Some(_)) => false,
        (Mask::Last4, Some(text)) => {
            let hidden = text.chars().count().saturating_sub(4).max(1);
            text.is_empty() || stars(&text.chars().take(hidden).collect::<String>())
        }
        (Mask::Partial, Some(text)) => {
            let local = text.rsplit_once('@').map_or(text, |(local, _)| local);
            local.is_empty() || stars(&local.chars().skip(1).collect::<String>())
        }
        (Mask::Hash, Some(text)) => text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
    };
    if values.iter().all(shown_masked) { Ok(()) } else { failed("a value of a masked column is shown unmasked") }
}

#[cfg(test)]
mod tests;
