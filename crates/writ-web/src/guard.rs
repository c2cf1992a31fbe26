//! The check at each route's door, as its row in the table says: who is there, and whether a form came from
//! one of this console's own pages.
//!
//! A form must carry the token that only a page of the same session holds, and where the browser says from
//! which site it came, that must be this one. The check stands before the handler, so that a handler cannot
//! forget it. What a person may see or do is not decided here: the engine does.

use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use writ_core::code::Code;

use crate::problem::Failure;
use crate::routes::{Access, Takes};
use crate::session::{self, Visitor};
use crate::{App, headers};

/// How large a form may be.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// One route's door.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) app: App,
    pub(crate) access: Access,
    pub(crate) takes: Takes,
}

/// Lets a request through, with the person who made it.
pub(crate) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Result<Response, Failure> {
    let visitor = match guard.access {
        Access::Open => None,
        Access::Session => Some(session::of_cookie(&guard.app, request.headers())?),
        Access::Log if guard.app.config.public_log => None,
        Access::Bearer | Access::Log => Some(session::of_bearer(&guard.app, request.headers())?),
    };
    let mut request = match guard.takes {
        Takes::Form => own_form(&guard.app, request, visitor.as_ref()).await?,
        Takes::Nothing | Takes::Json => request,
    };
    if let Some(visitor) = visitor {
        request.extensions_mut().insert(visitor);
    }
    Ok(next.run(request).await)
}

#[derive(Deserialize)]
struct FormToken {
    #[serde(default)]
    csrf: String,
}

/// A form that came from a page of this console. Its body is read once, within its limit, and handed on.
async fn own_form(app: &App, request: Request, visitor: Option<&Visitor>) -> Result<Request, Failure> {
    let origin = origin(request.headers(), headers::own_host(&app.config.base_url).as_deref());
    if origin == Origin::Elsewhere || (origin == Origin::Withheld && visitor.is_none()) {
        return Err(Failure::new(
            Code::NotPermitted,
            "the form did not come from a page of this console; open the page here and send it again",
        ));
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| {
        Failure::with_status(StatusCode::PAYLOAD_TOO_LARGE, Code::BadArguments, "the form is too large")
    })?;
    if let Some(visitor) = visitor {
        let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
        let Form(token) = Form::<FormToken>::from_request(copy, &()).await?;
        if !app.engine.verify_csrf(&visitor.token, &token.csrf) {
            return Err(Failure::new(
                Code::NotPermitted,
                "the form belongs to another session; load its page again and send it from there",
            ));
        }
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Where the browser says a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// One of this console's pages.
    Here,
    /// Another site, or another server on the same machine.
    Elsewhere,
    /// The browser keeps it back, as the pages' own referrer policy asks it to.
    Withheld,
    /// Nothing is said: no browser of today.
    Unsaid,
}

fn origin(headers: &HeaderMap, own_host: Option<&str>) -> Origin {
    if let Some(site) = headers.get("sec-fetch-site") {
        let here = site == "same-origin" || site == "none";
        return if here { Origin::Here } else { Origin::Elsewhere };
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Origin::Unsaid };
    let Ok(origin) = origin.to_str() else { return Origin::Elsewhere };
    if origin == "null" {
        return Origin::Withheld;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let named = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    match named {
        Some(named) if [host, own_host].into_iter().flatten().any(|own| own.eq_ignore_ascii_case(named)) => {
            Origin::Here
        }
        _ => Origin::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Origin, origin};

    fn said(pairs: &[(&'static str, &'static str)]) -> Origin {
        let headers: HeaderMap = pairs
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        origin(&headers, Some("writ.example.org"))
    }

    #[test]
    fn forms_of_other_sites_are_told_apart() {
        assert_eq!(said(&[("sec-fetch-site", "same-origin"), ("origin", "null")]), Origin::Here);
        assert_eq!(said(&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]), Origin::Elsewhere);
        assert_eq!(said(&[("sec-fetch-site", "same-site")]), Origin::Elsewhere);
        assert_eq!(said(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")]), Origin::Here);
        assert_eq!(said(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:9090")]), Origin::Elsewhere);
        assert_eq!(said(&[("host", "10.0.0.7"), ("origin", "https://writ.example.org")]), Origin::Here);
        assert_eq!(said(&[("host", "a"), ("origin", "https://evil.example")]), Origin::Elsewhere);
        assert_eq!(said(&[("host", "a"), ("origin", "a")]), Origin::Elsewhere);
        assert_eq!(said(&[("host", "a"), ("origin", "null")]), Origin::Withheld);
        assert_eq!(said(&[("host", "a")]), Origin::Unsaid);
    }
}
