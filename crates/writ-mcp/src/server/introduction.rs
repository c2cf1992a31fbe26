//! How Writ introduces itself to a worker's client, and how it notes down who has come.

use rmcp::model::{Implementation, JsonObject, MetaObject, ProtocolVersion, ServerCapabilities, ServerConfig};
use serde_json::Value as Json;

/// The revisions that are served, oldest first.
pub(super) const REVISIONS: &[ProtocolVersion] =
    &[ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];
/// Where the introduction carries what the run has read, proposed and done so far.
const RUN_META: &str = "writ.dev/run";
const CLIENT_BYTES_MAX: usize = 200;

const INSTRUCTIONS: &str = "You work on one mission for one person. What you see is everything that you may use: \
    tables and documents hold only the rows and columns of this mission, and what is not there cannot be reached.\n\
    Read with knowledge_describe (which tables and documents there are), knowledge_query (SQL) and knowledge_search \
    (documents). Say what you conclude, and from what, with observe.\n\
    A tool that changes something does not change it when you call it: the call becomes a proposal, and a person \
    decides. Give your reason in writ_reason. The result is {\"pending\": {\"decision\": …}}; call decision_wait with \
    that id until the status is final, and do not treat anything as done before. Making the same call again returns \
    the same decision, so it is safe to repeat a step after a restart.\n\
    A result {\"refused\": {\"code\", \"message\"}} says what was not allowed; another wording of the same request \
    does not help. When the work is done, or cannot be done, finish with conclude.";

/// Writ, as every client is told of it. Lists may be empty, and none of them is told to have changed: a client asks.
pub(super) fn server() -> ServerConfig {
    let mut capabilities = ServerCapabilities::builder()
        .enable_completions()
        .enable_prompts()
        .enable_resources()
        .enable_tools()
        .enable_resources_subscribe()
        .enable_tasks()
        .build();
    capabilities.logging = Some(JsonObject::new());
    ServerConfig::new(capabilities)
        .with_server_info(Implementation::new("writ", env!("CARGO_PKG_VERSION")).with_title("Writ"))
        .with_instructions(INSTRUCTIONS)
}

/// A client, as it is noted down.
pub(super) fn of(client: Option<&Implementation>) -> String {
    let Some(client) = client else {
        return "unnamed".to_owned();
    };
    let text = format!("{} {}", client.name, client.version);
    text.get(..text.floor_char_boundary(CLIENT_BYTES_MAX)).unwrap_or_default().to_owned()
}

/// Puts where the run stands into an introduction.
pub(super) fn note_run(meta: &mut Option<MetaObject>, run: Json) {
    meta.get_or_insert_default().insert(RUN_META.to_owned(), run);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_noted_down_briefly() {
        assert_eq!(of(None), "unnamed");
        assert_eq!(of(Some(&Implementation::new("agent", "1.2"))), "agent 1.2");
        let long = Implementation::new("é".repeat(CLIENT_BYTES_MAX), "1");
        assert!(of(Some(&long)).len() <= CLIENT_BYTES_MAX);
    }

    #[test]
    fn everything_that_is_served_is_declared() {
        let declared = serde_json::to_value(server().capabilities).unwrap();
        for name in ["completions", "logging", "prompts", "resources", "tools"] {
            assert!(declared.get(name).is_some(), "{name}");
        }
        assert!(declared["extensions"].get("io.modelcontextprotocol/tasks").is_some());
        assert!(declared.get("tasks").is_none() && declared["tools"].get("listChanged").is_none());
    }
}
