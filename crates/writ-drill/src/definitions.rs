//! The operator's definitions, made ready for the drill's own ground.
//!
//! Policies, missions, people and classes stay as they are. Sources get absolute paths, because the drill works in
//! another folder; integrations are described by what was pinned of them, or by stand-ins; the store and the
//! configuration of credentials stay behind.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use writ_core::definition::{Credentials, Origin};
use writ_engine::upstream::{ServerDescription, UpstreamItem, UpstreamTool};
use writ_engine::workspace::Workspace;

use crate::file::DrillFile;

/// The data folder of every ground, under its own folder.
const DATA: &str = "data";
/// How the server of an integration introduces itself of which no snapshot is kept.
const STAND_IN: &str = "stand-in 1.0";

/// Definitions, and what the stub says that each integration offers.
pub(crate) struct Ready {
    pub(crate) workspace: Workspace,
    pub(crate) servers: BTreeMap<String, ServerDescription>,
}

/// Makes definitions ready.
pub(crate) fn ready(workspace: &Workspace, file: &DrillFile) -> io::Result<Ready> {
    let mut workspace = workspace.clone();
    let home = std::path::absolute(&workspace.folder)?;
    workspace.config.data = PathBuf::from(DATA);
    workspace.config.store = None;
    workspace.config.credentials = Credentials::default();
    for source in &mut workspace.sources {
        let (Origin::Sqlite(path)
        | Origin::Csv(path)
        | Origin::Json(path)
        | Origin::Parquet(path)
        | Origin::Documents(path)) = &mut source.value.from;
        *path = home.join(&*path);
    }
    let mut servers = BTreeMap::new();
    for integration in &mut workspace.integrations {
        let integration = &mut integration.value;
        let name = integration.integration.clone();
        let mut server = match workspace.snapshots.get(&name) {
            Some(snapshot) => snapshot.description(),
            None => ServerDescription { server: STAND_IN.to_owned(), ..ServerDescription::default() },
        };
        // The digest of a stand-in is nobody's pin.
        for (tool, classified) in &mut integration.tools {
            if !server.tools.iter().any(|known| known.name == *tool) {
                server.tools.push(stand_in(tool, file.tools.get(&format!("{name}.{tool}"))));
                classified.pin = None;
            }
        }
        for (prompt, classified) in &mut integration.prompts {
            if !server.prompts.iter().any(|known| known.name == *prompt) {
                let definition = json!({ "name": prompt });
                server.prompts.push(UpstreamItem { name: prompt.clone(), definition });
                classified.pin = None;
            }
        }
        servers.insert(name, server);
    }
    Ok(Ready { workspace, servers })
}

/// A tool of which the workspace keeps no definition.
fn stand_in(name: &str, input: Option<&Json>) -> UpstreamTool {
    let input_schema = input.and_then(Json::as_object).cloned().unwrap_or_else(|| {
        Map::from_iter([("type".to_owned(), json!("object")), ("properties".to_owned(), json!({}))])
    });
    tool(name, "A stand-in of the drill.", input_schema, None)
}

/// A tool that describes itself so.
pub(crate) fn tool(
    name: &str,
    description: &str,
    input_schema: Map<String, Json>,
    output_schema: Option<Map<String, Json>>,
) -> UpstreamTool {
    let mut definition = json!({ "name": name, "description": description, "inputSchema": input_schema });
    if let (Some(output), Json::Object(definition)) = (&output_schema, &mut definition) {
        definition.insert("outputSchema".to_owned(), Json::Object(output.clone()));
    }
    UpstreamTool { name: name.to_owned(), description: description.to_owned(), input_schema, output_schema, definition }
}

/// Writes definitions into a folder, where the engine can load them again. JSON is YAML too.
pub(crate) fn write(workspace: &Workspace, folder: &Path) -> io::Result<()> {
    put_json(folder, "writ.yaml", &workspace.config)?;
    put_json(folder, &workspace.people.file, &workspace.people.value)?;
    for source in &workspace.sources {
        put_json(folder, &source.file, &source.value)?;
    }
    for integration in &workspace.integrations {
        put_json(folder, &integration.file, &integration.value)?;
    }
    for snapshot in workspace.snapshots.values() {
        snapshot.save(folder).map_err(io::Error::other)?;
    }
    for mission in &workspace.missions {
        // A file of its own: a schema that begins with `$ref` must not be taken for the name of a file.
        let verdict = format!("{}.verdict.json", mission.value.mission);
        put_json(folder, &format!("missions/{verdict}"), &mission.value.verdict)?;
        let mut definition = mission.value.clone();
        definition.verdict = json!({ "$ref": verdict });
        put_json(folder, &mission.file, &definition)?;
    }
    for policies in [&workspace.entitlements, &workspace.guardrails, &workspace.approvals] {
        put(folder, &policies.file, policies.text.as_bytes())?;
    }
    Ok(())
}

fn put_json(folder: &Path, file: &str, value: &impl Serialize) -> io::Result<()> {
    put(folder, file, &serde_json::to_vec_pretty(value)?)
}

fn put(folder: &Path, file: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(file);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, bytes)
}
