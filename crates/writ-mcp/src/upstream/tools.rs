//! What is known of the tools on one open connection: whether they have been listed, and which of them have parts of
//! their arguments put into headers (SEP-2243).

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use serde_json::Value as Json;
use tokio::sync::OnceCell;

use super::describe::Entry;

/// The member of a schema by which a tool says that an argument goes into a header.
const ANNOTATION: &str = "x-mcp-header";

/// The tools of one open connection.
#[derive(Default)]
pub(super) struct Tools {
    listed: OnceCell<()>,
    with_headers: RwLock<HashSet<String>>,
}

impl Tools {
    /// Waits until the tools have been listed once; lists them where nobody has.
    pub(super) async fn once_listed(&self, listing: impl Future<Output = ()>) {
        self.listed.get_or_init(|| listing).await;
    }

    /// Takes note of the whole list.
    pub(super) fn have_been_listed(&self, tools: &[Entry]) {
        let with_headers = tools.iter().filter(|(_, tool)| tool.get("inputSchema").is_some_and(is_annotated));
        let with_headers = with_headers.map(|(name, _)| name.clone()).collect();
        *self.with_headers.write().unwrap_or_else(PoisonError::into_inner) = with_headers;
        let _ = self.listed.set(());
    }

    /// Whether parts of this tool's arguments go into headers.
    pub(super) fn has_headers(&self, tool: &str) -> bool {
        self.with_headers.read().unwrap_or_else(PoisonError::into_inner).contains(tool)
    }
}

fn is_annotated(schema: &Json) -> bool {
    match schema {
        Json::Object(members) => members.contains_key(ANNOTATION) || members.values().any(is_annotated),
        Json::Array(items) => items.iter().any(is_annotated),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_annotation_is_found_at_any_depth_and_a_new_list_counts() {
        let entry = |name: &str, schema: Json| {
            (name.to_owned(), json!({ "inputSchema": schema }).as_object().cloned().unwrap_or_default())
        };
        let nested =
            json!({ "properties": { "at": { "anyOf": [{ "properties": { "r": { "x-mcp-header": "R" } } }] } } });
        let tools = Tools::default();
        tools.have_been_listed(&[entry("plain", json!({ "type": "object" })), entry("routed", nested.clone())]);
        tools.once_listed(async { panic!("they have been listed") }).await;
        assert!(tools.has_headers("routed") && !tools.has_headers("plain"));
        tools.have_been_listed(&[entry("plain", nested)]);
        assert!(tools.has_headers("plain") && !tools.has_headers("routed"));
    }
}
