//! Why the worker gave up.

/// Why the worker gave up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    #[error("no run's token is in the environment; set `{0}` to the one that starting the run printed")]
    NoToken(&'static str),
    #[error("cannot work with Writ at `{url}`: {why}")]
    Connect { url: String, why: String },
    #[error("calling `{tool}` failed: {why}")]
    Call { tool: String, why: String },
    #[error("`{tool}` was refused ({code}): {message}")]
    Refused { tool: String, code: String, message: String },
    #[error("{0} is not among what this run may read")]
    Missing(String),
    #[error("{0}, which should have been refused")]
    NotRefused(String),
    #[error("`{tool}` answered in a form that this worker does not know: {answer}")]
    Unexpected { tool: String, answer: String },
    #[error("standard output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}
