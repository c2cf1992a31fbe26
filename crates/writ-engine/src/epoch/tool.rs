//! Tools as the operator classified them, put together with what their servers say now.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use writ_core::definition::{Problem, Template, Tool, ToolClass};
use writ_core::digest::{Digest, IntegrationIdentity};
use writ_core::event::EffectProfile;
use writ_core::value::Type;

use crate::upstream::ServerDescription;
use crate::workspace::Workspace;

/// The argument in which a worker may say why it makes a call. It is taken off before anything else.
pub(crate) const REASON_ARGUMENT: &str = "writ_reason";

/// One tool, ready to be called.
#[derive(Debug)]
pub(crate) struct ToolPlan {
    /// `integration.tool`
    pub(crate) full_name: String,
    /// `integration_tool`, as workers call it.
    pub(crate) exposed_name: String,
    pub(crate) identity: IntegrationIdentity,
    pub(crate) tool: String,
    pub(crate) description: String,
    pub(crate) class: ToolClass,
    pub(crate) profile: EffectProfile,
    pub(crate) reversible: bool,
    pub(crate) headline: Option<Template>,
    /// The schema that workers see, with [`REASON_ARGUMENT`].
    pub(crate) worker_schema: serde_json::Map<String, Json>,
    pub(crate) validator: jsonschema::Validator,
    pub(crate) input_type: Type,
    pub(crate) schema_digest: Digest,
}

/// Puts integrations and servers together.
pub(super) fn plan(
    workspace: &Workspace,
    servers: &BTreeMap<String, ServerDescription>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Arc<ToolPlan>> {
    let mut plans = BTreeMap::new();
    let mut exposed: BTreeMap<String, String> = BTreeMap::new();
    for defined in &workspace.integrations {
        let integration = &defined.value;
        let problem = |message: String, help: &str, needle: &str| {
            Problem::error(&defined.file, message, help).at_text(&defined.text, "tools:", needle)
        };
        let Some(server) = servers.get(&integration.integration) else {
            problems.push(problem(
                format!("integration `{}` is not available", integration.integration),
                "start it, or correct `from`",
                "from",
            ));
            continue;
        };
        for (name, tool) in &integration.tools {
            let Some(offered) = server.tools.iter().find(|offered| offered.name == *name) else {
                let known: Vec<&str> = server.tools.iter().map(|offered| offered.name.as_str()).collect();
                problems.push(problem(
                    format!("`{}` has no tool `{name}`", integration.integration),
                    &format!("it has {}", known.join(", ")),
                    name,
                ));
                continue;
            };
            let digest = match Digest::of_json(&offered.definition) {
                Ok(digest) => digest,
                Err(error) => {
                    problems.push(problem(
                        format!("the definition of `{name}`: {error}"),
                        "report this to the server's makers",
                        name,
                    ));
                    continue;
                }
            };
            if let Some(pin) = &tool.pin
                && *pin != digest.to_string()
            {
                problems.push(problem(
                    format!("`{name}` is not what was pinned: its definition now has the digest {digest}"),
                    "read what has changed; if it is in order, set `pin` to that digest",
                    name,
                ));
                continue;
            }
            match one(
                &integration.integration,
                name,
                tool,
                &server.server,
                &offered.description,
                &offered.input_schema,
                digest,
            ) {
                Err(message) => problems.push(problem(message, "correct the tool's entry", name)),
                Ok(plan) => {
                    if let Some(other) = exposed.insert(plan.exposed_name.clone(), plan.full_name.clone()) {
                        problems.push(problem(
                            format!("`{}` and `{other}` would have the same name for workers", plan.full_name),
                            "rename one integration",
                            name,
                        ));
                    }
                    plans.insert(plan.full_name.clone(), Arc::new(plan));
                }
            }
        }
    }
    plans
}

fn one(
    integration: &str,
    name: &str,
    tool: &Tool,
    server: &str,
    description: &str,
    schema: &serde_json::Map<String, Json>,
    schema_digest: Digest,
) -> Result<ToolPlan, String> {
    let closed = closed(schema);
    let validator = jsonschema::validator_for(&Json::Object(closed.clone()))
        .map_err(|error| format!("the input schema of `{name}` cannot be used: {error}"))?;
    let input_type =
        Type::from_json_schema(&Json::Object(closed.clone())).unwrap_or_else(|| Type::Record(BTreeMap::new()));
    let headline =
        tool.headline.as_deref().map(Template::parse).transpose().map_err(|error| format!("`headline`: {error}"))?;
    let mut worker_schema = closed;
    if let Some(Json::Object(properties)) = worker_schema.get_mut("properties") {
        properties.insert(
            REASON_ARGUMENT.to_owned(),
            json!({ "type": "string", "maxLength": 2000, "description": "Why you make this call, in plain words for the person who decides. Optional." }),
        );
    }
    let what_happens = match tool.class {
        ToolClass::Read => "Changes nothing.",
        ToolClass::Effect => {
            "Does not run at once: a person decides on exactly these arguments. The answer is a pending decision."
        }
    };
    Ok(ToolPlan {
        full_name: format!("{integration}.{name}"),
        exposed_name: format!("{integration}_{name}"),
        identity: IntegrationIdentity { name: integration.to_owned(), server: server.to_owned() },
        tool: name.to_owned(),
        description: format!("{} {what_happens}", visible(description)),
        class: tool.class,
        profile: tool.profile,
        reversible: tool.reversible,
        headline,
        worker_schema,
        validator,
        input_type,
        schema_digest,
    })
}

/// The schema with unknown arguments refused: what a condition cannot read must not slip through unseen.
fn closed(schema: &serde_json::Map<String, Json>) -> serde_json::Map<String, Json> {
    let mut closed = schema.clone();
    closed.entry("type").or_insert_with(|| json!("object"));
    closed.entry("properties").or_insert_with(|| json!({}));
    closed.insert("additionalProperties".to_owned(), Json::Bool(false));
    closed
}

/// A server's description without characters that do not show.
fn visible(text: &str) -> String {
    const DESCRIPTION_CHARS_MAX: usize = 2000;
    text.chars()
        .take(DESCRIPTION_CHARS_MAX)
        .filter(|character| !character.is_control() && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'))
        .collect()
}
