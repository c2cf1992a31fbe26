//! Short marks beside a name: where something stands, and what to look at twice. Words first; the colour only
//! repeats them.

use writ_core::decision::{Decision, DecisionStatus};
use writ_core::run::RunStatus;
use writ_engine::view::{Mark, Tone};

use crate::visible::{Shown, line};
use crate::wording::{counted, grouped};

/// A mark: words, and the style that goes with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) text: Shown,
    pub(crate) class: &'static str,
}

impl Tag {
    /// A mark in order.
    pub(crate) fn good(text: &str) -> Self {
        Self { text: line(text), class: "good" }
    }

    /// A mark to look at twice.
    pub(crate) fn care(text: &str) -> Self {
        Self { text: line(text), class: "care" }
    }

    /// A mark of something dangerous or failed.
    pub(crate) fn bad(text: &str) -> Self {
        Self { text: line(text), class: "bad" }
    }

    /// A mark that only informs.
    pub(crate) fn still(text: &str) -> Self {
        Self { text: line(text), class: "still" }
    }
}

impl From<&Mark> for Tag {
    fn from(mark: &Mark) -> Self {
        match mark.tone {
            Tone::Good => Self::good(&mark.text),
            Tone::Care => Self::care(&mark.text),
            Tone::Bad => Self::bad(&mark.text),
        }
    }
}

/// Where a decision stands. A pending one says how many votes it needs.
#[must_use]
pub(crate) fn decision(decision: &Decision) -> Tag {
    match decision.status {
        DecisionStatus::Pending => Tag::good(&votes(decision)),
        DecisionStatus::Approved => Tag::good("approved, not sent yet"),
        DecisionStatus::Sending => Tag::care("being sent"),
        DecisionStatus::Succeeded => Tag::good("done"),
        DecisionStatus::Failed => Tag::bad("failed"),
        DecisionStatus::Unknown => Tag::bad("outcome unknown"),
        DecisionStatus::Rejected => Tag::still("rejected"),
        DecisionStatus::Expired => Tag::still("expired, not sent"),
        DecisionStatus::Withdrawn => Tag::still("withdrawn, not sent"),
        DecisionStatus::Voided => Tag::care("void, not sent"),
    }
}

/// The votes that a decision has and needs: `1 vote needed`, `1 of 2 votes`.
#[must_use]
pub(crate) fn votes(decision: &Decision) -> String {
    let needed = u64::from(decision.proposal.approvals_needed.max(1));
    match decision.approvals() {
        0 => format!("{} needed", counted(needed, "vote", "votes")),
        given => format!("{} of {}", grouped(given as u64), counted(needed, "vote", "votes")),
    }
}

/// Where a run stands.
#[must_use]
pub(crate) fn run(status: RunStatus) -> Tag {
    match status {
        RunStatus::Running => Tag::good("running"),
        RunStatus::Waiting => Tag::care("waiting for people"),
        RunStatus::Concluded => Tag::still("concluded"),
        RunStatus::Stopped => Tag::bad("stopped"),
        RunStatus::Expired => Tag::still("time was up"),
    }
}
