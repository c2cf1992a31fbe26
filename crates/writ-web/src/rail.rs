//! The Explain rail in words: each event of a run as one step.
//!
//! What Writ saw, what it refused, what people did and what the worker said are told apart by a word at each
//! step and by its style. What a worker said beside something that Writ saw stands as a detail of its own,
//! marked as said. This module adds no judgement: it writes what the event holds.

use serde_json::Value as Json;
use writ_core::code::Reason;
use writ_core::definition::Ask;
use writ_core::event::{Event, Proposal, Read, Recorded, RunStart, Vote};

use crate::links;
use crate::moment::Moment;
use crate::visible::{Shown, block, line};
use crate::wording::counted;

/// Where a step's words come from.
const ATTESTED: &str = "attested";
const REFUSED: &str = "refused";
const CLAIMED: &str = "claimed";
const PEOPLE: &str = "people";

/// One step of a run.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) seq: u64,
    pub(crate) at: Moment,
    /// What it is, in one word.
    pub(crate) kind: &'static str,
    /// The style: seen by Writ, refused by it, said by the worker, done by people.
    pub(crate) class: &'static str,
    pub(crate) text: Shown,
    /// The decision that it is about.
    pub(crate) decision: Option<Link>,
    pub(crate) details: Vec<Detail>,
}

/// A way to somewhere, with its name.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) address: String,
    pub(crate) name: Shown,
}

/// Something small below a step.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    pub(crate) label: &'static str,
    pub(crate) text: Shown,
    pub(crate) code: bool,
    pub(crate) said: bool,
}

impl Detail {
    fn plain(label: &'static str, text: &str) -> Self {
        Self { label, text: block(text), code: false, said: false }
    }

    fn code(label: &'static str, text: &str) -> Self {
        Self { label, text: block(text), code: true, said: false }
    }

    fn said(text: &str) -> Self {
        Self { label: "the worker says", text: block(text), code: false, said: true }
    }
}

/// The steps of some events.
#[must_use]
pub(crate) fn steps(events: &[Recorded]) -> Vec<Step> {
    events.iter().map(step).collect()
}

fn step(recorded: &Recorded) -> Step {
    let (kind, class, text, details) = words(&recorded.event);
    Step {
        seq: recorded.seq,
        at: Moment::of(recorded.at),
        kind,
        class,
        text,
        decision: recorded.event.decision().map(|id| Link { address: links::decision(id), name: line(id) }),
        details,
    }
}

type Words = (&'static str, &'static str, Shown, Vec<Detail>);

fn words(event: &Event) -> Words {
    match event {
        Event::EpochOpened { epoch, .. } => {
            ("rules", ATTESTED, line(&format!("definitions came into force, epoch {epoch}")), Vec::new())
        }
        Event::RunStarted(start) => started(start),
        Event::WorkerAttached { client } => {
            ("attached", ATTESTED, line("the worker connected"), vec![Detail::said(client)])
        }
        Event::Read(read) => self::read(read),
        Event::ToolRead { tool, arguments, is_error, labels, claim, .. } => {
            let mut details = vec![Detail::code("arguments", &value_text(&Json::Object(arguments.clone())))];
            if !labels.is_empty() {
                details.push(Detail::plain("labels seen", &labels.join(", ")));
            }
            if *is_error {
                details.push(Detail::plain("answer", "the integration answered with an error"));
            }
            details.extend(claim.iter().map(|claim| Detail::said(claim)));
            ("read", ATTESTED, line(&format!("called {tool}")), details)
        }
        Event::Asked { tool, ask, answer, .. } => {
            let what = match ask {
                Ask::Elicitation => "for input",
                Ask::Sampling => "the worker's model",
                Ask::Roots => "for the worker's folders",
            };
            let text = if answer.is_some() { "the worker answered what was asked" } else { "the integration asks" };
            ("asked", ATTESTED, line(&format!("{text} {what}, during {tool}")), Vec::new())
        }
        Event::ToolQuarantined { tool, reasons } => {
            let text = line(&format!("{tool} is not what was pinned; nobody can use it until an operator has looked"));
            ("quarantine", REFUSED, text, reasons.iter().map(reason).collect())
        }
        Event::Refused { by, request, code, reasons } => {
            let mut details = vec![Detail::code("answered with", code.name())];
            details.extend(by.iter().map(|by| Detail::plain("asked by", by)));
            details.extend(reasons.iter().map(reason));
            ("refused", REFUSED, block(request), details)
        }
        Event::Claimed { text } => ("claimed", CLAIMED, block(text), Vec::new()),
        Event::Proposed(proposal) => proposed(proposal),
        Event::Voted { vote, .. } => voted(vote),
        Event::DecisionExpired { .. } => {
            ("expired", ATTESTED, line("nobody decided in time; nothing was sent"), Vec::new())
        }
        Event::DecisionWithdrawn { why, .. } => {
            ("withdrawn", ATTESTED, line("taken back; nothing was sent"), vec![Detail::plain("why", why)])
        }
        Event::DecisionVoided { reasons, .. } => {
            let text = line("what the approval rested on changed; nothing was sent");
            ("void", REFUSED, text, reasons.iter().map(reason).collect())
        }
        Event::IntentRecorded { attempt, idempotency_key, .. } => {
            let text = line(&format!("the approval was used; attempt {attempt} to send"));
            ("sending", ATTESTED, text, vec![Detail::code("key", idempotency_key)])
        }
        Event::NotSent { why, .. } => {
            ("not sent", REFUSED, line("the effect was not sent"), vec![Detail::plain("why", why)])
        }
        Event::OutcomeRecorded { succeeded, result, .. } => {
            let details = vec![Detail::code("answer", &value_text(result))];
            if *succeeded {
                ("done", ATTESTED, line("the integration did it"), details)
            } else {
                let text = line("the integration answered with an error; a part may have happened");
                ("failed", REFUSED, text, details)
            }
        }
        Event::OutcomeUnknown { why, .. } => {
            let text = line("sent, or perhaps sent, and no answer came");
            ("unknown", REFUSED, text, vec![Detail::plain("known", why)])
        }
        Event::OutcomeSettled { by, succeeded, note, .. } => {
            let found = if *succeeded { "it did happen" } else { "it did not happen" };
            ("settled", PEOPLE, line(&format!("{by} found that {found}")), vec![Detail::plain("note", note)])
        }
        Event::RunConcluded { verdict } => {
            ("verdict", CLAIMED, line("the worker's result"), vec![Detail::code("verdict", &value_text(verdict))])
        }
        Event::RunStopped { by, reason } => {
            ("stopped", PEOPLE, line(&format!("stopped by {by}")), vec![Detail::plain("why", reason)])
        }
        Event::RunExpired {} => ("ended", ATTESTED, line("the run's time was up"), Vec::new()),
        Event::SignedIn { person, how } => ("signed in", PEOPLE, line(person), vec![Detail::plain("how", how)]),
        Event::IntegrationLinked { person, integration, scopes } => {
            let scopes = (!scopes.is_empty()).then(|| Detail::plain("scopes", &scopes.join(", ")));
            ("linked", PEOPLE, line(&format!("{person} linked {integration}")), scopes.into_iter().collect())
        }
        Event::IntegrationUnlinked { person, integration } => {
            ("unlinked", PEOPLE, line(&format!("{person} unlinked {integration}")), Vec::new())
        }
        Event::Alarm { what } => ("alarm", REFUSED, block(what), Vec::new()),
    }
}

fn started(start: &RunStart) -> Words {
    let text = line(&format!("{} for {}, by worker {}", start.mission, start.person, start.worker));
    let mut details = Vec::new();
    if start.started_by != start.person {
        details.push(Detail::plain("started by", &start.started_by));
    }
    details.push(Detail::code("bound", &value_text(&Json::Object(start.bound.clone()))));
    ("started", ATTESTED, text, details)
}

fn read(read: &Read) -> Words {
    let mut details = vec![Detail::code("query", &read.statement)];
    let columns: Vec<_> =
        read.columns.iter().map(|(table, columns)| format!("{table}: {}", columns.join(", "))).collect();
    if !columns.is_empty() {
        details.push(Detail::plain("columns", &columns.join(" · ")));
    }
    if !read.labels.is_empty() {
        details.push(Detail::plain("labels seen", &read.labels.join(", ")));
    }
    details.extend(read.claim.as_deref().map(Detail::said));
    ("read", ATTESTED, line(&counted(read.rows, "row", "rows")), details)
}

fn proposed(proposal: &Proposal) -> Words {
    let action = &proposal.action;
    let text = line(&format!("{} · {}", action.integration.name, action.tool));
    let mut details = vec![Detail::code("arguments", &value_text(&Json::Object(action.arguments.clone())))];
    details.extend(proposal.claim.as_deref().map(Detail::said));
    ("proposed", ATTESTED, text, details)
}

fn voted(vote: &Vote) -> Words {
    let kind = if vote.approve { "approved" } else { "rejected" };
    let reason = vote.reason.as_deref().map(|reason| Detail::plain("because", reason));
    (kind, PEOPLE, line(&format!("{} {kind}", vote.by)), reason.into_iter().collect())
}

fn reason(reason: &Reason) -> Detail {
    Detail::plain("because", &reason.to_string())
}

/// A JSON value as text: a string without its quotes, everything else as JSON.
#[must_use]
pub(crate) fn value_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use writ_core::code::{Code, Reason};
    use writ_core::event::{Event, Recorded};

    use super::{CLAIMED, REFUSED, steps};

    fn one(event: Event) -> Vec<super::Step> {
        steps(&[Recorded { seq: 7, at: 0, run: Some("r-1".to_owned()), event }])
    }

    #[test]
    fn what_the_worker_said_is_never_what_writ_saw() {
        for step in one(Event::Claimed { text: "approved by the manager".to_owned() }) {
            assert_eq!((step.kind, step.class), ("claimed", CLAIMED));
        }
        for step in one(Event::WorkerAttached { client: "<b>Writ</b>".to_owned() }) {
            assert!(step.details.iter().all(|detail| detail.said));
            assert!(!step.details.iter().any(|detail| detail.text.to_string().contains("<b>")));
        }
    }

    #[test]
    fn a_refusal_has_its_reasons() {
        let reason = Reason { set: "mission".to_owned(), policy: Some("p1".to_owned()), detail: "too much".to_owned() };
        let event = Event::Refused {
            by: None,
            request: "SELECT 1".to_owned(),
            code: Code::NotPermitted,
            reasons: vec![reason],
        };
        for step in one(event) {
            assert_eq!((step.kind, step.class, step.details.len()), ("refused", REFUSED, 2));
        }
    }

    #[test]
    fn a_step_leads_to_its_decision() {
        for step in one(Event::DecisionExpired { decision: "d-1".to_owned() }) {
            assert_eq!(step.decision.map(|link| link.address).as_deref(), Some("/decisions/d-1"));
        }
    }
}
