//! What went wrong, for whoever asked: one table from codes to statuses, and one place where a problem becomes
//! a page or JSON.
//!
//! A handler returns a [`Failure`]; it travels as a bare status with the [`Problem`] beside it, and the
//! outermost layer writes it in the style of the address that was asked for. So an unknown address, a refused
//! form and a refusal of the engine all read alike, and no handler writes an error by itself.

use std::error::Error as _;

use axum::Json;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use writ_core::code::{Code, Reason, Refusal};

use crate::{links, pages};

/// The status that goes with a code.
#[must_use]
pub(crate) fn status(code: Code) -> StatusCode {
    match code {
        Code::BadArguments
        | Code::MalformedMessage
        | Code::SqlSyntax
        | Code::SqlNotAllowed
        | Code::SqlUnknownName
        | Code::SqlType => StatusCode::BAD_REQUEST,
        Code::NotAuthenticated => StatusCode::UNAUTHORIZED,
        Code::NotPermitted | Code::StartRefused | Code::VoteRefused => StatusCode::FORBIDDEN,
        Code::UnknownName | Code::DecisionUnknown | Code::RunNotOpen => StatusCode::NOT_FOUND,
        Code::RejectedBefore
        | Code::EffectKeyTaken
        | Code::DecisionClosed
        | Code::DigestMismatch
        | Code::ToolQuarantined
        | Code::NotLinked
        | Code::ApprovalVoid => StatusCode::CONFLICT,
        Code::SqlTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::FactMissing
        | Code::ExecutionFailed
        | Code::MemoryExceeded
        | Code::TooManyRows
        | Code::SliceTooLarge
        | Code::ResultTooLarge
        | Code::BadVerdict
        | Code::BadDefinition => StatusCode::UNPROCESSABLE_ENTITY,
        Code::LimitReached => StatusCode::TOO_MANY_REQUESTS,
        Code::NotSent | Code::OutcomeUnknown | Code::UpstreamError | Code::ResultWithheld => StatusCode::BAD_GATEWAY,
        Code::TimeExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::SourceUnavailable | Code::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::PolicyMismatch | Code::TrailInvalid | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What went wrong: for the one who asked, and the reasons for people.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    pub(crate) status: StatusCode,
    pub(crate) code: Code,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<Reason>,
}

impl Problem {
    /// A problem which a library has answered with nothing but a status.
    fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => (Code::UnknownName, "there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => (Code::BadArguments, "this address does not take this method"),
            StatusCode::PAYLOAD_TOO_LARGE => (Code::BadArguments, "the request is too large"),
            _ if status.is_server_error() => (Code::Internal, "something went wrong here"),
            _ => (Code::BadArguments, "the request was not understood"),
        };
        Self { status, code, message: message.to_owned(), reasons: Vec::new() }
    }
}

/// A problem on its way out of a handler.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Box<Problem>);

impl Failure {
    /// A failure with the status that goes with its code.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Refusal::new(code, message).into()
    }

    /// A failure whose status says more than its code.
    pub(crate) fn with_status(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Problem { status, code, message: message.into(), reasons: Vec::new() }))
    }

    /// Nobody is signed in.
    pub(crate) fn not_signed_in() -> Self {
        Self::new(Code::NotAuthenticated, "nobody is signed in here")
    }

    /// A fault of this server's own. The cause goes to the log alone.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(%cause, "an answer could not be made");
        Self::new(Code::Internal, "the answer could not be made; the server's log says why")
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(Problem {
            status: status(refusal.code),
            code: refusal.code,
            message: refusal.message,
            reasons: refusal.reasons,
        }))
    }
}

impl From<FormRejection> for Failure {
    fn from(rejection: FormRejection) -> Self {
        let status = match rejection.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        let detail = rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
        Self::with_status(status, Code::BadArguments, format!("the form was not understood: {detail}"))
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        let detail = rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
        Self::new(Code::BadArguments, format!("the address was not understood: {detail}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(*self.0);
        response
    }
}

/// What was asked for, as far as an answer's style goes.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
}

impl Asked {
    /// Whether the answer is JSON.
    fn is_api(&self) -> bool {
        self.path == "/api" || self.path.starts_with("/api/") || self.path.starts_with("/tlog/")
    }

    fn address(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// Writes a response's problem, if it has one, in the style of what was asked for.
pub(crate) fn written(mut response: Response, asked: &Asked) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>().or_else(|| unwritten(&response)) else {
        return response;
    };
    let status = problem.status;
    let allow = response.headers_mut().remove(header::ALLOW);
    let mut written = if asked.is_api() {
        (status, Json(problem)).into_response()
    } else if status == StatusCode::UNAUTHORIZED && matches!(asked.method, Method::GET | Method::HEAD) {
        Redirect::to(&links::sign_in(links::onward(Some(&asked.address())))).into_response()
    } else {
        pages::problem(&problem, &links::back(&asked.path))
    };
    if let Some(allow) = allow {
        written.headers_mut().insert(header::ALLOW, allow);
    }
    if status == StatusCode::UNAUTHORIZED && asked.is_api() {
        written.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"writ\""));
    }
    written
}

/// The problem of an error that nobody has written for people: without a body, or with a library's own words.
fn unwritten(response: &Response) -> Option<Problem> {
    let status = response.status();
    let own =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    ((status.is_client_error() || status.is_server_error()) && !own).then(|| Problem::of_status(status))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use writ_core::code::Code;

    use super::status;

    #[test]
    fn every_code_has_an_error_status() {
        for code in Code::ALL {
            let status = status(*code);
            assert!(status.is_client_error() || status.is_server_error(), "{code} is {status}");
        }
    }

    #[test]
    fn what_may_not_be_seen_looks_absent() {
        assert_eq!(status(Code::DecisionUnknown), StatusCode::NOT_FOUND);
        assert_eq!(status(Code::UnknownName), StatusCode::NOT_FOUND);
    }
}
