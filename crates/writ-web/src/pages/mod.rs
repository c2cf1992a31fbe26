//! The console's pages. Each module asks the engine, turns what it gets into words, and fills one template.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use writ_core::code::{Code, Refusal};

use crate::frame::{Frame, page};
use crate::links;
use crate::problem::Problem;
use crate::visible::{Shown, block};

pub(crate) mod decision;
pub(crate) mod decisions;
pub(crate) mod linking;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod server;
pub(crate) mod sign_in;

/// How long a reason or a note may be.
const REASON_CHARACTERS_MAX: usize = 2_000;

/// The start: the decisions.
pub(crate) async fn home() -> Redirect {
    Redirect::to(links::HOME)
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    heading: &'static str,
    message: Shown,
    advice: &'static str,
    reasons: Vec<Shown>,
    code: &'static str,
    status: u16,
    back: &'a str,
    signed_out: bool,
}

/// A problem as a page: what happened, what to do, and the way back.
pub(crate) fn problem(problem: &Problem, back: &str) -> Response {
    let heading = heading(problem.status);
    let html = ProblemPage {
        frame: Frame::outside(heading),
        heading,
        message: block(&problem.message),
        advice: advice(problem.code, problem.status),
        reasons: problem.reasons.iter().map(|reason| block(&reason.to_string())).collect(),
        code: problem.code.name(),
        status: problem.status.as_u16(),
        back,
        signed_out: problem.status == StatusCode::UNAUTHORIZED,
    };
    page(problem.status, &html).unwrap_or_else(|_| (problem.status, problem.message.clone()).into_response())
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Sign in first",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::CONFLICT => "No longer possible",
        StatusCode::PAYLOAD_TOO_LARGE => "Too large",
        StatusCode::TOO_MANY_REQUESTS => "Limit reached",
        StatusCode::MISDIRECTED_REQUEST => "Another address",
        _ if status.is_server_error() => "Something is wrong here",
        _ => "Not understood",
    }
}

fn advice(code: Code, status: StatusCode) -> &'static str {
    match code {
        Code::NotAuthenticated => "Open a new sign-in link. Nothing was changed.",
        Code::DigestMismatch => {
            "Open the decision again and read it: what you were shown is not what would run now. \
             Your vote was not counted."
        }
        Code::DecisionClosed => "Open the decision to see how it ended. Your vote was not counted.",
        Code::VoteRefused => "Somebody else has to decide this one. Your vote was not counted.",
        Code::ApprovalVoid => "Open the decision to see what changed. Nothing was sent.",
        Code::OutcomeUnknown => "Look where the effect would show, then say on the decision's page what happened.",
        Code::StoreUnavailable => {
            "Nothing is accepted while the store cannot be written. Whoever runs this server sees why in its health."
        }
        Code::UnknownName | Code::DecisionUnknown | Code::RunNotOpen => {
            "Check the address, or start from the list. It may also be something that you may not see."
        }
        _ if status.is_server_error() => "Try again in a moment. If it stays, tell whoever runs this server.",
        _ => "Nothing was changed.",
    }
}

/// A person's own words for the record: trimmed, of a sensible length, and never empty.
pub(crate) fn words(text: &str, what: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::new(Code::BadArguments, format!("{what} is missing: say it in a few words")));
    }
    if text.chars().count() > REASON_CHARACTERS_MAX {
        let message = format!("{what} is too long: {REASON_CHARACTERS_MAX} characters at most");
        return Err(Refusal::new(Code::BadArguments, message));
    }
    Ok(text.to_owned())
}

/// A vote's reason: needed for a no, since the worker reads it; welcome for a yes.
pub(crate) fn vote_reason(approve: bool, reason: Option<&str>) -> Result<Option<String>, Refusal> {
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        None if approve => Ok(None),
        reason => words(reason.unwrap_or_default(), "the reason").map(Some),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use writ_core::code::{Code, Reason};

    use super::{problem, vote_reason, words};
    use crate::problem::Problem;

    #[test]
    fn no_template_lets_text_act() -> std::io::Result<()> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let template = std::fs::read_to_string(&path)?;
            for act in ["safe", "escape", " style=", " on", "javascript:", "<style", "<iframe"] {
                let found = match act {
                    " on" => template.split(" on").skip(1).any(|after| {
                        let name: String = after.chars().take_while(char::is_ascii_alphabetic).collect();
                        after.get(name.len()..).is_some_and(|rest| rest.starts_with('='))
                    }),
                    _ => template.contains(act),
                };
                assert!(!found, "{act} in {}", path.display());
            }
        }
        Ok(())
    }

    #[test]
    fn a_no_needs_a_reason() {
        assert_eq!(vote_reason(true, None), Ok(None));
        assert_eq!(vote_reason(true, Some("  ")), Ok(None));
        assert_eq!(vote_reason(false, Some(" too much ")), Ok(Some("too much".to_owned())));
        assert!(vote_reason(false, None).is_err());
        assert!(vote_reason(false, Some(" ")).is_err());
        assert!(words(&"x".repeat(3_000), "the note").is_err());
    }

    #[test]
    fn a_problem_keeps_its_status_and_shows_hostile_text_as_text() {
        let reason = Reason { set: "mission".to_owned(), policy: None, detail: "<script>x</script>".to_owned() };
        let response = problem(
            &Problem {
                status: StatusCode::CONFLICT,
                code: Code::DigestMismatch,
                message: "the digest is another one".to_owned(),
                reasons: vec![reason],
            },
            "/decisions/d-1",
        );
        assert_eq!(response.status(), StatusCode::CONFLICT);
    }
}
