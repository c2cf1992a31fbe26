//! One run: what it is bound to, what it has used of its limits, its decisions, its verdict and its whole rail.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use writ_core::event::Recorded;
use writ_engine::view::{PersonAccess, RunView};

use super::decision::Line;
use super::decisions::{self, Row};
use crate::frame::{Frame, Place, Reader, page};
use crate::moment::{Moment, left};
use crate::problem::Failure;
use crate::rail::{self, Step, value_text};
use crate::session::Visitor;
use crate::tags::{self, Tag};
use crate::visible::{Shown, block, line};
use crate::wording::grouped;
use crate::{App, links};

/// How many steps stand on one page.
const PAGE_STEPS_MAX: usize = 200;
/// How many of the run's decisions are listed.
const DECISIONS_MAX: usize = 40;
/// How many pages of a rail are fetched to find its end.
const RAIL_PAGES_MAX: usize = 20;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    /// The first step to show.
    #[serde(default)]
    from: u64,
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    address: String,
    id: Shown,
    headline: Shown,
    purpose: Shown,
    version: String,
    worker: Shown,
    started_by: Shown,
    started: Moment,
    tags: Vec<Tag>,
    bound: Vec<Line>,
    used: Vec<Line>,
    decisions: Vec<Row>,
    verdict: Option<Shown>,
    steps: Vec<Step>,
    first: bool,
    later: Option<String>,
    here: String,
    stream: String,
    open: bool,
}

/// The page.
pub(crate) async fn show(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(Wanted { from }) = query?;
    let who = reader.who();
    let view = app.engine.run(who, &id).await?;
    let rail = app.engine.rail(who, &view.run.id, from, PAGE_STEPS_MAX).await?;
    let now = app.engine.now();
    let decisions = own_decisions(&app, who, &view).await;
    let RunView { run, purpose } = view;
    let address = links::run(&run.id);
    let title = format!("{} for {}", run.start.mission, run.start.person);
    let mut tags = vec![tags::run(run.status)];
    if run.status.is_open() {
        tags.extend(left(run.expires_at, now).map(|left| Tag::care(&format!("{left} left"))));
    }
    let html = RunPage {
        frame: reader.frame(&app, &title, Place::Runs, None),
        id: line(&run.id),
        headline: line(&title),
        purpose: block(&purpose),
        version: run.start.mission_version.to_string().chars().take(8).collect(),
        worker: line(&run.start.worker),
        started_by: line(&run.start.started_by),
        started: Moment::of(run.started_at),
        tags,
        bound: run.start.bound.iter().map(|(name, value)| Line::new(name, &value_text(value), true)).collect(),
        used: used(&run),
        decisions,
        verdict: run.verdict.as_ref().map(|verdict| block(&pretty(verdict))),
        later: (rail.events.len() >= PAGE_STEPS_MAX).then(|| format!("{address}?from={}", rail.next)),
        steps: rail::steps(&rail.events),
        first: from == 0,
        here: if from == 0 { address.clone() } else { format!("{address}?from={from}") },
        stream: format!("{address}/events?from={}", rail.next),
        open: run.status.is_open(),
        address,
    };
    page(StatusCode::OK, &html)
}

/// The run's decisions as far as the reader may see them.
async fn own_decisions(app: &App, who: &PersonAccess, view: &RunView) -> Vec<Row> {
    let run = &view.run;
    let ids: BTreeSet<&String> = run.calls.values().chain(&run.open_decisions).collect();
    let mut rows = Vec::new();
    for id in ids.into_iter().take(DECISIONS_MAX) {
        if let Ok(decision) = app.engine.decision(who, id).await {
            rows.push(decisions::row(&decision, false, app.engine.now()));
        }
    }
    rows
}

/// What the run has used, against its limits.
fn used(run: &writ_core::run::Run) -> Vec<Line> {
    let limits = run.start.limits;
    let of = |label: &str, used: u64, limit: u64| {
        let tag = (used >= limit).then(|| Tag::care("used up"));
        Line { tag, ..Line::new(label, &format!("{} of {}", grouped(used), grouped(limit)), false) }
    };
    let mut lines = vec![
        of("Reads", run.reads, limits.reads_max),
        of("Rows", run.rows, limits.rows_max),
        of("Proposals", run.proposals, limits.proposals_max),
        Line::new("Refused", &grouped(run.refused), false),
    ];
    if !run.labels.is_empty() {
        let labels: Vec<_> = run.labels.iter().map(String::as_str).collect();
        lines.push(Line::new("Labels seen", &labels.join(", "), false));
    }
    lines
}

fn pretty(verdict: &serde_json::Value) -> String {
    serde_json::to_string_pretty(verdict).unwrap_or_else(|_| verdict.to_string())
}

/// A run's events from the first to the last, as far as a page will ever need them.
pub(crate) async fn whole_rail(app: &App, who: &PersonAccess, run: &str) -> Result<Vec<Recorded>, Failure> {
    let mut events = Vec::new();
    let mut from = 0;
    for _ in 0..RAIL_PAGES_MAX {
        let part = app.engine.rail(who, run, from, PAGE_STEPS_MAX).await?;
        let last = part.events.len() < PAGE_STEPS_MAX;
        from = part.next;
        events.extend(part.events);
        if last {
            break;
        }
    }
    Ok(events)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopForm {
    #[serde(rename = "csrf")]
    _csrf: String,
    reason: String,
}

/// Stops the run; it holds at the next call.
pub(crate) async fn stop(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<StopForm>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(form) = form?;
    let reason = super::words(&form.reason, "the reason")?;
    let view = app.engine.stop_run(&visitor.who, &id, &reason).await?;
    Ok(Redirect::to(&links::run(&view.run.id)).into_response())
}
