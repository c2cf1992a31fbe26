//! The list of decisions: what waits for the reader first, then what waits for others, then the past.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use writ_core::decision::DecisionStatus;
use writ_core::event::Milliseconds;
use writ_engine::view::{DecisionFilter, DecisionView, Tone};

use crate::frame::{Frame, Place, Reader, page};
use crate::moment::left;
use crate::problem::Failure;
use crate::tags::{self, Tag};
use crate::visible::{Shown, line};
use crate::{App, links};

/// How many decisions stand on one page.
const PAGE_ROWS_MAX: usize = 50;

/// One decision in a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) address: String,
    /// Whether its page is the one that is open.
    pub(crate) here: bool,
    pub(crate) headline: Shown,
    pub(crate) tag: Option<Tag>,
    pub(crate) left: Option<String>,
    /// What it belongs to.
    pub(crate) about: Shown,
    /// What it needs, or what has been done.
    pub(crate) needs: Shown,
}

/// Some decisions under one name.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// One way to narrow the list.
struct Tab {
    address: &'static str,
    name: &'static str,
    here: bool,
}

const TABS: [(DecisionFilter, &str, &str); 3] = [
    (DecisionFilter::Open, "/decisions", "Open"),
    (DecisionFilter::Settled, "/decisions?show=settled", "Settled"),
    (DecisionFilter::All, "/decisions?show=all", "All"),
];

#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    show: DecisionFilter,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "decisions.html")]
struct DecisionsPage {
    frame: Frame,
    tabs: Vec<Tab>,
    groups: Vec<Group>,
    nothing: &'static str,
    older: Option<String>,
    /// The stream of what is new, where the page shows the newest.
    stream: Option<String>,
    address: &'static str,
}

/// The list.
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(Wanted { show, before }) = query?;
    let before = before.filter(|before| !before.is_empty());
    let newest = before.is_none();
    let from = *app.engine.follow().borrow();
    let views = app.engine.decisions(reader.who(), show, before, PAGE_ROWS_MAX).await?;
    let (_, address, _) = tab(show);
    let older = match views.last() {
        Some(last) if views.len() >= PAGE_ROWS_MAX => {
            let joint = if address.contains('?') { '&' } else { '?' };
            Some(format!("{address}{joint}before={}", links::encoded(last.decision.id())))
        }
        _ => None,
    };
    let groups = groups(&views, show, None, app.engine.now());
    let waiting = views.iter().filter(|view| is_mine(view)).count();
    let open = show == DecisionFilter::Open && newest;
    let html = DecisionsPage {
        frame: reader.frame(&app, "Decisions", Place::Decisions, open.then_some(waiting)),
        tabs: TABS.into_iter().map(|(filter, address, name)| Tab { address, name, here: filter == show }).collect(),
        nothing: match show {
            _ if !newest => "Nothing older.",
            DecisionFilter::Open => "Nothing waits.",
            DecisionFilter::Settled | DecisionFilter::All => "Nothing yet.",
        },
        groups,
        older,
        stream: open.then(|| format!("/decisions/events?from={from}")),
        address,
    };
    page(StatusCode::OK, &html)
}

fn tab(show: DecisionFilter) -> (DecisionFilter, &'static str, &'static str) {
    let [open, settled, all] = TABS;
    match show {
        DecisionFilter::Open => open,
        DecisionFilter::Settled => settled,
        DecisionFilter::All => all,
    }
}

/// Whether something is for the reader to do: vote, or say what became of an effect.
fn is_mine(view: &DecisionView) -> bool {
    view.may_vote || view.decision.status == DecisionStatus::Unknown
}

/// The decisions as rows. Of the open ones, those for the reader stand first.
pub(crate) fn groups(
    views: &[DecisionView],
    show: DecisionFilter,
    here: Option<&str>,
    now: Milliseconds,
) -> Vec<Group> {
    let rows = |wanted: &dyn Fn(&DecisionView) -> bool| -> Vec<Row> {
        views.iter().filter(|&view| wanted(view)).map(|view| row(view, here == Some(view.decision.id()), now)).collect()
    };
    let named = if show == DecisionFilter::Open {
        vec![
            Group { name: "Mine to decide", rows: rows(&is_mine) },
            Group { name: "Waiting for others", rows: rows(&|view: &DecisionView| !is_mine(view)) },
        ]
    } else {
        vec![Group { name: "Newest first", rows: rows(&|_: &DecisionView| true) }]
    };
    named.into_iter().filter(|group| !group.rows.is_empty()).collect()
}

/// One decision as a row.
pub(crate) fn row(view: &DecisionView, here: bool, now: Milliseconds) -> Row {
    let decision = &view.decision;
    let action = &decision.proposal.action;
    let pending = decision.status == DecisionStatus::Pending;
    let tag = if pending {
        let marks = view.card.iter().filter_map(|line| line.mark.as_ref());
        marks.filter(|mark| mark.tone == Tone::Care).map(Tag::from).next()
    } else {
        Some(tags::decision(decision))
    };
    let needs = match decision.status {
        DecisionStatus::Pending if view.may_vote => tags::votes(decision),
        DecisionStatus::Pending => format!("{}, not from you", tags::votes(decision)),
        DecisionStatus::Unknown => "look it up, then say what happened".to_owned(),
        _ => format!("by worker {}", action.worker),
    };
    Row {
        address: links::decision(decision.id()),
        here,
        headline: line(&view.headline),
        tag,
        left: if pending { left(decision.proposal.expires_at, now) } else { None },
        about: line(&format!("{} for {} · run {}", action.mission, action.person, action.run)),
        needs: line(&needs),
    }
}
