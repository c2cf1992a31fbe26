//! Who may look at a clock.
//!
//! The time of day comes from one place, and each place that measures how long something takes is written down here,
//! with its reason. The list only shrinks: a file on it that looks at no clock any more must come off it.

use super::Violation;
use super::bans::holds;
use super::repository::Source;

const READINGS: [&str; 2] = ["SystemTime::now", "Instant::now"];

/// The files that may, and why.
const ALLOWED: [(&str, &str); 11] = [
    ("crates/writ-engine/src/clock.rs", "the one clock: the time of day"),
    ("crates/writ-knowledge/src/clock.rs", "how long a read took, and when it must give up"),
    ("crates/writ-store/src/front.rs", "how long a record is without a sync"),
    ("crates/writ-store/src/writer.rs", "when the next checkpoint is due"),
    ("crates/writ-mcp/src/upstream/call.rs", "how long an answer takes, and the breaker's"),
    ("crates/writ-mcp/src/upstream/conversation.rs", "how long a server waits for a worker's answer"),
    ("crates/writ-mcp/src/upstream/direct.rs", "for how long a caller takes in nothing"),
    ("crates/writ-mcp/src/upstream/integration.rs", "which connection was used last"),
    ("crates/writ-mcp/src/upstream/link.rs", "when an integration may be tried again"),
    ("crates/writ-mcp/src/lanes.rs", "how long a connection has been idle"),
    ("crates/writ-mcp/src/bridge.rs", "how long a closing bridge waits"),
];

/// Measuring time is what these are for.
const STOPWATCHES: [&str; 2] = ["benches/", "xtask/"];

pub(crate) fn check(sources: &[Source]) -> Vec<Violation> {
    check_against(sources, &ALLOWED)
}

fn check_against(sources: &[Source], allowed: &[(&str, &str)]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let timed =
        |source: &&Source| source.is_product() && !STOPWATCHES.iter().any(|folder| source.path.starts_with(folder));
    let mut reading = Vec::new();
    for source in sources.iter().filter(timed) {
        for (number, line) in source.code_lines() {
            if let Some(call) = READINGS.iter().find(|call| holds(line, call)) {
                reading.push(source.path.as_str());
                if !allowed.iter().any(|(path, _)| *path == source.path) {
                    let message = format!("`{call}`: take the time from the crate's clock, which tests can hold");
                    violations.push(Violation::at(&source.path, number, message));
                }
            }
        }
    }
    for (path, why) in allowed.iter().filter(|(path, _)| !reading.contains(path)) {
        let message = format!("looks at no clock any more (`{why}`): take it off the list in xtask/src/tidy/clocks.rs");
        violations.push(Violation::in_file(path, message));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::fixture;

    const CLOCK: &str =
        "fn now() -> Instant { Instant::now() }\nfn day() -> SystemTime { std::time::SystemTime::now() }\n";

    #[test]
    fn a_clock_that_is_not_on_the_list_is_seen() {
        let sources =
            fixture(&[("crates/a/src/a.rs", CLOCK), ("crates/a/tests/a.rs", CLOCK), ("benches/src/b.rs", CLOCK)])
                .sources;
        let broken: Vec<usize> = check_against(&sources, &[]).iter().map(|violation| violation.line).collect();
        assert_eq!(broken, [1, 2]);
        assert!(check_against(&sources, &[("crates/a/src/a.rs", "a clock")]).is_empty());
    }

    #[test]
    fn the_list_only_shrinks() {
        let sources = fixture(&[("crates/a/src/a.rs", "fn f() {}\n")]).sources;
        assert_eq!(
            check_against(&sources, &[("crates/a/src/a.rs", "a clock"), ("crates/gone.rs", "another")]).len(),
            2
        );
    }
}
