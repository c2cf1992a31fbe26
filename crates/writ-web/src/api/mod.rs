//! The JSON API: the same questions and acts as the pages, for programs and the command line.
//!
//! A caller proves itself with a personal token in the `Authorization` header at every request. Bodies are JSON
//! objects; a field that is not known is refused, so that a misspelled one is not quietly ignored.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use writ_core::code::Code;

use crate::problem::Failure;

pub(crate) mod decisions;
pub(crate) mod runs;
pub(crate) mod server;

/// How large a body may be.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// How many entries one answer holds where the caller does not say.
const LIMIT_DEFAULT: usize = 100;
/// How many entries one answer holds at most.
const LIMIT_MAX: usize = 500;

/// The number of entries to answer with.
fn limited(limit: Option<usize>) -> usize {
    limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX)
}

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Self::Rejection> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(is_json) {
            return Err(Failure::with_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Code::BadArguments,
                "send a JSON object: `Content-Type: application/json`",
            ));
        }
        let bytes = to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|_| {
            Failure::with_status(StatusCode::PAYLOAD_TOO_LARGE, Code::BadArguments, "the body is too large")
        })?;
        let understood = |error: serde_json::Error| {
            Failure::new(Code::BadArguments, format!("the body was not understood: {error}"))
        };
        // An object, whatever a type would take besides: fields have names.
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&bytes).map_err(|error| match error.classify() {
                serde_json::error::Category::Data => Failure::new(Code::BadArguments, "the body is not a JSON object"),
                _ => understood(error),
            })?;
        Ok(Self(serde_json::from_value(serde_json::Value::Object(object)).map_err(understood)?))
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split_once(';').map_or(kind, |(kind, _)| kind);
    kind.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::{LIMIT_MAX, is_json, limited};

    #[test]
    fn only_json_counts_as_json() {
        for (kind, answer) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/jsonp", false),
        ] {
            assert_eq!(is_json(kind), answer, "{kind}");
        }
    }

    #[test]
    fn answers_have_a_limit() {
        assert_eq!(limited(None), 100);
        assert_eq!(limited(Some(0)), 1);
        assert_eq!(limited(Some(usize::MAX)), LIMIT_MAX);
    }
}
