//! The small MCP server at the end of every way: one tool, which echoes its arguments.
//!
//! It is written with the protocol's own Rust library, as a real server would be, and answers every revision without
//! sessions and in plain JSON, so that it costs every way the same.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value as Json, json};

use super::call::TOOL;
use super::program::Program;

/// Where it answers.
pub(super) const PATH: &str = "/mcp";
/// The flag with which this program becomes the server.
const FLAG: &str = "--serve-upstream";
const START_SECONDS_MAX: u64 = 30;

#[derive(Clone)]
struct Echo {
    tool: Arc<Tool>,
}

impl Echo {
    fn new() -> Self {
        let schema = json!({
            "type": "object",
            "properties": {
                "account": { "type": "string" },
                "n": { "type": "integer" },
                "note": { "type": "string" },
            },
            "required": ["account", "n", "note"],
        });
        let schema: JsonObject = schema.as_object().cloned().unwrap_or_default();
        let tool = Tool::new(TOOL, "Says back what it is told.", Arc::new(schema))
            .with_annotations(ToolAnnotations::new().read_only(true));
        Self { tool: Arc::new(tool) }
    }
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("writ-bench-echo", env!("CARGO_PKG_VERSION")))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![(*self.tool).clone()]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name != TOOL {
            return Err(ErrorData::invalid_params(format!("no tool is called `{}`", request.name), None));
        }
        Ok(CallToolResult::structured(Json::Object(request.arguments.unwrap_or_default())).into())
    }
}

/// Serves on a free port until standard input closes, having told the address on standard output.
///
/// # Errors
/// Where it cannot listen.
pub fn serve() -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(serve_on_a_free_port()).map_err(|error| error.to_string())
}

async fn serve_on_a_free_port() -> std::io::Result<()> {
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
    let echo = Echo::new();
    let service =
        StreamableHttpService::new(move || Ok(echo.clone()), Arc::new(NeverSessionManager::default()), config);
    let router = axum::Router::new().nest_service(PATH, service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    say(&listener.local_addr()?)?;
    // Answers are small, and must not wait to be gathered into a larger packet.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, router).with_graceful_shutdown(until_nobody_listens()).await
}

fn say(address: &SocketAddr) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{address}")?;
    out.flush()
}

/// Whoever started the server holds its standard input open for as long as it is wanted.
async fn until_nobody_listens() {
    let closed = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    let _ = closed.await;
}

/// Starts this program once more, as the server.
pub(super) fn start(own: &Path, folder: &Path) -> Result<(Program, SocketAddr), String> {
    let mut command = Command::new(own);
    command.arg(FLAG);
    let program = Program::start_to_hear(command, folder.join("upstream.log"))?;
    let line = program.first_line(Duration::from_secs(START_SECONDS_MAX))?;
    let address = line.trim().parse().map_err(|_| program.explain(&format!("`{line}` is no address")))?;
    Ok((program, address))
}
