//! The workspace that everything happens in: one integration for each effect profile, and missions that differ in how
//! many people must agree, and until when.
//!
//! The rules let everything through: what is tested is that a decision is kept. The files are JSON, which is YAML as
//! well.

use std::path::Path;

use serde_json::{Value, json};

use super::{NOT_ON_POSTGRES, Store};
use crate::tau::workspace::{put, put_json};

/// For whom runs act.
pub(super) const PERSON: &str = "ana";
/// Who decides.
pub(super) const VOTERS: [&str; 3] = ["lea", "lou", "max"];
/// The tool that looks, behind the first of the integrations.
pub(super) const LOOK: &str = "look";
/// The tool that acts, behind each of them.
pub(super) const PAY: &str = "pay";
/// How long a brief decision may wait.
pub(super) const BRIEF_SECONDS: u64 = 2;
/// How long an integration may take to answer.
pub(super) const ANSWER_SECONDS: u64 = 2;

const WORKER: &str = "clerk";
const GUARDRAILS: &str = "policy/guardrails.cedar";

/// What can be done when an answer was lost. Its name is the integration's as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Profile {
    Keyed,
    Probeable,
    Opaque,
}

impl Profile {
    pub(super) const ALL: [Self; 3] = [Self::Keyed, Self::Probeable, Self::Opaque];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keyed => "keyed",
            Self::Probeable => "probeable",
            Self::Opaque => "opaque",
        }
    }
}

/// A mission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mission {
    /// One approval, and time enough.
    Plain,
    /// Two approvals.
    Quorum,
    /// One approval, within [`BRIEF_SECONDS`].
    Brief,
}

impl Mission {
    const ALL: [Self; 3] = [Self::Plain, Self::Quorum, Self::Brief];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Quorum => "quorum",
            Self::Brief => "brief",
        }
    }

    fn need(self) -> Value {
        match self {
            Self::Plain => json!({ "approvals": 1, "within": "1h" }),
            Self::Quorum => json!({ "approvals": 2, "within": "1h" }),
            Self::Brief => json!({ "approvals": 1, "within": format!("{BRIEF_SECONDS}s") }),
        }
    }
}

/// Writes the folder. `upstream` is where the integrations are: `http://127.0.0.1:…`.
pub(super) fn write(folder: &Path, upstream: &str, store: Store) -> Result<(), String> {
    put_json(folder, "writ.yaml", &config(store)?)?;
    put_json(folder, "people.yaml", &people())?;
    put(
        folder,
        "policy/entitlements.cedar",
        "@id(\"people do everything\")\npermit(principal in Group::\"people\", action, resource);\n",
    )?;
    put(
        folder,
        "policy/approvals.cedar",
        "@id(\"voters decide, look and stop\")\npermit(principal in Group::\"voters\", action, resource);\n",
    )?;
    put(folder, GUARDRAILS, &guardrails(None))?;
    for profile in Profile::ALL {
        put_json(folder, &format!("integrations/{}.yaml", profile.name()), &integration(profile, upstream))?;
    }
    Mission::ALL
        .into_iter()
        .try_for_each(|mission| put_json(folder, &format!("missions/{}.yaml", mission.name()), &definition(mission)))
}

/// Changes the guardrails to ones that forbid paying into one account.
pub(super) fn forbid(folder: &Path, account: &str) -> Result<(), String> {
    put(folder, GUARDRAILS, &guardrails(Some(account)))
}

fn config(store: Store) -> Result<Value, String> {
    match store {
        Store::Sqlite => {
            Ok(json!({ "listen": "127.0.0.1:0", "data": "data", "trail": { "origin": "writ.example.com/chaos" } }))
        }
        Store::Postgres => Err(NOT_ON_POSTGRES.to_owned()),
    }
}

fn people() -> Value {
    let person = |name: &str, group: &str| json!({ "name": name, "groups": [group] });
    json!({
        "groups": { "people": [], "voters": [] },
        "people": {
            "ana": person("Ana Prieto", "people"),
            "lea": person("Lea Moreau", "voters"),
            "lou": person("Lou Amsel", "voters"),
            "max": person("Max Odell", "voters")
        },
        "workers": { WORKER: { "purpose": "Pays what is due" } }
    })
}

fn guardrails(forbidden: Option<&str>) -> String {
    let mut text = "@id(\"nothing else is forbidden\")\npermit(principal, action, resource);\n".to_owned();
    if let Some(account) = forbidden {
        for profile in Profile::ALL {
            let name = profile.name();
            text.push_str(&format!(
                "@id(\"nothing {name} into {account}\")\nforbid(principal, action == Action::\"{name}.{PAY}\", resource is Tool)\n\
                 when {{ context.input.account == \"{account}\" }};\n"
            ));
        }
    }
    text
}

fn integration(profile: Profile, upstream: &str) -> Value {
    let name = profile.name();
    json!({
        "integration": name,
        "from": { "http": { "url": format!("{upstream}/{name}/mcp") } },
        "tools": { LOOK: { "class": "read" }, PAY: { "class": "effect", "profile": name } },
        "limits": { "answer": format!("{ANSWER_SECONDS}s") }
    })
}

fn definition(mission: Mission) -> Value {
    let pays = Profile::ALL.map(|profile| {
        json!({
            "tool": format!("{}.{PAY}", profile.name()),
            "when": "true",
            "need": mission.need(),
            "effect_key": "pay:{input.account}"
        })
    });
    let look = json!({ "tool": format!("{}.{LOOK}", Profile::Keyed.name()), "when": "true" });
    let acts: Vec<Value> = std::iter::once(look).chain(pays).collect();
    json!({
        "mission": mission.name(),
        "purpose": "Pay what is due, whatever breaks.",
        "worker": WORKER,
        "act": acts,
        "verdict": { "type": "object", "properties": { "summary": { "type": "string" } }, "required": ["summary"] },
        "limits": { "for": "2h", "reads": 100_000, "rows": 100_000, "proposals": 10_000 }
    })
}

#[cfg(test)]
mod tests {
    use writ_core::definition::{Config, Integration, MissionDefinition, People, parse_yaml};
    use writ_core::event::EffectProfile;

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(folder: &Path, name: &str) -> T {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        parse_yaml(name, &text).unwrap()
    }

    #[test]
    fn the_folder_says_what_it_is_to_say() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "http://127.0.0.1:1", Store::Sqlite).unwrap();
        let _: Config = read(folder.path(), "writ.yaml");
        let people: People = read(folder.path(), "people.yaml");
        assert!(people.people.contains_key(PERSON) && VOTERS.iter().all(|voter| people.people.contains_key(*voter)));
        let profiles = Profile::ALL.map(|profile| {
            let integration: Integration = read(folder.path(), &format!("integrations/{}.yaml", profile.name()));
            integration.tools[PAY].profile
        });
        assert_eq!(profiles, [EffectProfile::Keyed, EffectProfile::Probeable, EffectProfile::Opaque]);
        let quorum: MissionDefinition = read(folder.path(), "missions/quorum.yaml");
        assert_eq!(quorum.act.iter().filter_map(|act| act.need.as_ref()).map(|need| need.approvals).sum::<u32>(), 6);
        forbid(folder.path(), "a-1").unwrap();
        let text = std::fs::read_to_string(folder.path().join(GUARDRAILS)).unwrap();
        assert_eq!(text.matches("== \"a-1\"").count(), Profile::ALL.len());
    }
}
