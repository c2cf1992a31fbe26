//! What is live: server-sent events that say that something new is there, never what it looks like.
//!
//! An event's id is a sequence number of the trail, so a browser that comes back resumes where it was, at any
//! replica. Its data is a step's number or a decision's id; the page counts them and offers to show them, and
//! nothing moves under the reader's eyes. While a stream lasts, the engine is asked again and again who the
//! reader is: a session that ends, ends its streams.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use writ_core::code::Refusal;
use writ_engine::view::{DecisionFilter, PersonAccess};

use crate::App;
use crate::problem::Failure;
use crate::session::Visitor;

/// How many events are asked for at a time.
const BATCH_MAX: usize = 200;
/// How often the reader's session is asked about when nothing happens.
const RECHECK_SECONDS: u64 = 20;
/// How long to wait after a change, so that a burst is one look at the store.
const GATHER_MILLISECONDS: u64 = 150;

#[derive(Deserialize)]
pub(crate) struct Since {
    /// The first sequence number of interest, where the browser resumes from nothing.
    #[serde(default)]
    from: u64,
}

/// The steps of one run.
pub(crate) async fn run(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(Since { from }) = query?;
    app.engine.run(&visitor.who, &id).await?;
    Ok(follow(app, visitor, Subject::Run(id), resumed(&headers).unwrap_or(from)))
}

/// The open decisions, new or changed.
pub(crate) async fn decisions(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(Since { from }) = query?;
    Ok(follow(app, visitor, Subject::Decisions, resumed(&headers).unwrap_or(from)))
}

/// The sequence number after the last one that the browser has seen.
fn resumed(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.parse::<u64>().ok()?.checked_add(1)
}

enum Subject {
    Run(String),
    Decisions,
}

struct Following {
    app: App,
    token: String,
    subject: Subject,
    from: u64,
    ready: VecDeque<Event>,
    trail: watch::Receiver<u64>,
    /// The trail's length up to which everything has been looked at.
    seen: Option<u64>,
}

fn follow(app: App, visitor: Visitor, subject: Subject, from: u64) -> Response {
    let trail = app.engine.follow();
    let following = Following { app, token: visitor.token, subject, from, ready: VecDeque::new(), trail, seen: None };
    let events = futures::stream::unfold(following, Following::next);
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

impl Following {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            let who = self.app.engine.authenticate_session(&self.token).ok()?;
            let leaves = *self.trail.borrow_and_update();
            if self.seen != Some(leaves) {
                let whole = self.look(&who).await.ok()?;
                if whole {
                    self.seen = Some(leaves);
                }
            }
            if self.ready.is_empty() && self.seen == Some(leaves) && !self.changed().await {
                return None;
            }
        }
    }

    /// Waits for the trail to grow, or for some time. False where it never will again.
    async fn changed(&mut self) -> bool {
        match timeout(Duration::from_secs(RECHECK_SECONDS), self.trail.changed()).await {
            Ok(Ok(())) => {
                sleep(Duration::from_millis(GATHER_MILLISECONDS)).await;
                true
            }
            Ok(Err(_)) => false,
            Err(_) => true,
        }
    }

    /// Fetches what is new. True where nothing more is left to fetch.
    async fn look(&mut self, who: &PersonAccess) -> Result<bool, Refusal> {
        let engine = &self.app.engine;
        let (found, whole): (Vec<(u64, String)>, bool) = match &self.subject {
            Subject::Run(id) => {
                let rail = engine.rail(who, id, self.from, BATCH_MAX).await?;
                let whole = rail.events.len() < BATCH_MAX;
                (rail.events.into_iter().map(|recorded| (recorded.seq, recorded.seq.to_string())).collect(), whole)
            }
            Subject::Decisions => {
                let open = engine.decisions(who, DecisionFilter::Open, None, BATCH_MAX).await?;
                let mut changed: Vec<_> = open
                    .into_iter()
                    .map(|view| (view.decision.version, view.decision.id().to_owned()))
                    .filter(|(version, _)| *version >= self.from)
                    .collect();
                changed.sort_unstable();
                (changed, true)
            }
        };
        for (seq, data) in found {
            self.from = self.from.max(seq.saturating_add(1));
            self.ready.push_back(Event::default().id(seq.to_string()).data(data));
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::resumed;

    #[test]
    fn a_browser_resumes_after_the_last_event() {
        let mut headers = HeaderMap::new();
        assert_eq!(resumed(&headers), None);
        for (value, from) in [("41", Some(42)), ("x", None), ("18446744073709551615", None)] {
            headers.insert("last-event-id", HeaderValue::from_static(value));
            assert_eq!(resumed(&headers), from);
        }
    }
}
