//! What stands around every page: its title, who reads it, and the ways to the other pages.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use writ_engine::view::PersonAccess;

use crate::headers::Nonce;
use crate::problem::Failure;
use crate::session::Visitor;
use crate::visible::{Shown, line, plain};
use crate::{App, assets};

/// A part of the console that the navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Decisions,
    Runs,
    Trail,
    Integrations,
    Health,
}

const PLACES: [(Place, &str, &str); 5] = [
    (Place::Decisions, "/decisions", "Decisions"),
    (Place::Runs, "/runs", "Runs"),
    (Place::Trail, "/trail", "Trail"),
    (Place::Integrations, "/integrations", "Integrations"),
    (Place::Health, "/health", "Health"),
];

/// Somebody signed in who reads a page.
pub(crate) struct Reader {
    pub(crate) visitor: Visitor,
    nonce: String,
}

impl Reader {
    /// The person.
    pub(crate) fn who(&self) -> &PersonAccess {
        &self.visitor.who
    }

    /// The frame of a page for this reader. `waiting` is how much waits for them, where the page knows.
    pub(crate) fn frame(&self, app: &App, title: &str, here: Place, waiting: Option<usize>) -> Frame {
        Frame {
            person: Some(Signed { name: line(self.who().name()), csrf: app.engine.csrf_token(&self.visitor.token) }),
            ways: PLACES
                .into_iter()
                .map(|(place, address, name)| Way {
                    address,
                    name,
                    here: place == here,
                    count: waiting.filter(|_| place == Place::Decisions),
                })
                .collect(),
            nonce: self.nonce.clone(),
            ..Frame::outside(title)
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let nonce = parts.extensions.get::<Nonce>().map(|nonce| nonce.0.clone()).unwrap_or_default();
        Ok(Self { visitor, nonce })
    }
}

/// What the layout shows around a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) person: Option<Signed>,
    pub(crate) ways: Vec<Way>,
    pub(crate) nonce: String,
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
}

/// Whoever is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) name: Shown,
    /// The token that this session's forms carry.
    pub(crate) csrf: String,
}

/// One way in the navigation.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) address: &'static str,
    pub(crate) name: &'static str,
    pub(crate) here: bool,
    pub(crate) count: Option<usize>,
}

impl Frame {
    /// The frame of a page that nobody need be signed in for: no navigation, no script.
    pub(crate) fn outside(title: &str) -> Self {
        Self {
            title: plain(title),
            person: None,
            ways: Vec::new(),
            nonce: String::new(),
            style: assets::STYLE_ADDRESS.as_str(),
            script: assets::SCRIPT_ADDRESS.as_str(),
        }
    }

    /// The token that this page's forms carry.
    pub(crate) fn csrf(&self) -> &str {
        self.person.as_ref().map_or("", |person| &person.csrf)
    }
}

/// A page as an answer.
pub(crate) fn page(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    let html = page.render().map_err(|error| Failure::internal(&error))?;
    Ok((status, Html(html)).into_response())
}
