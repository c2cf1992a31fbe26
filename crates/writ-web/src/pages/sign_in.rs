//! Signing in and out.
//!
//! A sign-in link works once, so looking at it must not use it up: mail scanners and browsers fetch links
//! ahead. The link shows a page with one button, and only the button's form redeems the ticket.

use askama::Template;
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::frame::{Frame, page};
use crate::problem::Failure;
use crate::session::Visitor;
use crate::visible::{Shown, line};
use crate::{App, links, session};

#[derive(Deserialize)]
pub(crate) struct Arrival {
    ticket: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Frame,
    /// Where to go on to afterwards.
    next: &'a str,
    ticket: Option<&'a str>,
    /// Whoever is signed in already.
    name: Option<Shown>,
}

/// The page that a sign-in link opens, or how to get a link.
pub(crate) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query<Arrival>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(Arrival { ticket, next }) = query?;
    let ticket = ticket.as_deref().filter(|ticket| !ticket.is_empty());
    let name = session::of_cookie(&app, &headers).ok().map(|visitor| line(visitor.who.name()));
    let status = if ticket.is_none() && name.is_none() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let html = SignInPage { frame: Frame::outside("Sign in"), next: links::onward(next.as_deref()), ticket, name };
    page(status, &html)
}

#[derive(Deserialize)]
pub(crate) struct Redemption {
    ticket: String,
    next: Option<String>,
}

/// Turns a ticket into a session.
pub(crate) async fn redeem(
    State(app): State<App>,
    form: Result<Form<Redemption>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(Redemption { ticket, next }) = form?;
    let started = app.engine.redeem_sign_in(&ticket).await?;
    let cookie = session::begin(&app, &started.token, started.expires_at, app.engine.now())?;
    sent_on(links::onward(next.as_deref()), cookie)
}

/// Ends the session, in this browser and wherever else its cookie may be.
pub(crate) async fn sign_out(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    app.engine.end_session(&visitor.token);
    sent_on("/sign-in", session::end(&app)?)
}

fn sent_on(to: &str, cookie: HeaderValue) -> Result<Response, Failure> {
    let to = HeaderValue::try_from(to).map_err(|error| Failure::internal(&error))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::SET_COOKIE, cookie)]).into_response())
}
