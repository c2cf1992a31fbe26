//! Runs over the API: list, start, look, follow the rail, stop.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use writ_engine::view::{Rail, RunView, StartRun, StartedRun};

use super::{JsonBody, limited};
use crate::App;
use crate::pages::words;
use crate::problem::Failure;
use crate::session::Visitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    limit: Option<usize>,
}

/// Some runs.
#[derive(Serialize)]
pub(crate) struct Runs {
    runs: Vec<RunView>,
}

/// The runs that the caller may see, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Runs>, Failure> {
    let Query(Wanted { limit }) = query?;
    Ok(Json(Runs { runs: app.engine.runs(&visitor.who, limited(limit)).await? }))
}

/// Starts a run. The answer holds the worker's token, which is shown this once.
pub(crate) async fn start(
    State(app): State<App>,
    visitor: Visitor,
    JsonBody(start): JsonBody<StartRun>,
) -> Result<(StatusCode, Json<StartedRun>), Failure> {
    Ok((StatusCode::CREATED, Json(app.engine.start_run(&visitor.who, start).await?)))
}

/// One run.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<RunView>, Failure> {
    Ok(Json(app.engine.run(&visitor.who, &id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

/// A part of a run's rail.
pub(crate) async fn rail(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    query: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Rail>, Failure> {
    let Query(Part { from, limit }) = query?;
    Ok(Json(app.engine.rail(&visitor.who, &id, from, limited(limit)).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    reason: String,
}

/// Stops a run; it holds at the next call.
pub(crate) async fn stop(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    JsonBody(stop): JsonBody<Stop>,
) -> Result<Json<RunView>, Failure> {
    let reason = words(&stop.reason, "the reason")?;
    Ok(Json(app.engine.stop_run(&visitor.who, &id, &reason).await?))
}
