//! The workspace folder, read and checked.
//!
//! [`Workspace::load`] reads the files and parses each on its own. What they say together is checked against the
//! real tables and tools when an epoch is made of them (`epoch`).

mod check;
mod started;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use writ_core::definition::{
    Config, Integration, MissionDefinition, People, Problem, Source, StoreAddress, parse_yaml,
};

use crate::pin::Snapshot;

pub(crate) use check::assemble;
pub use check::check;
pub(crate) use started::Started;

/// Size of a definition file at most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A definition with the file that it comes from.
#[derive(Debug, Clone)]
pub struct Defined<T> {
    /// The file, relative to the workspace folder.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// What it says.
    pub value: T,
}

/// A workspace folder, read.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder.
    pub folder: PathBuf,
    /// `writ.yaml`
    pub config: Config,
    /// `sources/*.yaml`
    pub sources: Vec<Defined<Source>>,
    /// `integrations/*.yaml`
    pub integrations: Vec<Defined<Integration>>,
    /// What each integration offered when the operator last looked (`integrations/*.pinned.json`).
    pub snapshots: BTreeMap<String, Snapshot>,
    /// `people.yaml`
    pub people: Defined<People>,
    /// `missions/*.yaml`, with each verdict's schema written out.
    pub missions: Vec<Defined<MissionDefinition>>,
    /// `policy/entitlements.cedar`
    pub entitlements: Defined<()>,
    /// `policy/guardrails.cedar`
    pub guardrails: Defined<()>,
    /// `policy/approvals.cedar`
    pub approvals: Defined<()>,
}

impl Workspace {
    /// Reads a workspace folder.
    ///
    /// # Errors
    /// Every file that is missing or does not parse.
    pub fn load(folder: &Path) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let config: Option<Defined<Config>> = one(folder, "writ.yaml", &mut problems);
        if config.as_ref().and_then(|config| config.value.store.as_ref()).is_some_and(StoreAddress::shows_a_password) {
            let message = "`store` holds a password, which everybody can read who reads this file";
            let help = "keep the whole address in a secret, as in `store: { env: WRIT_STORE }`";
            problems.push(Problem::error("writ.yaml", message, help));
        }
        let people: Option<Defined<People>> = one(folder, "people.yaml", &mut problems);
        let sources = all(folder, "sources", &mut problems);
        let integrations: Vec<Defined<Integration>> = all(folder, "integrations", &mut problems);
        let snapshots = snapshots(folder, &integrations, &mut problems);
        let mut missions = all(folder, "missions", &mut problems);
        for mission in &mut missions {
            write_out_verdict(folder, mission, &mut problems);
        }
        let mut cedar = |name: &str| {
            let file = format!("policy/{name}.cedar");
            text(folder, &file, &mut problems).map(|text| Defined { file, text, value: () })
        };
        let (entitlements, guardrails, approvals) = (cedar("entitlements"), cedar("guardrails"), cedar("approvals"));
        match (config, people, entitlements, guardrails, approvals) {
            (Some(config), Some(people), Some(entitlements), Some(guardrails), Some(approvals))
                if problems.is_empty() =>
            {
                Ok(Self {
                    folder: folder.to_owned(),
                    config: config.value,
                    sources,
                    integrations,
                    snapshots,
                    people,
                    missions,
                    entitlements,
                    guardrails,
                    approvals,
                })
            }
            _ => Err(problems),
        }
    }

    /// The folder for store and keys.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join(&self.config.data)
    }
}

fn text(folder: &Path, file: &str, problems: &mut Vec<Problem>) -> Option<String> {
    let path = folder.join(file);
    let read = match std::fs::metadata(&path) {
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => Err(format!("larger than {FILE_BYTES_MAX} bytes")),
        Ok(_) => std::fs::read_to_string(&path).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match read {
        Ok(text) => Some(text),
        Err(error) => {
            problems.push(Problem::error(
                file,
                format!("cannot be read: {error}"),
                "every workspace has this file; see docs/guide",
            ));
            None
        }
    }
}

fn one<T: DeserializeOwned>(folder: &Path, file: &str, problems: &mut Vec<Problem>) -> Option<Defined<T>> {
    let text = text(folder, file, problems)?;
    match parse_yaml(file, &text) {
        Ok(value) => Some(Defined { file: file.to_owned(), text, value }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn all<T: DeserializeOwned>(folder: &Path, kind: &str, problems: &mut Vec<Problem>) -> Vec<Defined<T>> {
    let Ok(entries) = std::fs::read_dir(folder.join(kind)) else { return Vec::new() };
    let mut files: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml") && !name.starts_with('.'))
        .map(|name| format!("{kind}/{name}"))
        .collect();
    files.sort();
    files.iter().filter_map(|file| one(folder, file, problems)).collect()
}

fn snapshots(
    folder: &Path,
    integrations: &[Defined<Integration>],
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Snapshot> {
    let mut snapshots = BTreeMap::new();
    for Defined { value, .. } in integrations {
        match Snapshot::load(folder, &value.integration) {
            Ok(Some(snapshot)) => _ = snapshots.insert(value.integration.clone(), snapshot),
            Ok(None) => {}
            Err(error) => problems.push(Problem::error(
                &format!("integrations/{}.pinned.json", value.integration),
                error.to_string(),
                "take it from version control again, or delete it and run `writ integration pin`",
            )),
        }
    }
    snapshots
}

/// Replaces `{ $ref: file }` by the file's content, so that the mission's version covers it.
fn write_out_verdict(folder: &Path, mission: &mut Defined<MissionDefinition>, problems: &mut Vec<Problem>) {
    let Some(reference) = mission.value.verdict.get("$ref").and_then(serde_json::Value::as_str).map(str::to_owned)
    else {
        return;
    };
    let problem = |message: String| {
        Problem::error(&mission.file, message, "name a JSON Schema file beside the mission, or write the schema out")
            .at_text(&mission.text, "verdict", &reference)
    };
    let name = Path::new(&reference);
    if name.components().count() != 1 || reference.starts_with('#') {
        return problems.push(problem(format!("`{reference}` is not the name of a file beside the mission")));
    }
    let path = folder.join("missions").join(name);
    match std::fs::read_to_string(&path).map_err(|error| error.to_string()) {
        Err(error) => problems.push(problem(format!("`{reference}` cannot be read: {error}"))),
        Ok(text) => match serde_json::from_str(&text) {
            Ok(schema) => mission.value.verdict = schema,
            Err(error) => problems.push(problem(format!("`{reference}` is not JSON: {error}"))),
        },
    }
}
