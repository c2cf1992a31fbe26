//! One decision: what will happen, why it may be asked, what the worker says, what Writ saw, and the acts.
//!
//! The headline and the card are made from the call itself. The form of a vote carries the digest of what this
//! page shows; if anything has changed meanwhile, the engine refuses the vote. Rejecting needs a reason, since
//! the worker reads it.

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use writ_core::code::Code;
use writ_core::decision::DecisionStatus;
use writ_core::digest::Digest;
use writ_core::event::{Milliseconds, Recorded};
use writ_engine::view::{DecisionFilter, DecisionView};

use super::decisions::{self, Group};
use crate::frame::{Frame, Place, Reader, page};
use crate::moment::{Moment, left};
use crate::problem::Failure;
use crate::rail::{self, Step, value_text};
use crate::session::Visitor;
use crate::tags::{self, Tag};
use crate::visible::{Shown, block, line};
use crate::wording::counted;
use crate::{App, links};

/// How many other decisions stand beside the page.
const SIDE_ROWS_MAX: usize = 50;
/// How many of the run's steps the page shows: the last ones.
const STEPS_MAX: usize = 60;

/// A line of the page: what it is, its value, and a mark.
pub(crate) struct Line {
    pub(crate) label: Shown,
    pub(crate) text: Shown,
    pub(crate) code: bool,
    pub(crate) tag: Option<Tag>,
    /// Where it comes from, in small: a policy's name.
    pub(crate) small: Option<Shown>,
}

impl Line {
    /// A value under a name.
    pub(crate) fn new(label: &str, text: &str, code: bool) -> Self {
        Self { label: line(label), text: block(text), code, tag: None, small: None }
    }
}

#[derive(Template)]
#[template(path = "decision.html")]
struct DecisionPage {
    frame: Frame,
    side: Vec<Group>,
    stream: String,
    address: String,
    headline: Shown,
    mission: Shown,
    version: String,
    run: Shown,
    run_address: String,
    worker: Shown,
    person: Shown,
    tags: Vec<Tag>,
    proposed: Moment,
    card: Vec<Line>,
    why: Vec<Line>,
    claim: Option<Shown>,
    outcome: Vec<Line>,
    steps: Vec<Step>,
    earlier: String,
    all_steps: String,
    pretty: Shown,
    canonical: Shown,
    digest: String,
    digest_short: String,
    may_vote: bool,
    may_not: Option<Shown>,
    unknown: bool,
    back: &'static str,
}

/// The page.
pub(crate) async fn show(State(app): State<App>, reader: Reader, Path(id): Path<String>) -> Result<Response, Failure> {
    let from = *app.engine.follow().borrow();
    let view = app.engine.decision(reader.who(), &id).await?;
    let open = app.engine.decisions(reader.who(), DecisionFilter::Open, None, SIDE_ROWS_MAX).await?;
    let events = super::run::whole_rail(&app, reader.who(), &view.decision.proposal.action.run).await?;
    let now = app.engine.now();
    let waiting = open.iter().filter(|other| other.may_vote).count();
    let mut html = made(reader.frame(&app, &view.headline, Place::Decisions, Some(waiting)), &view, &events, now);
    html.side = decisions::groups(&open, DecisionFilter::Open, Some(view.decision.id()), now);
    html.stream = format!("/decisions/events?from={from}");
    page(StatusCode::OK, &html)
}

fn made(frame: Frame, view: &DecisionView, events: &[Recorded], now: Milliseconds) -> DecisionPage {
    let decision = &view.decision;
    let action = &decision.proposal.action;
    let digest = decision.action_digest().to_string();
    let skipped = events.len().saturating_sub(STEPS_MAX);
    let shown = events.get(skipped..).unwrap_or_default();
    let mut tags = vec![tags::decision(decision)];
    if decision.status == DecisionStatus::Pending {
        tags.push(match left(decision.proposal.expires_at, now) {
            Some(left) => Tag::care(&format!("{left} left")),
            None => Tag::bad("time is up"),
        });
    }
    DecisionPage {
        frame,
        side: Vec::new(),
        stream: String::new(),
        address: links::decision(decision.id()),
        headline: line(&view.headline),
        mission: line(&action.mission),
        version: short(&action.mission_version.to_string()),
        run: line(&action.run),
        run_address: links::run(&action.run),
        worker: line(&action.worker),
        person: line(&action.person),
        tags,
        proposed: Moment::of(decision.proposed_at),
        card: card(view),
        why: why(view),
        claim: decision.proposal.claim.as_deref().map(block),
        outcome: outcome(view),
        steps: rail::steps(shown),
        earlier: if skipped > 0 { counted(skipped as u64, "earlier step", "earlier steps") } else { String::new() },
        all_steps: counted(events.len() as u64, "step", "steps"),
        pretty: block(&pretty(&view.canonical)),
        canonical: block(&view.canonical),
        digest_short: short(&digest),
        digest,
        may_vote: view.may_vote,
        may_not: view.may_not_vote_because.as_deref().map(line),
        unknown: decision.status == DecisionStatus::Unknown,
        back: links::HOME,
    }
}

/// What will happen, from the call alone.
fn card(view: &DecisionView) -> Vec<Line> {
    view.card
        .iter()
        .map(|line| Line { tag: line.mark.as_ref().map(Tag::from), ..Line::new(&line.label, &line.text, line.code) })
        .collect()
}

/// Which policies let the call through, and with which facts.
fn why(view: &DecisionView) -> Vec<Line> {
    let policies = view.permitted_by.iter().map(|reason| Line {
        small: reason.policy.as_deref().map(line),
        ..Line::new(set_name(&reason.set), &reason.detail, false)
    });
    let action = &view.decision.proposal.action;
    let facts = action.facts.iter().map(|(name, value)| Line {
        small: Some(line("read again when it runs")),
        ..Line::new(&format!("Fact {name}"), &value_text(value), true)
    });
    policies.chain(facts).collect()
}

fn set_name(set: &str) -> &str {
    match set {
        "mission" => "Mission",
        "entitlements" => "Entitlements",
        "guardrails" => "Guardrails",
        "approvals" => "Approvals",
        other => other,
    }
}

/// What people said and what became of it, as far as it has come.
fn outcome(view: &DecisionView) -> Vec<Line> {
    let decision = &view.decision;
    let mut lines: Vec<_> = decision
        .votes
        .iter()
        .map(|vote| Line {
            tag: Some(if vote.approve { Tag::good("approved") } else { Tag::bad("rejected") }),
            ..Line::new(&vote.by, vote.reason.as_deref().unwrap_or_default(), false)
        })
        .collect();
    lines.extend(decision.note.as_deref().map(|note| Line::new("Note", note, false)));
    if decision.attempts > 0 {
        let attempts = counted(u64::from(decision.attempts), "time", "times");
        lines.push(Line::new("Sending begun", &attempts, false));
    }
    lines.extend(decision.result.as_ref().map(|result| Line::new("Answer", &value_text(result), true)));
    lines
}

/// The canonical JSON with white space, for reading.
fn pretty(canonical: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(canonical).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| canonical.to_owned())
}

/// A digest's first digits, in fours.
fn short(digest: &str) -> String {
    let (one, rest) = digest.split_at_checked(4).unwrap_or((digest, ""));
    let (two, _) = rest.split_at_checked(4).unwrap_or((rest, ""));
    format!("{one} {two}")
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Approve,
    Reject,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoteForm {
    #[serde(rename = "csrf")]
    _csrf: String,
    digest: String,
    vote: Choice,
    reason: Option<String>,
}

/// A vote, on the digest that was shown.
pub(crate) async fn vote(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<VoteForm>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(form) = form?;
    let approve = matches!(form.vote, Choice::Approve);
    let reason = super::vote_reason(approve, form.reason.as_deref())?;
    let digest = Digest::parse(&form.digest)
        .ok_or_else(|| Failure::new(Code::DigestMismatch, "the vote names no digest; open the decision again"))?;
    let view = app.engine.vote(&visitor.who, &id, digest, approve, reason).await?;
    Ok(Redirect::to(&links::decision(view.decision.id())).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Yes,
    No,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettleForm {
    #[serde(rename = "csrf")]
    _csrf: String,
    succeeded: Answer,
    note: String,
}

/// What a person found out about an effect whose answer was lost.
pub(crate) async fn settle(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<SettleForm>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(form) = form?;
    let note = super::words(&form.note, "the note")?;
    let succeeded = matches!(form.succeeded, Answer::Yes);
    let view = app.engine.settle(&visitor.who, &id, succeeded, &note).await?;
    Ok(Redirect::to(&links::decision(view.decision.id())).into_response())
}

#[cfg(test)]
mod tests;
