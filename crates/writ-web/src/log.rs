//! The trail's log over HTTP, as C2SP tlog-tiles says: checkpoint, hash tiles and entry bundles.
//!
//! A generic tool can follow the log with these and the public key. What is served are hashes and salted commitments:
//! no event, no salt. A tile never changes and may be kept for good; the checkpoint may not be kept at all. Entries are
//! not compressed, since commitments are random bytes.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tokio::sync::Semaphore;
use writ_core::code::Code;

use crate::App;
use crate::problem::Failure;

/// How many tiles are read at the same time, so that those who follow the log hold up nobody else's reads.
const READS_MAX: usize = 2;

static READS: Semaphore = Semaphore::const_new(READS_MAX);

/// The last signed checkpoint.
pub(crate) async fn checkpoint(State(app): State<App>) -> Result<Response, Failure> {
    let note = app.engine.checkpoint().await?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], note).into_response())
}

/// A hash tile or an entry bundle.
pub(crate) async fn tile(State(app): State<App>, Path(path): Path<String>) -> Result<Response, Failure> {
    let reading = READS.acquire().await.map_err(|error| Failure::internal(&error))?;
    let engine = app.engine.clone();
    let read = tokio::task::spawn_blocking(move || {
        // Held until the reading is over, whether or not somebody still waits for it.
        let _reading = reading;
        engine.tile(&format!("tile/{path}"))
    });
    let read = read.await.map_err(|error| Failure::internal(&error))?;
    let bytes = read?.ok_or_else(|| {
        Failure::with_status(StatusCode::NOT_FOUND, Code::UnknownName, "the log has no such tile under its checkpoint")
    })?;
    // What was sent to one person must not be handed to others by a cache in between.
    let kept = if app.config.public_log {
        "public, max-age=31536000, immutable"
    } else {
        "private, max-age=31536000, immutable"
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
    ];
    Ok((headers, bytes).into_response())
}
