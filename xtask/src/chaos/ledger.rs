//! The integration's own ledger: what it was asked and what it did, one JSON object a line, synced line by line.
//!
//! It is written by the integration alone, before it answers, and knows nothing of Writ but the key that came with a
//! request. So it is evidence of what happened, whatever anybody recorded of it.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// A request came in.
    Arrived,
    /// Its effect happened.
    Applied,
    /// Its key was known: the effect had happened before, and was not repeated.
    Recognised,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) what: What,
    /// The key that came with the request.
    pub(super) key: Option<String>,
    /// The integration and its tool, as `integration.tool`.
    pub(super) action: String,
    pub(super) arguments: Map<String, Value>,
}

impl Entry {
    /// Whether it tells this of the request with this key.
    pub(super) fn is(&self, what: What, key: &str) -> bool {
        self.what == what && self.key.as_deref() == Some(key)
    }
}

/// The ledger, to be written.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    /// The keys that have come in.
    arrived: HashSet<String>,
    /// The keys whose effects have happened.
    applied: HashSet<String>,
}

impl Ledger {
    /// Opens a ledger, with what an earlier life of the integration wrote into it.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let (mut arrived, mut applied) = (HashSet::new(), HashSet::new());
        for Entry { what, key, .. } in read(path)? {
            let Some(key) = key else { continue };
            match what {
                What::Arrived => _ = arrived.insert(key),
                What::Applied => _ = applied.insert(key),
                What::Recognised => {}
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        Ok(Self { file, arrived, applied })
    }

    /// Notes that a request came in. Tells whether it is the first with its key.
    pub(super) fn arrive(&mut self, of: &Entry) -> Result<bool, String> {
        self.write(&Entry { what: What::Arrived, ..of.clone() })?;
        Ok(of.key.clone().is_none_or(|key| self.arrived.insert(key)))
    }

    /// Lets an effect happen, or recognises it where keys are honoured. What is written is what happened.
    pub(super) fn act(&mut self, of: &Entry, honours_keys: bool) -> Result<(), String> {
        let known = of.key.as_ref().is_some_and(|key| self.applied.contains(key));
        let what = if honours_keys && known { What::Recognised } else { What::Applied };
        self.write(&Entry { what, ..of.clone() })?;
        if let Some(key) = &of.key {
            self.applied.insert(key.clone());
        }
        Ok(())
    }

    fn write(&mut self, entry: &Entry) -> Result<(), String> {
        let mut line = serde_json::to_string(entry).map_err(|error| error.to_string())?;
        line.push('\n');
        // One write for the whole line, so that a kill leaves all of it or none.
        self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data()).map_err(|error| error.to_string())
    }
}

/// Everything in a ledger. A last line that is not whole is not there yet.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let entry = |line: &str| {
        serde_json::from_str(line).map_err(|error| format!("a line of the ledger is not understood: {error}: {line}"))
    };
    whole.lines().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(key: &str) -> Entry {
        let arguments = json!({ "amount": 1 }).as_object().cloned().unwrap();
        Entry { what: What::Arrived, key: Some(key.to_owned()), action: "keyed.pay".to_owned(), arguments }
    }

    fn written(path: &Path) -> Vec<(What, String)> {
        read(path).unwrap().into_iter().map(|entry| (entry.what, entry.key.unwrap())).collect()
    }

    #[test]
    fn a_key_is_known_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::open(&path).unwrap();
        assert!(ledger.arrive(&entry("a")).unwrap());
        ledger.act(&entry("a"), true).unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        assert!(!ledger.arrive(&entry("a")).unwrap());
        ledger.act(&entry("a"), true).unwrap();
        ledger.act(&entry("a"), false).unwrap();
        let of_a = [What::Arrived, What::Applied, What::Arrived, What::Recognised, What::Applied];
        assert_eq!(written(&path), of_a.map(|what| (what, "a".to_owned())));
    }

    #[test]
    fn half_a_line_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        assert_eq!(read(&path), Ok(Vec::new()));
        let line = serde_json::to_string(&entry("a")).unwrap();
        std::fs::write(&path, format!("{line}\n{{\"what\":")).unwrap();
        assert_eq!(written(&path).len(), 1);
        std::fs::write(&path, format!("{{\"what\":\n{line}\n")).unwrap();
        assert!(read(&path).is_err(), "a broken line in between is no line that is still to come");
    }
}
