//! The list of runs, newest first: whose they are, where they stand, and what they have done.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use writ_core::event::Milliseconds;
use writ_engine::view::RunView;

use super::decisions::Row;
use crate::frame::{Frame, Place, Reader, page};
use crate::moment::left;
use crate::problem::Failure;
use crate::tags;
use crate::visible::line;
use crate::wording::counted;
use crate::{App, links};

/// How many runs stand on the page.
const PAGE_ROWS_MAX: usize = 100;

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    rows: Vec<Row>,
}

/// The list.
pub(crate) async fn list(State(app): State<App>, reader: Reader) -> Result<Response, Failure> {
    let views = app.engine.runs(reader.who(), PAGE_ROWS_MAX).await?;
    let now = app.engine.now();
    let html = RunsPage {
        frame: reader.frame(&app, "Runs", Place::Runs, None),
        rows: views.iter().map(|view| row(view, now)).collect(),
    };
    page(StatusCode::OK, &html)
}

fn row(view: &RunView, now: Milliseconds) -> Row {
    let run = &view.run;
    let done = [
        counted(run.reads, "read", "reads"),
        counted(run.proposals, "proposal", "proposals"),
        format!("{} refused", crate::wording::grouped(run.refused)),
    ];
    Row {
        address: links::run(&run.id),
        here: false,
        headline: line(&format!("{} for {}", run.start.mission, run.start.person)),
        tag: Some(tags::run(run.status)),
        left: if run.status.is_open() { left(run.expires_at, now) } else { None },
        about: line(&format!("{} · worker {} · {}", run.id, run.start.worker, view.purpose)),
        needs: line(&done.join(" · ")),
    }
}
