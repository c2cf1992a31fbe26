//! The server itself over the API: how it is, and the trail's signed head.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::problem::Failure;
use crate::{App, session};

/// What anybody may know.
#[derive(Serialize)]
struct Alive {
    ok: bool,
}

/// How the server is. Anybody learns whether it accepts work; a person with a token learns the rest.
pub(crate) async fn health(State(app): State<App>, headers: HeaderMap) -> Response {
    let status = |ok: bool| if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if session::of_bearer(&app, &headers).is_ok() {
        let health = app.engine.health().await;
        (status(health.ok), Json(health)).into_response()
    } else {
        let ok = app.engine.accepts_work();
        (status(ok), Json(Alive { ok })).into_response()
    }
}

/// The trail's signed head.
#[derive(Serialize)]
pub(crate) struct Checkpoint {
    /// The signed note, exactly as a witness would check it.
    checkpoint: String,
}

/// The latest checkpoint.
pub(crate) async fn checkpoint(State(app): State<App>) -> Result<Json<Checkpoint>, Failure> {
    Ok(Json(Checkpoint { checkpoint: app.engine.checkpoint().await? }))
}
