//! What the program says: data on stdout, the rest on stderr.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value as Json;
use tracing_subscriber::EnvFilter;

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
const SILENT: [&str; 2] = ["rmcp=off", "oauth2=off"];

/// Logs to stderr; `WRIT_LOG` chooses what, in the syntax of `tracing`'s filters.
pub(crate) fn log() {
    let filter = EnvFilter::try_from_env("WRIT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // These libraries print whole messages: what is in them is for the trail and for nobody's log.
    let filter = SILENT.iter().filter_map(|directive| directive.parse().ok()).fold(filter, EnvFilter::add_directive);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // A second call, as in the demo, keeps the first.
    _ = subscriber.try_init();
}
