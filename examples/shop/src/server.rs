//! The shop as an MCP server, over standard input and output or over Streamable HTTP.
//!
//! HTTP is served without sessions and answered in plain JSON, so that a client may ask from any connection. Calls run
//! one after another on one database connection, off the threads that serve the network. Never adds a rule of its own:
//! a call is what the tools make of it. Two faults can be switched on for tests of what stands in front.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::serve::ListenerExt;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use rusqlite::Connection;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{ShopError, ToolResult, ToolSpec, call, tools};

/// The member of a request's `_meta` by which a caller names a change that must not happen twice.
pub const IDEMPOTENCY_KEY: &str = "writ.dev/idempotency-key";
/// How the process ends where it was told to lose an answer.
pub const LOST_ANSWER_EXIT_CODE: i32 = 70;

const INSTRUCTIONS: &str = "A shop's orders, customers, payments and messages. Amounts are in the \
    shop's currency. Changes cannot be taken back by another call.";

/// What goes wrong on purpose.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// End the process once a change is committed, before it is answered.
    pub lose_answer: bool,
    /// Wait this long before answering a call.
    pub delay: Duration,
}

/// One shop, ready to be served; clones share it.
#[derive(Clone)]
pub struct ShopServer {
    conn: Arc<Mutex<Connection>>,
    catalogue: Arc<[Tool]>,
    faults: Faults,
}

impl ShopServer {
    /// Serves the shop behind an open connection.
    #[must_use]
    pub fn new(conn: Connection, faults: Faults) -> Self {
        let catalogue = tools().into_iter().map(declared).collect();
        Self { conn: Arc::new(Mutex::new(conn)), catalogue, faults }
    }

    fn run(&self, request: &CallToolRequestParams, idempotency_key: Option<&str>) -> ToolResult {
        // A call that panicked has rolled its transaction back, so the connection is still sound.
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        let none = serde_json::Map::new();
        let arguments = request.arguments.as_ref().unwrap_or(&none);
        let result = call(&mut conn, &request.name, arguments, idempotency_key);
        if self.faults.lose_answer && result.is_new_effect() {
            std::process::exit(LOST_ANSWER_EXIT_CODE);
        }
        result
    }
}

impl ServerHandler for ShopServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("shop", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.catalogue.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.catalogue.to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.catalogue.iter().all(|tool| tool.name != request.name) {
            return Err(ErrorData::invalid_params(format!("no tool is called `{}`", request.name), None));
        }
        let idempotency_key = match context.meta.get(IDEMPOTENCY_KEY) {
            None => None,
            Some(Value::String(key)) => Some(key.clone()),
            Some(_) => return Ok(refused(format!("`{IDEMPOTENCY_KEY}` must be text")).into()),
        };
        let shop = self.clone();
        let work = tokio::task::spawn_blocking(move || shop.run(&request, idempotency_key.as_deref()));
        let result = work.await.map_err(|_| ErrorData::internal_error("the tool did not finish", None))?;
        if let Some(fault) = &result.fault {
            report(fault);
        }
        if !self.faults.delay.is_zero() {
            tokio::time::sleep(self.faults.delay).await;
        }
        Ok(answer(result).into())
    }
}

/// Serves one client over standard input and output, until it closes its end.
///
/// # Errors
///
/// When the client does not open an MCP session, or the connection breaks.
pub async fn serve_stdio(shop: ShopServer) -> Result<(), ShopError> {
    let running =
        shop.serve(rmcp::transport::stdio_pipes()).await.map_err(|error| ShopError::Opening(Box::new(error)))?;
    running.waiting().await.map_err(io::Error::other)?;
    Ok(())
}

/// Serves clients at `/mcp` until `stop` is cancelled, and calls `announce` with the bound address before the first.
///
/// Only requests for a loopback host are answered.
///
/// # Errors
///
/// When the address cannot be bound or announced.
pub async fn serve_http(
    shop: ShopServer,
    listen: SocketAddr,
    stop: CancellationToken,
    announce: impl FnOnce(SocketAddr) -> io::Result<()>,
) -> Result<(), ShopError> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None)
        .with_cancellation_token(stop.child_token());
    let service =
        StreamableHttpService::new(move || Ok(shop.clone()), Arc::new(NeverSessionManager::default()), config);
    let router = axum::Router::new().nest_service("/mcp", service);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    announce(listener.local_addr()?)?;
    // Answers are small, and must not wait to be gathered into a larger packet.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            report(&error.to_string());
        }
    });
    axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled_owned().await }).await?;
    Ok(())
}

fn declared(spec: ToolSpec) -> Tool {
    let annotations = ToolAnnotations::new()
        .read_only(spec.read_only)
        .destructive(spec.destructive)
        .idempotent(spec.idempotent)
        .open_world(spec.open_world);
    let tool = Tool::new(spec.name, spec.description, Arc::new(spec.input_schema)).with_annotations(annotations);
    match spec.output_schema {
        Some(schema) => tool.with_raw_output_schema(Arc::new(schema)),
        None => tool,
    }
}

fn answer(result: ToolResult) -> CallToolResult {
    match result.value {
        Value::String(text) if result.is_error => refused(text),
        Value::String(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
        value => CallToolResult::structured(value),
    }
}

fn refused(reason: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(reason)])
}

/// Tells whoever runs the shop. Standard output belongs to the protocol; where this cannot be written, nobody listens.
fn report(fault: &str) {
    let _ = io::Write::write_all(&mut io::stderr(), format!("shop: {fault}\n").as_bytes());
}
