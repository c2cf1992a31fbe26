//! What the program says: data on stdout, the rest on stderr.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value as Json;

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

/// Logs to stderr; `WRIT_LOG` chooses what, in the syntax of `tracing`'s filters.
pub(crate) fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WRIT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,rmcp=off"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // A second call, as in the demo, keeps the first.
    _ = subscriber.try_init();
}
