//! Who is there: the console's cookie, the API's bearer token, and what a handler gets to know of the person.
//!
//! The cookie carries a token of the engine's and nothing else; the engine says whether it still counts, at
//! every request. The API never looks at cookies, so that no page elsewhere can make a browser use it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use writ_core::code::Code;
use writ_core::event::Milliseconds;
use writ_engine::view::PersonAccess;

use crate::App;
use crate::problem::Failure;

/// A person who has proved themselves for this request.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) who: PersonAccess,
    /// The token by which they did: to make form tokens from, and to ask again while a stream lasts.
    pub(crate) token: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Failure::not_signed_in)
    }
}

/// The person of the console's cookie.
pub(crate) fn of_cookie(app: &App, headers: &HeaderMap) -> Result<Visitor, Failure> {
    let token = cookie(headers, cookie_name(app.config.secure_cookies)).ok_or_else(Failure::not_signed_in)?;
    let who = app.engine.authenticate_session(token)?;
    Ok(Visitor { who, token: token.to_owned() })
}

/// The person of the API's bearer token.
pub(crate) fn of_bearer(app: &App, headers: &HeaderMap) -> Result<Visitor, Failure> {
    let token = bearer(headers)
        .ok_or_else(|| Failure::new(Code::NotAuthenticated, "send a personal token: `Authorization: Bearer …`"))?;
    let who = app.engine.authenticate_person(token)?;
    Ok(Visitor { who, token: token.to_owned() })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The cookie's name. The prefix makes browsers refuse it from another host or without HTTPS.
fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-writ_session" } else { "writ_session" }
}

/// A cookie's value. One that comes twice counts as absent: nobody can tell which one is ours.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(given, _)| *given == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    (values.next().is_none() && !value.is_empty()).then_some(value)
}

/// The header that begins a session.
pub(crate) fn begin(
    app: &App,
    token: &str,
    expires_at: Milliseconds,
    now: Milliseconds,
) -> Result<HeaderValue, Failure> {
    set(app.config.secure_cookies, token, expires_at.saturating_sub(now).max(0) / 1_000)
}

/// The header that ends a session in the browser.
pub(crate) fn end(app: &App) -> Result<HeaderValue, Failure> {
    set(app.config.secure_cookies, "", 0)
}

fn set(secure: bool, token: &str, seconds: i64) -> Result<HeaderValue, Failure> {
    let mut cookie = format!("{}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}", cookie_name(secure));
    if secure {
        cookie.push_str("; Secure");
    }
    HeaderValue::try_from(cookie).map_err(|error| Failure::internal(&error))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{bearer, cookie, set};

    fn with(name: header::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for &value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_cookie_is_found_by_its_whole_name() {
        let found =
            |values: &[&'static str]| cookie(&with(header::COOKIE, values), "writ_session").map(ToOwned::to_owned);
        assert_eq!(found(&["a=b; writ_session=token; c=d"]).as_deref(), Some("token"));
        assert_eq!(found(&["a=b", "writ_session=token"]).as_deref(), Some("token"));
        assert_eq!(found(&["xwrit_session=token", "writ_session2=token"]), None);
        assert_eq!(found(&["writ_session="]), None);
        assert_eq!(found(&["writ_session=one; writ_session=two"]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn the_bearer_token_is_the_word_after_the_scheme() {
        let found = |value| bearer(&with(header::AUTHORIZATION, &[value])).map(ToOwned::to_owned);
        assert_eq!(found("Bearer token").as_deref(), Some("token"));
        assert_eq!(found("bearer token").as_deref(), Some("token"));
        assert_eq!(found("Basic token"), None);
        assert_eq!(found("Bearer "), None);
        assert_eq!(found("token"), None);
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_and_other_sites() {
        let text = |secure| set(secure, "token", 60).ok().and_then(|value| value.to_str().ok().map(ToOwned::to_owned));
        assert_eq!(
            text(true).as_deref(),
            Some("__Host-writ_session=token; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure")
        );
        assert_eq!(text(false).as_deref(), Some("writ_session=token; Path=/; HttpOnly; SameSite=Strict; Max-Age=60"));
        assert!(set(false, "to\nken", 60).is_err());
    }
}
