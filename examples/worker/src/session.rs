//! The connection to Writ: MCP over Streamable HTTP with the run's token.
//!
//! The current revision of the protocol is tried first, an older one after it. A call has one answer or fails;
//! nothing is sent again by itself, because Writ recognises a repeated proposal and the whole program can be started
//! anew.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, JsonObject, PaginatedRequestParams,
    ProtocolVersion,
};
use rmcp::service::{ClientInitializeError, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransportConfig, StreamableHttpError};
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceError};
use serde_json::Value as Json;

use crate::answer::Answer;
use crate::error::WorkerError;

const CONNECT_SECONDS_MAX: u64 = 30;
/// Longer than the server waits for a decision in one call.
const CALL_SECONDS_MAX: u64 = 120;
const PAGES_MAX: usize = 20;

/// An open connection, and the tools that it offers.
pub(crate) struct Session {
    client: RunningService<RoleClient, ClientConfig>,
    tools: BTreeMap<String, JsonObject>,
}

impl Session {
    pub(crate) async fn connect(url: &str, token: &str) -> Result<Self, WorkerError> {
        let failed = |why: String| WorkerError::Connect { url: url.to_owned(), why };
        // Writ may run on this very machine, where a proxy for the outside world has no part.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
        let transport = StreamableHttpClientTransport::with_client(http, config);
        let ourselves = ClientConfig::new(
            ClientCapabilities::default(),
            Implementation::new("demo-worker", env!("CARGO_PKG_VERSION")),
        );
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        let limit = Duration::from_secs(CONNECT_SECONDS_MAX);
        let client = tokio::time::timeout(limit, ourselves.serve_with_lifecycle(transport, lifecycle))
            .await
            .map_err(|_| failed(format!("it did not answer within {CONNECT_SECONDS_MAX} s")))?
            .map_err(|error| failed(reason(&error)))?;
        let tools = tools(&client).await.map_err(|error| failed(call_reason(&error)))?;
        Ok(Self { client, tools })
    }

    /// The names of the tools.
    pub(crate) fn tools(&self) -> Vec<&str> {
        self.tools.keys().map(String::as_str).collect()
    }

    /// Whether there is such a tool.
    pub(crate) fn offers(&self, tool: &str) -> bool {
        self.tools.contains_key(tool)
    }

    /// The name of a tool's main argument, as its schema tells it.
    pub(crate) fn main_argument(&self, tool: &str) -> Option<&str> {
        let schema = self.tools.get(tool)?;
        let required = schema.get("required").and_then(Json::as_array).and_then(|names| names.first());
        let properties = schema.get("properties").and_then(Json::as_object);
        required.and_then(Json::as_str).or_else(|| properties?.keys().next().map(String::as_str))
    }

    /// Calls a tool. A refusal is an answer.
    pub(crate) async fn call(&self, tool: &str, arguments: Json) -> Result<Answer, WorkerError> {
        let failed = |why: String| WorkerError::Call { tool: tool.to_owned(), why };
        let arguments = match arguments {
            Json::Object(arguments) => arguments,
            _ => JsonObject::new(),
        };
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let limit = Duration::from_secs(CALL_SECONDS_MAX);
        let result = tokio::time::timeout(limit, self.client.call_tool(params))
            .await
            .map_err(|_| failed(format!("no answer came within {CALL_SECONDS_MAX} s")))?
            .map_err(|error| failed(call_reason(&error)))?;
        let content = match result.structured_content {
            Some(content) => content,
            None => {
                let text = result.content.first().and_then(|block| block.as_text());
                let text = text.map(|text| text.text.clone()).unwrap_or_default();
                serde_json::from_str(&text).unwrap_or(Json::String(text))
            }
        };
        Ok(Answer { tool: tool.to_owned(), content, is_error: result.is_error.unwrap_or(false) })
    }

    /// Closes the connection; what cannot be closed is gone already.
    pub(crate) async fn close(self) {
        let _ = self.client.cancel().await;
    }
}

async fn tools(
    client: &RunningService<RoleClient, ClientConfig>,
) -> Result<BTreeMap<String, JsonObject>, ServiceError> {
    let mut tools = BTreeMap::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let page = client.list_tools(Some(PaginatedRequestParams::default().with_cursor(cursor))).await?;
        let named = page.tools.into_iter().map(|tool| (tool.name.into_owned(), (*tool.input_schema).clone()));
        tools.extend(named);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(tools)
}

fn reason(error: &ClientInitializeError) -> String {
    match error {
        error if error.auth_challenge().is_some() => "the run's token is not accepted".to_owned(),
        ClientInitializeError::JsonRpcError(error) => error.message.to_string(),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => reason(fallback),
        ClientInitializeError::TransportError { error, .. } => transport_reason(error.error.as_ref()),
        other => other.to_string(),
    }
}

fn call_reason(error: &ServiceError) -> String {
    match error {
        error if error.auth_challenge().is_some() => "the run's token is not accepted any more".to_owned(),
        ServiceError::McpError(error) => error.message.to_string(),
        ServiceError::TransportSend(error) => transport_reason(error.error.as_ref()),
        other => other.to_string(),
    }
}

/// The first cause of a failure of the network.
fn transport_reason(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let Some(StreamableHttpError::Client(failure)) = error.downcast_ref::<StreamableHttpError<reqwest::Error>>() else {
        return error.to_string();
    };
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(next) = cause {
        text = next.to_string();
        cause = next.source();
    }
    text
}
