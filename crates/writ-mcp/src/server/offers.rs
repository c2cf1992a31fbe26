//! What a run may use, in the protocol's own form: tools, prompts, resources and templates of resources.
//!
//! The engine says what there is, at this moment and for this run. A definition of an integration's that the protocol
//! does not know is left out and logged, so that one of them does not take the list away.

use rmcp::model::{
    CacheScope, JsonObject, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use writ_engine::view::{WorkerOffers, WorkerTool};

/// The tools of a run.
pub(super) fn tools(tools: Vec<WorkerTool>) -> ListToolsResult {
    let tools = fitting("tool", tools.into_iter().map(|tool| definition(tool, false)));
    // Another run, or the same one after a revocation, has others.
    ListToolsResult::with_all_items(tools).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

/// The tools of a run as the revisions before 2026-07-28 list them; where the revision has tasks of its own, with
/// which of them may be called as one.
pub(super) fn old_tools(tools: Vec<WorkerTool>, has_tasks: bool) -> Json {
    let old = tools.into_iter().map(|tool| {
        let may_become_task = tool.may_become_task;
        let mut definition = definition(tool, true);
        if has_tasks && may_become_task {
            definition.insert("execution".to_owned(), json!({ "taskSupport": "optional" }));
        }
        Json::Object(definition)
    });
    json!({ "tools": old.collect::<Vec<_>>() })
}

/// The prompts of a run.
pub(super) fn prompts(offers: WorkerOffers) -> ListPromptsResult {
    let prompts = fitting("prompt", offers.prompts.into_iter());
    ListPromptsResult::with_all_items(prompts).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

/// The resources of a run.
pub(super) fn resources(offers: WorkerOffers) -> ListResourcesResult {
    let resources = fitting("resource", offers.resources.into_iter());
    ListResourcesResult::with_all_items(resources).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

/// The templates of resources of a run.
pub(super) fn templates(offers: WorkerOffers) -> ListResourceTemplatesResult {
    let templates = fitting("template of resources", offers.templates.into_iter());
    ListResourceTemplatesResult::with_all_items(templates).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

/// A tool's definition. What the server says beside the operator's own words comes first, so that it replaces none of
/// them.
fn definition(tool: WorkerTool, old: bool) -> JsonObject {
    let mut definition = tool.more;
    definition.remove("execution");
    definition.insert("name".to_owned(), Json::String(tool.name));
    definition.insert("description".to_owned(), Json::String(tool.description));
    definition.insert("inputSchema".to_owned(), Json::Object(tool.input_schema));
    definition.insert("annotations".to_owned(), json!({ "readOnlyHint": tool.read_only }));
    match tool.output_schema {
        // Before 2026-07-28 a structured result is an object.
        Some(schema) if !old || schema.get("type").and_then(Json::as_str) == Some("object") => {
            definition.insert("outputSchema".to_owned(), Json::Object(schema));
        }
        _ => {
            definition.remove("outputSchema");
        }
    }
    definition
}

fn fitting<T: DeserializeOwned>(what: &str, definitions: impl Iterator<Item = JsonObject>) -> Vec<T> {
    let read = |definition: JsonObject| match serde_json::from_value(Json::Object(definition)) {
        Ok(item) => Some(item),
        Err(_) => {
            tracing::warn!("a {what} is left out: its definition is not the protocol's");
            None
        }
    };
    definitions.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Json) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    fn tool() -> WorkerTool {
        WorkerTool {
            name: "shop_refund".to_owned(),
            description: "Proposes a refund.".to_owned(),
            input_schema: object(json!({ "type": "object" })),
            output_schema: Some(object(json!({ "type": "array" }))),
            read_only: false,
            may_become_task: true,
            more: object(json!({
                "title": "Refund",
                "name": "another",
                "icons": [{ "src": "https://shop.example/i.png" }],
                "execution": { "taskSupport": "required" },
                "_meta": { "theirs": 1 },
            })),
        }
    }

    #[test]
    fn what_the_server_says_beside_does_not_replace_what_writ_says() {
        let listed = serde_json::to_value(tools(vec![tool()])).unwrap();
        assert_eq!((&listed["ttlMs"], &listed["cacheScope"]), (&json!(0), &json!("private")));
        let listed = &listed["tools"][0];
        assert_eq!((&listed["name"], &listed["title"]), (&json!("shop_refund"), &json!("Refund")));
        assert_eq!(listed["annotations"], json!({ "readOnlyHint": false }));
        assert_eq!((&listed["outputSchema"]["type"], &listed["_meta"]), (&json!("array"), &json!({ "theirs": 1 })));
        assert!(listed.get("execution").is_none());
    }

    #[test]
    fn the_old_revision_is_told_which_tools_may_be_tasks_and_of_objects_alone() {
        assert!(old_tools(vec![tool()], false)["tools"][0].get("execution").is_none());
        let listed = old_tools(vec![tool(), WorkerTool { may_become_task: false, ..tool() }], true);
        assert_eq!(listed["tools"][0]["execution"], json!({ "taskSupport": "optional" }));
        assert!(listed["tools"][1].get("execution").is_none());
        assert!(listed["tools"][0].get("outputSchema").is_none());
        assert!(listed.get("ttlMs").is_none());
    }

    #[test]
    fn a_definition_that_is_none_is_left_out() {
        let offers = WorkerOffers {
            prompts: vec![object(json!({ "name": "good" })), object(json!({ "title": "nameless" }))],
            resources: vec![object(json!({ "uri": "test://a", "name": "a" })), object(json!({ "uri": 5 }))],
            ..WorkerOffers::default()
        };
        assert_eq!(prompts(offers.clone()).prompts.len(), 1);
        assert_eq!(resources(offers.clone()).resources[0].uri, "test://a");
        assert!(templates(offers).resource_templates.is_empty());
    }
}
