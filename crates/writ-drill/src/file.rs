//! `drill.yaml`: what the drill cannot find out by itself.
//!
//! The file is optional. It says with which parameters a mission can be started, which arguments of a tool are
//! permitted and who can approve them, and what the arguments of tools look like of which no snapshot is kept. It
//! grants nothing: every example goes through the engine like any other call.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use writ_core::definition::{Problem, parse_yaml};

const NAME: &str = "drill.yaml";
const FILE_BYTES_MAX: u64 = 1 << 20;

/// `drill.yaml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrillFile {
    /// The JSON Schema of the arguments, by `integration.tool`, of tools that were not pinned yet.
    #[serde(default)]
    pub(crate) tools: BTreeMap<String, Json>,
    /// Examples, tried in this order.
    #[serde(default)]
    pub(crate) examples: Vec<Given>,
}

/// One example: how a mission is started, and a call in it that is permitted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// The mission.
    pub(crate) mission: String,
    /// The person on whose behalf the run acts, and who starts it.
    pub(crate) person: String,
    /// The mission's parameters.
    #[serde(default)]
    pub(crate) params: Map<String, Json>,
    /// The effect, as `integration.tool`.
    #[serde(default)]
    pub(crate) tool: Option<String>,
    /// Arguments of the effect that are permitted.
    #[serde(default)]
    pub(crate) arguments: Map<String, Json>,
    /// Somebody who may approve them. Whoever else may is found by asking.
    #[serde(default)]
    pub(crate) approver: Option<String>,
}

impl DrillFile {
    /// Reads the file of a workspace folder; an empty one where there is none.
    pub(crate) fn load(folder: &Path) -> Result<Self, Problem> {
        let path = folder.join(NAME);
        let read = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Ok(metadata) if metadata.len() > FILE_BYTES_MAX => Err(format!("larger than {FILE_BYTES_MAX} bytes")),
            Ok(_) => std::fs::read_to_string(&path).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(text) => parse_yaml(NAME, &text),
            Err(error) => Err(Problem::error(NAME, format!("cannot be read: {error}"), "correct it, or take it away")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_optional_and_closed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(DrillFile::load(folder.path()).unwrap().examples.is_empty());
        let text =
            "examples:\n  - { mission: settle, person: ana, params: { case: k-1 }, arguments: { amount: 1.5 } }\n";
        std::fs::write(folder.path().join(NAME), text).unwrap();
        let file = DrillFile::load(folder.path()).unwrap();
        assert_eq!(file.examples[0].arguments["amount"], Json::from(1.5));
        std::fs::write(folder.path().join(NAME), "exampels: []\n").unwrap();
        assert_eq!(DrillFile::load(folder.path()).unwrap_err().file, NAME);
    }
}
