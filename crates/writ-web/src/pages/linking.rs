//! Linking integrations: the list of those that a person uses in their own name, the way to an authorization server,
//! and the way back.
//!
//! The way back comes from another site, so browsers hold the session's cookie back. Then the page that is shown has
//! one link, to the same address: on the way from here the cookie is there. Nothing is finished without it. What the
//! address carries is used once, and the reader is sent on to an address that carries nothing.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use writ_core::code::Code;

use crate::frame::{Frame, Place, Reader, page};
use crate::linking::{Link, LinkAnswer, LinkedState};
use crate::moment::Moment;
use crate::problem::Failure;
use crate::session::{self, Visitor};
use crate::tags::Tag;
use crate::visible::{Shown, line};
use crate::{App, links};

/// Where the list is.
const LIST: &str = "/integrations";
/// How long an address that comes back may be.
const ADDRESS_BYTES_MAX: usize = 8192;

struct Row {
    name: Shown,
    /// The address under which it is linked and unlinked.
    address: String,
    tag: Tag,
    since: Option<Moment>,
    linked: bool,
}

#[derive(Template)]
#[template(path = "linking.html")]
struct LinkingPage {
    frame: Frame,
    /// What has just been unlinked here, and may be good elsewhere for longer.
    remains: Option<Remains>,
    rows: Vec<Row>,
}

struct Remains {
    name: Shown,
    why: Shown,
}

/// The integrations that the reader uses in their own name.
pub(crate) async fn list(State(app): State<App>, reader: Reader) -> Result<Response, Failure> {
    listed(&app, &reader, None).await
}

async fn listed(app: &App, reader: &Reader, remains: Option<Remains>) -> Result<Response, Failure> {
    let links = app.linking.links(reader.who().person()).await?;
    let html = LinkingPage {
        frame: reader.frame(app, "Integrations", Place::Integrations, None),
        remains,
        rows: links.iter().map(row).collect(),
    };
    page(StatusCode::OK, &html)
}

fn row(link: &Link) -> Row {
    let (tag, since) = match link.state {
        LinkedState::Unlinked => (Tag::still("not linked"), None),
        LinkedState::Linked { since } => (Tag::good("linked"), Some(Moment::of(since))),
        LinkedState::Again => (Tag::care("to be linked again"), None),
    };
    Row {
        name: line(&link.integration),
        address: address(&link.integration),
        tag,
        since,
        linked: link.state != LinkedState::Unlinked,
    }
}

/// Sends the reader to the authorization server.
pub(crate) async fn begin(
    State(app): State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let back = format!("{}{}/linked", app.config.base_url.trim_end_matches('/'), address(&name));
    let to = app.linking.begin(&name, visitor.who.person(), &back).await?;
    sent_on(&to)
}

#[derive(Deserialize)]
pub(crate) struct Arrival {
    #[serde(default)]
    state: String,
    code: Option<String>,
    #[serde(rename = "iss")]
    issuer: Option<String>,
    error: Option<String>,
    /// Whether the reader comes from our own page.
    here: Option<String>,
}

#[derive(Template)]
#[template(path = "linking_onward.html")]
struct OnwardPage<'a> {
    frame: Frame,
    onward: &'a str,
}

/// Takes what the authorization server sent back.
pub(crate) async fn finish(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    RawQuery(raw): RawQuery,
    query: Result<Query<Arrival>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(Arrival { state, code, issuer, error, here }) = query?;
    let Ok(visitor) = session::of_cookie(&app, &headers) else {
        if here.is_some() {
            // Not the answer that leads to the sign-in page: it would carry this address along.
            return Err(Failure::with_status(
                StatusCode::FORBIDDEN,
                Code::NotAuthenticated,
                "nobody is signed in here; sign in, then link the integration again",
            ));
        }
        return onward(&name, raw.as_deref().unwrap_or_default());
    };
    let answer = LinkAnswer { state, code, issuer, declined: error.is_some() };
    app.linking.finish(&name, visitor.who.person(), answer).await?;
    sent_on(LIST)
}

/// The page with the one link, to the same address.
fn onward(name: &str, query: &str) -> Result<Response, Failure> {
    let onward = format!("{}/linked?{query}&here=1", address(name));
    if onward.len() > ADDRESS_BYTES_MAX {
        return Err(Failure::new(Code::BadArguments, "the address is too long"));
    }
    page(StatusCode::OK, &OnwardPage { frame: Frame::outside("Finish linking"), onward: &onward })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnlinkForm {
    #[serde(rename = "csrf")]
    _csrf: String,
}

/// Forgets the reader's link.
pub(crate) async fn unlink(
    State(app): State<App>,
    reader: Reader,
    Path(name): Path<String>,
    form: Result<Form<UnlinkForm>, FormRejection>,
) -> Result<Response, Failure> {
    _ = form?;
    match app.linking.unlink(&name, reader.who().person()).await? {
        None => sent_on(LIST),
        Some(why) => listed(&app, &reader, Some(Remains { name: line(&name), why: line(&why) })).await,
    }
}

/// The public keys with which others check this server's statements about people.
pub(crate) async fn public_keys(State(app): State<App>) -> Response {
    Json(app.linking.public_keys()).into_response()
}

fn address(name: &str) -> String {
    format!("{LIST}/{}", links::encoded(name))
}

fn sent_on(to: &str) -> Result<Response, Failure> {
    let to = HeaderValue::try_from(to).map_err(|error| Failure::internal(&error))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

#[cfg(test)]
mod tests {
    use askama::Template as _;

    use super::{LinkingPage, OnwardPage, Remains, address, row};
    use crate::frame::Frame;
    use crate::linking::{Link, LinkedState};
    use crate::visible::line;

    #[test]
    fn a_name_cannot_leave_its_place() {
        assert_eq!(address("mail"), "/integrations/mail");
        assert_eq!(address("../x?y#z"), "/integrations/..%2Fx%3Fy%23z");
    }

    #[test]
    fn what_comes_back_is_text_on_the_page() {
        let onward = "/integrations/mail/linked?code=\"><script>x</script>&here=1";
        let html = OnwardPage { frame: Frame::outside("Finish linking"), onward }.render();
        let html = html.unwrap_or_default();
        assert!(html.contains("/integrations/mail/linked"), "{html}");
        assert!(!html.contains("<script>x"), "{html}");
        assert!(!html.contains("code=\">"), "{html}");
    }

    #[test]
    fn what_may_be_good_elsewhere_is_said_in_words() {
        let remains = Some(Remains { name: line("mail"), why: line("<b>no</b> answer") });
        let html = LinkingPage { frame: Frame::outside("Integrations"), remains, rows: Vec::new() }.render();
        let html = html.unwrap_or_default();
        assert!(html.contains("unlinked here alone") && html.contains("answer"), "{html}");
        assert!(!html.contains("<b>no"), "{html}");
    }

    #[test]
    fn what_is_linked_can_be_unlinked() {
        let linked = |state| row(&Link { integration: "mail".to_owned(), state }).linked;
        assert!(!linked(LinkedState::Unlinked));
        assert!(linked(LinkedState::Linked { since: 0 }));
        assert!(linked(LinkedState::Again));
    }
}
