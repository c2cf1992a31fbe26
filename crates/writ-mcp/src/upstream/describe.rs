//! An integration's own account of itself: its name, version and everything that it offers, every page of it.
//!
//! The account is bounded and taken as it is. Whether it is the one that the operator pinned is for the engine to
//! say; nothing here is a reason to trust it.

use std::collections::HashSet;

use rmcp::ServiceError;
use rmcp::model::{ClientRequest, CustomRequest, ErrorCode, JsonObject};
use serde_json::Value as Json;
use writ_engine::upstream::{Sent, ServerDescription, UpstreamItem, UpstreamTool};

use super::answer::size;
use super::dial::NotOpen;
use super::link::{Link, Open};
use super::outcome::{self, Kind};
use super::request::Shape;

const PAGES_MAX: usize = 64;
const ENTRIES_MAX: usize = 2048;
const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What of a definition is no promise about what it does: it is not part of what a pin digests.
const DECORATION: [&str; 2] = ["_meta", "icons"];

/// A list that a server offers.
struct List {
    method: &'static str,
    member: &'static str,
    /// By which member an entry is known.
    key: &'static str,
}

const TOOLS: List = List { method: "tools/list", member: "tools", key: "name" };
const PROMPTS: List = List { method: "prompts/list", member: "prompts", key: "name" };
const RESOURCES: List = List { method: "resources/list", member: "resources", key: "uri" };
const TEMPLATES: List = List { method: "resources/templates/list", member: "resourceTemplates", key: "uriTemplate" };

/// Asks for the account, now.
pub(super) async fn describe(link: &Link) -> Result<ServerDescription, Failure> {
    let open = link.open().await.map_err(|not_open| match not_open {
        NotOpen::NotLinked => {
            Failure { is_not_linked: true, ..Failure::from("the person has not linked it".to_owned()) }
        }
        NotOpen::Unavailable(why) => Failure::from(why),
    })?;
    let mut described = of(&open).await;
    match &mut described {
        // The edition from before the first question: what changes while the lists are told makes another one.
        Ok(description) => description.edition = link.is_personal().then_some(open.edition),
        Err(failure) if failure.connection_is_stale => link.close(&open).await,
        Err(_) => {}
    }
    described
}

/// Lists the tools to know of which ones parts of a call's arguments go into headers.
pub(super) async fn list_tools(open: &Open) {
    match list(open, &TOOLS).await {
        Ok(tools) => open.tools.have_been_listed(&tools),
        Err(failure) => tracing::debug!(why = failure.why, "the tools of an integration cannot be listed"),
    }
}

/// Why there is no account.
pub(super) struct Failure {
    /// For operators.
    pub(super) why: String,
    /// Whether the person has not linked the integration.
    pub(super) is_not_linked: bool,
    connection_is_stale: bool,
    /// The server does not know the method.
    is_unknown_method: bool,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self { why, is_not_linked: false, connection_is_stale: false, is_unknown_method: false }
    }
}

async fn of(open: &Open) -> Result<ServerDescription, Failure> {
    let Some(server) = open.server() else {
        return Err(Failure::from("it has not introduced itself".to_owned()));
    };
    let name = server.server_info.as_ref().map(|server| format!("{} {}", server.name, server.version));
    let offers = &server.capabilities;
    let mut description = ServerDescription {
        server: name.unwrap_or_default(),
        completes: offers.completions.is_some(),
        ..ServerDescription::default()
    };
    if offers.tools.is_some() {
        let tools = list(open, &TOOLS).await?;
        // Whoever calls a tool from now on need not list them first.
        open.tools.have_been_listed(&tools);
        let tools: Result<Vec<UpstreamTool>, String> = tools.into_iter().map(tool).collect();
        description.tools = tools?;
    }
    if offers.prompts.is_some() {
        description.prompts = list(open, &PROMPTS).await?.into_iter().map(item).collect();
    }
    if offers.resources.is_some() {
        description.resources = list(open, &RESOURCES).await?.into_iter().map(item).collect();
        // A server may have resources and know nothing of templates.
        description.templates = match list(open, &TEMPLATES).await {
            Ok(templates) => templates.into_iter().map(item).collect(),
            Err(failure) if failure.is_unknown_method => Vec::new(),
            Err(failure) => return Err(failure),
        };
    }
    Ok(description)
}

/// An entry of a list: by what it is known, and its definition.
pub(super) type Entry = (String, JsonObject);

async fn list(open: &Open, list: &List) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    let mut names = HashSet::new();
    let mut bytes = 0_usize;
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let (page, next) = page(open, list, cursor.take()).await?;
        for entry in page {
            bytes = bytes.saturating_add(size(&entry).unwrap_or(LIST_BYTES_MAX));
            if entries.len() >= ENTRIES_MAX || bytes > LIST_BYTES_MAX {
                let why = format!("`{}` has more than {ENTRIES_MAX} entries or {LIST_BYTES_MAX} bytes", list.method);
                return Err(why.into());
            }
            let (name, entry) = known_by(list, entry)?;
            if !names.insert(name.clone()) {
                return Err(format!("`{}` has the entry `{name}` twice", list.method).into());
            }
            entries.push((name, entry));
        }
        match next {
            Some(next) => cursor = Some(next),
            None => return Ok(entries),
        }
    }
    Err(format!("`{}` has more than {PAGES_MAX} pages", list.method).into())
}

async fn page(open: &Open, list: &List, cursor: Option<String>) -> Result<(Vec<Json>, Option<String>), Failure> {
    let mut parameters = JsonObject::new();
    if let Some(cursor) = cursor {
        parameters.insert("cursor".to_owned(), Json::String(cursor));
    }
    let request = CustomRequest::new(list.method, Some(Json::Object(parameters)));
    let answer = open.peer.send_request(ClientRequest::CustomRequest(request)).await.map_err(|error| {
        let failed = outcome::of_failure(&error, Shape::Acknowledgement, Kind::Read);
        Failure {
            why: format!("`{}` failed: {}", list.method, outcome::reason(&error)),
            is_not_linked: matches!(failed.sent, Sent::NotLinked),
            connection_is_stale: failed.connection_is_stale,
            is_unknown_method: matches!(
                &error,
                ServiceError::McpError(error) if error.code == ErrorCode::METHOD_NOT_FOUND
            ),
        }
    })?;
    let mut answer = serde_json::to_value(answer).unwrap_or_default();
    let next = answer.get("nextCursor").and_then(Json::as_str).filter(|next| !next.is_empty()).map(str::to_owned);
    match answer.get_mut(list.member).map(Json::take) {
        Some(Json::Array(entries)) => Ok((entries, next)),
        _ => Err(format!("the answer to `{}` has no `{}`", list.method, list.member).into()),
    }
}

fn known_by(list: &List, entry: Json) -> Result<Entry, String> {
    let Json::Object(entry) = entry else {
        return Err(format!("an entry of `{}` is not an object", list.method));
    };
    match entry.get(list.key).and_then(Json::as_str).map(str::to_owned) {
        Some(name) => Ok((name, entry)),
        None => Err(format!("an entry of `{}` has no `{}`", list.method, list.key)),
    }
}

fn tool((name, entry): Entry) -> Result<UpstreamTool, String> {
    let Some(input_schema) = entry.get("inputSchema").and_then(Json::as_object).cloned() else {
        return Err(format!("the tool `{name}` has no schema of its arguments"));
    };
    Ok(UpstreamTool {
        description: entry.get("description").and_then(Json::as_str).unwrap_or_default().to_owned(),
        input_schema,
        output_schema: entry.get("outputSchema").and_then(Json::as_object).cloned(),
        definition: Json::Object(without_decoration(entry)),
        name,
    })
}

fn item((name, entry): Entry) -> UpstreamItem {
    UpstreamItem { name, definition: Json::Object(without_decoration(entry)) }
}

fn without_decoration(mut definition: JsonObject) -> JsonObject {
    for member in DECORATION {
        definition.shift_remove(member);
    }
    definition
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_without_a_name_or_a_schema_is_no_entry() {
        assert!(known_by(&TOOLS, json!({ "title": "Echo" })).is_err());
        assert!(known_by(&RESOURCES, json!("file:///a")).is_err());
        let entry = known_by(&TOOLS, json!({ "name": "echo", "icons": [], "_meta": {} })).unwrap();
        assert!(tool(entry).is_err());
        let entry = known_by(&TOOLS, json!({ "name": "echo", "inputSchema": {}, "icons": [] })).unwrap();
        assert_eq!(tool(entry).unwrap().definition, json!({ "name": "echo", "inputSchema": {} }));
    }
}
