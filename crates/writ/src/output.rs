//! What the program says: data on stdout, the rest on stderr.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value as Json;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Prints one JSON object on a line of its own.
pub(crate) fn json(value: &Json) {
    _ = writeln!(std::io::stdout().lock(), "{value}");
}

/// Prints a line of data.
pub(crate) fn data(line: &str) {
    _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Prints a line for a person.
pub(crate) fn note(line: &str) {
    _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Says what went wrong, and gives the exit code for it.
pub(crate) fn fail(message: &str) -> ExitCode {
    note(&format!("error: {message}"));
    ExitCode::FAILURE
}

/// Libraries that print credentials or contents at some level; they stay silent whatever the filter says.
const SILENT: [&str; 2] = ["rmcp", "oauth2"];

/// Logs to stderr; `WRIT_LOG` chooses what, in the syntax of `tracing`'s filters.
pub(crate) fn log() {
    let filter = EnvFilter::try_from_env("WRIT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let is_silent = |target: &str| SILENT.iter().any(|library| target.split("::").next() == Some(*library));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = lines.with_filter(filter_fn(move |metadata| !is_silent(metadata.target())));
    // A second call, as in the demo, keeps the first.
    _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
