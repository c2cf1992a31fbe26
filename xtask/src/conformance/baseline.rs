//! The failures that are known, in the form that the suite itself reads: `scenario` or `scenario:check-id`.

use std::path::Path;

use serde::Deserialize;
use writ_core::definition::parse_yaml;

use super::outcome::Outcome;
use super::sets::{Set, Side};

/// The failures that are known of one set on one side.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    entries: Vec<String>,
}

/// What the baseline makes of the outcomes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// How many scenarios failed as expected.
    pub(super) expected: usize,
    /// Failures that are not listed, and entries that passed.
    pub(super) wrong: Vec<String>,
}

#[derive(Deserialize)]
struct Lists {
    #[serde(default)]
    server: Vec<String>,
    #[serde(default)]
    client: Vec<String>,
}

impl Baseline {
    /// Reads the baseline of a set.
    pub(super) fn load(folder: &Path, set: Set, side: Side) -> Result<Self, String> {
        let name = format!("expected-failures-{side}-{set}.yaml");
        let path = folder.join(&name);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let lists: Lists = parse_yaml(&name, &text).map_err(|problem| problem.to_string())?;
        Ok(Self { entries: if side == Side::Server { lists.server } else { lists.client } })
    }

    /// Holds outcomes against it. Entries about scenarios that did not run say nothing.
    pub(super) fn judge(&self, outcomes: &[Outcome]) -> Judged {
        let mut judged = Judged::default();
        for outcome in outcomes {
            let scenario = outcome.scenario.as_str();
            let whole = self.entries.iter().any(|entry| entry == scenario);
            let checks: Vec<&str> =
                self.entries.iter().filter_map(|entry| entry.strip_prefix(scenario)?.strip_prefix(':')).collect();
            let unlisted = outcome.failed.iter().filter(|failed| !whole && !checks.contains(&failed.check.as_str()));
            let before = judged.wrong.len();
            judged.wrong.extend(unlisted.map(|failed| format!("{scenario}: {} {}", failed.check, failed.why)));
            judged.expected += usize::from(!outcome.passed() && judged.wrong.len() == before);
            if whole && outcome.passed() {
                judged.wrong.push(format!("{scenario} passes; take it off the list"));
            }
            let has_failed = |check: &str| outcome.failed.iter().any(|failed| failed.check == check);
            let passing = checks.into_iter().filter(|check| outcome.succeeded.contains(*check) && !has_failed(check));
            judged.wrong.extend(passing.map(|check| format!("{scenario}:{check} passes; take it off the list")));
        }
        judged
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::outcome::Failed;
    use super::*;

    fn outcome(scenario: &str, failed: &[&str], succeeded: &[&str]) -> Outcome {
        let failed = failed.iter().map(|check| Failed { check: (*check).to_owned(), why: "why".to_owned() }).collect();
        let succeeded: BTreeSet<String> = succeeded.iter().map(|check| (*check).to_owned()).collect();
        Outcome { scenario: scenario.to_owned(), failed, succeeded }
    }

    fn judged(entries: &[&str], outcome: Outcome) -> (usize, usize) {
        let baseline = Baseline { entries: entries.iter().map(|entry| (*entry).to_owned()).collect() };
        let judged = baseline.judge(&[outcome]);
        (judged.expected, judged.wrong.len())
    }

    #[test]
    fn what_fails_must_be_listed_and_what_is_listed_must_fail() {
        assert_eq!(judged(&[], outcome("a", &[], &["x"])), (0, 0));
        assert_eq!(judged(&[], outcome("a", &["x"], &[])), (0, 1));
        assert_eq!(judged(&["a"], outcome("a", &["x", "y"], &[])), (1, 0));
        assert_eq!(judged(&["a"], outcome("a", &[], &["x"])), (0, 1));
        assert_eq!(judged(&["a:x"], outcome("a", &["x"], &["x", "y"])), (1, 0));
        assert_eq!(judged(&["a:x"], outcome("a", &["x", "y"], &[])), (0, 1));
        assert_eq!(judged(&["a:x"], outcome("a", &[], &["x"])), (0, 1));
        assert_eq!(judged(&["a:x"], outcome("a", &[], &["y"])), (0, 0), "a check that never ran says nothing");
        assert_eq!(judged(&["ab", "b"], outcome("a", &["x"], &[])), (0, 1), "another scenario's entry");
    }

    #[test]
    fn every_baseline_of_the_repository_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/conformance");
        for (set, side) in super::super::sets::chosen(None, None) {
            Baseline::load(&folder, set, side).unwrap();
        }
    }
}
