//! What became of one scenario, from what the suite wrote of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The file that the suite writes for a scenario, in a folder of the scenario's own.
const CHECKS: &str = "checks.json";
/// How deep that folder may be: a scenario's name may have a `/` in it.
const DEPTH_MAX: usize = 4;
/// How much of a reason is shown.
const REASON_CHARACTERS_MAX: usize = 300;

/// What became of one scenario.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) scenario: String,
    /// The checks that failed, with the reasons. None, where the scenario passed.
    pub(super) failed: Vec<Failed>,
    /// The checks that succeeded at least once.
    pub(super) succeeded: BTreeSet<String>,
}

/// A check that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    /// The check's id; empty, where no check failed but the scenario as a whole.
    pub(super) check: String,
    pub(super) why: String,
}

/// A check, as the suite writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: String,
    status: String,
    #[serde(default)]
    description: String,
    error_message: Option<String>,
}

impl Outcome {
    /// Reads what the suite wrote under a folder. `ended_well` is whether the suite itself took it for a success.
    pub(super) fn read(scenario: &str, folder: &Path, ended_well: bool) -> Result<Self, String> {
        let checks = match find(folder, DEPTH_MAX) {
            None => Vec::new(),
            Some(path) => {
                let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?
            }
        };
        Ok(Self::of(scenario, checks, ended_well))
    }

    fn of(scenario: &str, checks: Vec<Check>, ended_well: bool) -> Self {
        let as_a_whole = |why: &str| Failed { check: String::new(), why: why.to_owned() };
        let mut succeeded = BTreeSet::new();
        let mut failed = Vec::new();
        if checks.is_empty() {
            failed.push(as_a_whole("the suite checked nothing"));
        }
        for check in checks {
            match check.status.as_str() {
                "SUCCESS" => _ = succeeded.insert(check.id),
                "FAILURE" | "WARNING" => {
                    let why = check.error_message.unwrap_or(check.description);
                    failed.push(Failed { check: check.id, why: why.chars().take(REASON_CHARACTERS_MAX).collect() });
                }
                _ => {}
            }
        }
        if failed.is_empty() && !ended_well {
            failed.push(as_a_whole("the suite ended it as failed, with no check that says why"));
        }
        Self { scenario: scenario.to_owned(), failed, succeeded }
    }

    pub(super) fn passed(&self) -> bool {
        self.failed.is_empty()
    }
}

fn find(folder: &Path, depth: usize) -> Option<PathBuf> {
    let here = folder.join(CHECKS);
    if here.is_file() {
        return Some(here);
    }
    let deeper = depth.checked_sub(1)?;
    let folders = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.filter(|path| path.is_dir()).find_map(|path| find(&path, deeper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(statuses: &[(&str, &str)], ended_well: bool) -> Outcome {
        let check = |(id, status): &(&str, &str)| Check {
            id: (*id).to_owned(),
            status: (*status).to_owned(),
            description: "it must be so".to_owned(),
            error_message: None,
        };
        Outcome::of("some", statuses.iter().map(check).collect(), ended_well)
    }

    #[test]
    fn a_scenario_passes_where_no_check_fails_or_warns() {
        assert!(outcome(&[("a", "SUCCESS"), ("b", "INFO"), ("c", "SKIPPED")], true).passed());
        for failing in ["FAILURE", "WARNING"] {
            let outcome = outcome(&[("a", "SUCCESS"), ("b", failing)], true);
            assert_eq!(outcome.failed, [Failed { check: "b".to_owned(), why: "it must be so".to_owned() }]);
        }
        assert!(!outcome(&[("a", "SUCCESS")], false).passed(), "the suite itself says that it failed");
        assert!(!outcome(&[], true).passed(), "nothing was checked");
    }

    #[test]
    fn checks_are_found_under_a_name_with_a_slash() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("auth").join("metadata-default-2026");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join(CHECKS), r#"[{"id":"a","status":"SUCCESS","description":"","timestamp":""}]"#).unwrap();
        let outcome = Outcome::read("auth/metadata-default", folder.path(), true).unwrap();
        assert!(outcome.passed() && outcome.succeeded.contains("a"));
    }
}
