//! Decisions over the API: list, look, vote, settle.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use writ_core::digest::Digest;
use writ_engine::view::{DecisionFilter, DecisionView};

use super::{JsonBody, limited};
use crate::App;
use crate::pages::{vote_reason, words};
use crate::problem::Failure;
use crate::session::Visitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default)]
    show: DecisionFilter,
    before: Option<String>,
    limit: Option<usize>,
}

/// Some decisions, and where to go on.
#[derive(Serialize)]
pub(crate) struct Decisions {
    decisions: Vec<DecisionView>,
    /// What to ask with as `before` to get those that follow; absent after the last ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// The decisions that the caller may see.
pub(crate) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Decisions>, Failure> {
    let Query(Wanted { show, before, limit }) = query?;
    let limit = limited(limit);
    let decisions = app.engine.decisions(&visitor.who, show, before, limit).await?;
    let before = match decisions.last() {
        Some(last) if decisions.len() >= limit => Some(last.decision.id().to_owned()),
        _ => None,
    };
    Ok(Json(Decisions { decisions, before }))
}

/// One decision.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<DecisionView>, Failure> {
    Ok(Json(app.engine.decision(&visitor.who, &id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vote {
    /// The digest of what the caller has looked at.
    action_digest: Digest,
    approve: bool,
    reason: Option<String>,
}

/// A vote. A no needs a reason, which the worker reads.
pub(crate) async fn vote(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    JsonBody(vote): JsonBody<Vote>,
) -> Result<Json<DecisionView>, Failure> {
    let reason = vote_reason(vote.approve, vote.reason.as_deref())?;
    Ok(Json(app.engine.vote(&visitor.who, &id, vote.action_digest, vote.approve, reason).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settlement {
    succeeded: bool,
    note: String,
}

/// What a person found out about an effect whose answer was lost.
pub(crate) async fn settle(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    JsonBody(settlement): JsonBody<Settlement>,
) -> Result<Json<DecisionView>, Failure> {
    let note = words(&settlement.note, "the note")?;
    Ok(Json(app.engine.settle(&visitor.who, &id, settlement.succeeded, &note).await?))
}
