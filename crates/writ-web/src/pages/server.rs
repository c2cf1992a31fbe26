//! The server itself: the trail's signed head, and how it is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::decision::Line;
use crate::App;
use crate::frame::{Frame, Place, Reader, page};
use crate::problem::Failure;
use crate::tags::Tag;
use crate::visible::{Shown, block};
use crate::wording::counted;

#[derive(Template)]
#[template(path = "trail.html")]
struct TrailPage {
    frame: Frame,
    leaves: String,
    checkpoint: Shown,
}

/// The latest signed checkpoint, and how to check it elsewhere.
pub(crate) async fn trail(State(app): State<App>, reader: Reader) -> Result<Response, Failure> {
    let checkpoint = app.engine.checkpoint().await?;
    let leaves = *app.engine.follow().borrow();
    let html = TrailPage {
        frame: reader.frame(&app, "Trail", Place::Trail, None),
        leaves: counted(leaves, "event", "events"),
        checkpoint: block(&checkpoint),
    };
    page(StatusCode::OK, &html)
}

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    frame: Frame,
    heading: &'static str,
    lines: Vec<Line>,
}

/// How the server is.
pub(crate) async fn health(State(app): State<App>, reader: Reader) -> Result<Response, Failure> {
    let health = app.engine.health().await;
    let state = if health.ok { Tag::good("accepts work") } else { Tag::bad("accepts no work") };
    let mut lines = vec![Line { tag: Some(state), ..Line::new("Server", "", false) }];
    lines.extend(health.detail.as_deref().map(|detail| Line::new("What is wrong", detail, false)));
    lines.push(Line::new("Trail", &counted(health.leaves, "event", "events"), false));
    lines.push(Line::new("Epoch", &health.epoch.to_string(), false));
    lines.extend(health.integrations.iter().map(|(name, state)| Line::new(name, state, false)));
    for quarantine in &health.quarantines {
        let reasons: Vec<&str> = quarantine.reasons.iter().map(|reason| reason.detail.as_str()).collect();
        let tag = Some(Tag::bad("in quarantine"));
        lines.push(Line { tag, ..Line::new(&quarantine.tool, &reasons.join("; "), false) });
    }
    let html = HealthPage {
        frame: reader.frame(&app, "Health", Place::Health, None),
        heading: if health.ok && health.quarantines.is_empty() { "Everything works" } else { "Something is wrong" },
        lines,
    };
    page(StatusCode::OK, &html)
}
