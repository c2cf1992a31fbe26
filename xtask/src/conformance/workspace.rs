//! Workspace folders for the suite: one integration, and one mission that allows everything which it offers.
//!
//! What is tested is the protocol, so the policies let everything through. The files are JSON, which is YAML as well.

use std::path::Path;

use serde_json::{Map, Value, json};
use writ_core::digest::Digest;

use super::fixture::Offers;
use crate::tau::workspace::{put, put_json};

/// The mission.
pub(super) const MISSION: &str = "conformance";
/// Who starts runs.
pub(super) const PERSON: &str = "ana";
/// Who decides.
pub(super) const APPROVER: &str = "ben";
/// The integration.
pub(super) const INTEGRATION: &str = "fixture";

const WORKER: &str = "conformance-worker";
/// The tool that answers at once by the suite's own definition, whatever stands in front of the others.
const NEVER_A_TASK: &str = "greet";

const ENTITLEMENTS: &str = "@id(\"people do everything\")\npermit(principal in Group::\"people\", action, resource);\n";
const GUARDRAILS: &str = "@id(\"nothing is forbidden\")\npermit(principal, action, resource);\n";
const APPROVALS: &str =
    "@id(\"approvers decide, look and stop\")\npermit(principal in Group::\"approvers\", action, resource);\n";

/// What a workspace is to hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk {
    /// The integration's address.
    pub(super) url: String,
    /// Its credential, as the integration's definition says it.
    pub(super) credential: Option<Value>,
    pub(super) reads: Vec<String>,
    pub(super) effects: Vec<String>,
    pub(super) prompts: Vec<String>,
    /// Sets of resources by name, with their addresses.
    pub(super) resources: Vec<(&'static str, &'static str)>,
    /// What the integration is known to offer before it can be asked: its name with its version, and its tools.
    pub(super) known: Option<(String, Vec<Value>)>,
    /// Files beside, by name.
    pub(super) files: Vec<(&'static str, String)>,
}

/// The fixture's workspace.
pub(super) fn of_fixture(offers: &Offers, is_gated: bool) -> Desk {
    let (reads, effects) = offers.tools.iter().cloned().partition(|tool| !is_gated || tool == NEVER_A_TASK);
    Desk {
        url: offers.url.clone(),
        reads,
        effects,
        prompts: offers.prompts.clone(),
        resources: vec![("all", "test://*")],
        ..Desk::default()
    }
}

/// Writes a workspace folder.
pub(super) fn write(folder: &Path, desk: &Desk) -> Result<(), String> {
    put_json(folder, "writ.yaml", &config())?;
    put_json(folder, "people.yaml", &people())?;
    put(folder, "policy/entitlements.cedar", ENTITLEMENTS)?;
    put(folder, "policy/guardrails.cedar", GUARDRAILS)?;
    put(folder, "policy/approvals.cedar", APPROVALS)?;
    put_json(folder, &format!("integrations/{INTEGRATION}.yaml"), &integration(desk))?;
    put_json(folder, &format!("missions/{MISSION}.yaml"), &mission(desk))?;
    if let Some((server, tools)) = &desk.known {
        put_json(folder, &format!("integrations/{INTEGRATION}.pinned.json"), &snapshot(server, tools)?)?;
    }
    desk.files.iter().try_for_each(|(name, text)| put(folder, name, text))
}

fn config() -> Value {
    json!({ "listen": "127.0.0.1:0", "data": "data", "trail": { "origin": "writ.example.com/conformance" } })
}

fn people() -> Value {
    json!({
        "groups": { "people": [], "approvers": [] },
        "people": {
            PERSON: { "name": "Ana Prieto", "groups": ["people"] },
            APPROVER: { "name": "Ben Okafor", "groups": ["approvers"] }
        },
        "workers": { WORKER: { "purpose": "Carries the conformance suite" } }
    })
}

fn integration(desk: &Desk) -> Value {
    let classed = |names: &[String], class: &str| -> Map<String, Value> {
        names.iter().map(|name| (name.clone(), json!({ "class": class }))).collect()
    };
    let mut tools = classed(&desk.reads, "read");
    tools.extend(classed(&desk.effects, "effect"));
    let prompts: Map<String, Value> = desk.prompts.iter().map(|name| (name.clone(), json!({}))).collect();
    let resources: Map<String, Value> =
        desk.resources.iter().map(|(name, uri)| ((*name).to_owned(), json!({ "uri": uri }))).collect();
    let mut from = json!({ "url": desk.url });
    if let (Some(credential), Some(from)) = (&desk.credential, from.as_object_mut()) {
        from.insert("credential".to_owned(), credential.clone());
    }
    json!({
        "integration": INTEGRATION,
        "from": { "http": from },
        "tools": tools,
        "prompts": prompts,
        "resources": resources,
        "asks": ["elicitation", "sampling", "roots"]
    })
}

fn mission(desk: &Desk) -> Value {
    let of = |kind: &str, name: &str| -> Map<String, Value> {
        let mut act = Map::new();
        act.insert(kind.to_owned(), Value::from(format!("{INTEGRATION}.{name}")));
        act.insert("when".to_owned(), Value::from("true"));
        act
    };
    let named = |kind: &str, name: &str| {
        let mut act = of(kind, name);
        act.insert("as".to_owned(), Value::from(name));
        act
    };
    let effect = |name: &String| {
        let mut act = named("tool", name);
        act.insert("need".to_owned(), json!({ "approvals": 1, "within": "1h" }));
        act
    };
    let reads = desk.reads.iter().map(|name| named("tool", name));
    let prompts = desk.prompts.iter().map(|name| named("prompt", name));
    let resources = desk.resources.iter().map(|(name, _)| of("resource", name));
    let acts: Vec<Value> =
        reads.chain(desk.effects.iter().map(effect)).chain(prompts).chain(resources).map(Value::Object).collect();
    json!({
        "mission": MISSION,
        "purpose": "Whatever the conformance suite asks for.",
        "worker": WORKER,
        "act": acts,
        "verdict": { "type": "object", "properties": { "summary": { "type": "string" } }, "required": ["summary"] },
        "limits": { "for": "8h", "reads": 100_000, "rows": 100_000, "proposals": 10_000 }
    })
}

/// What `writ integration pin` would write of an integration that can be asked.
fn snapshot(server: &str, tools: &[Value]) -> Result<Value, String> {
    let mut pinned = Map::new();
    for definition in tools {
        let name = definition.get("name").and_then(Value::as_str).ok_or("a tool without a name")?;
        let digest = Digest::of_json(definition).map_err(|error| error.to_string())?;
        pinned.insert(name.to_owned(), json!({ "digest": digest, "definition": definition }));
    }
    Ok(json!({ "integration": INTEGRATION, "server": server, "tools": pinned }))
}

#[cfg(test)]
mod tests {
    use writ_core::definition::{Ask, Config, Integration, MissionDefinition, People, ToolClass, parse_yaml};

    use super::*;

    fn offers() -> Offers {
        let tools = ["greet", "slow_compute"].map(str::to_owned).to_vec();
        Offers { url: "http://127.0.0.1:1/mcp".to_owned(), tools, prompts: vec!["test_prompt".to_owned()] }
    }

    fn read<T: serde::de::DeserializeOwned>(folder: &Path, name: &str) -> T {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        parse_yaml(name, &text).unwrap()
    }

    #[test]
    fn the_folder_says_what_it_is_to_say() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = of_fixture(&offers(), true);
        desk.credential = Some(json!({ "oauth": { "grant": "person" } }));
        write(folder.path(), &desk).unwrap();
        let _: Config = read(folder.path(), "writ.yaml");
        let people: People = read(folder.path(), "people.yaml");
        assert!(people.people.contains_key(PERSON) && people.workers.contains_key(WORKER));
        let integration: Integration = read(folder.path(), "integrations/fixture.yaml");
        assert_eq!(integration.tools["slow_compute"].class, ToolClass::Effect);
        assert_eq!(integration.tools["greet"].class, ToolClass::Read);
        assert!(integration.asks.contains(&Ask::Elicitation));
        let mission: MissionDefinition = read(folder.path(), "missions/conformance.yaml");
        let named: Vec<(Option<String>, bool)> =
            mission.act.iter().map(|act| (act.action(), act.need.is_some())).collect();
        let expected = [
            ("fixture.greet", false),
            ("fixture.slow_compute", true),
            ("fixture.prompts/test_prompt", false),
            ("fixture.resources/all", false),
        ];
        assert_eq!(named, expected.map(|(action, needs)| (Some(action.to_owned()), needs)));
    }

    #[test]
    fn without_gating_every_tool_is_a_read() {
        let desk = of_fixture(&offers(), false);
        assert_eq!((desk.reads.len(), desk.effects.len()), (2, 0));
    }
}
