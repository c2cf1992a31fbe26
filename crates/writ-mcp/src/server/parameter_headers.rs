//! Which arguments a client must repeat in headers (`x-mcp-header` in a tool's schema, revision 2026-07-28).
//!
//! The protocol's library compares headers and arguments, but asks for a tool's schema without saying for whom. The
//! schemas of the run that asks are put beside the request here, for as long as the request is being read. They are
//! those that the run was last listed: what they are for is that whatever stands between client and server sees the
//! same as the server. Whether a call is allowed does not rest on them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::JsonObject;
use serde_json::Value as Json;
use writ_engine::view::WorkerTool;

/// The member of a property's schema that names the header.
const HEADER_MEMBER: &str = "x-mcp-header";
const RUNS_MAX: usize = 1_024;

/// The schemas of one run's tools that name headers, by the tool's name.
pub(super) type Schemas = HashMap<String, Arc<JsonObject>>;

tokio::task_local! {
    static OF_THE_RUN: Arc<Schemas>;
}

/// The schemas of the runs that were listed lately.
#[derive(Default)]
pub(super) struct ParameterHeaders(Mutex<HashMap<String, Arc<Schemas>>>);

impl ParameterHeaders {
    pub(super) fn of(&self, run: &str) -> Option<Arc<Schemas>> {
        self.runs().get(run).cloned()
    }

    /// Remembers what a run was listed.
    pub(super) fn listed(&self, run: &str, tools: &[WorkerTool]) -> Arc<Schemas> {
        let naming = tools.iter().filter(|tool| names_headers(&tool.input_schema));
        let schemas: Schemas = naming.map(|tool| (tool.name.clone(), Arc::new(tool.input_schema.clone()))).collect();
        let schemas = Arc::new(schemas);
        let mut runs = self.runs();
        if runs.len() >= RUNS_MAX && !runs.contains_key(run) {
            // They are asked for again where they are needed.
            runs.clear();
        }
        runs.insert(run.to_owned(), Arc::clone(&schemas));
        schemas
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<String, Arc<Schemas>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a request with these schemas beside it.
pub(super) async fn beside<F: Future>(schemas: Arc<Schemas>, reading: F) -> F::Output {
    OF_THE_RUN.scope(schemas, reading).await
}

/// The schema of a tool, where it names headers and stands beside the request that is being read.
pub(super) fn schema(tool: &str) -> Option<Arc<JsonObject>> {
    OF_THE_RUN.try_with(|schemas| schemas.get(tool).cloned()).ok().flatten()
}

fn names_headers(schema: &JsonObject) -> bool {
    let Some(Json::Object(properties)) = schema.get("properties") else {
        return false;
    };
    properties
        .values()
        .filter_map(Json::as_object)
        .any(|schema| schema.contains_key(HEADER_MEMBER) || names_headers(schema))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str, schema: Json) -> WorkerTool {
        WorkerTool {
            name: name.to_owned(),
            description: String::new(),
            input_schema: schema.as_object().cloned().unwrap(),
            output_schema: None,
            read_only: true,
            may_become_task: false,
            more: JsonObject::new(),
        }
    }

    #[tokio::test]
    async fn only_schemas_that_name_headers_stand_beside_a_request() {
        let headers = ParameterHeaders::default();
        let nested = json!({ "properties": { "to": { "properties": { "region": { "x-mcp-header": "Region" } } } } });
        let plain = json!({ "properties": { "x-mcp-header": { "type": "string" } } });
        let schemas = headers.listed("run", &[tool("nested", nested), tool("plain", plain)]);
        assert_eq!(schemas.keys().collect::<Vec<_>>(), ["nested"]);
        assert!(headers.of("other").is_none());
        assert!(schema("nested").is_none());
        let seen =
            beside(headers.of("run").unwrap(), async { (schema("nested").is_some(), schema("plain").is_some()) });
        assert_eq!(seen.await, (true, false));
    }

    #[test]
    fn a_limited_number_of_runs_is_remembered() {
        let headers = ParameterHeaders::default();
        for run in 0..=RUNS_MAX {
            headers.listed(&run.to_string(), &[]);
        }
        assert!(headers.runs().len() <= RUNS_MAX);
        assert!(headers.of(&RUNS_MAX.to_string()).is_some());
    }
}
