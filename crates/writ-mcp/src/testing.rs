//! For this crate's tests: a caller that writes down what it hears, and integrations: a small MCP server on a free
//! port, one that takes a call and says nothing, and one that goes away between its introduction and the first call.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::header::AUTHORIZATION;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use writ_core::definition::Ask;
use writ_engine::upstream::{Caller, Notice};

use crate::upstream::IDEMPOTENCY_META;

const TOOLS: [&str; 5] = ["echo", "fail", "slow", "large", "silent"];

/// A JSON object.
pub(crate) fn object(value: Json) -> JsonObject {
    value.as_object().cloned().unwrap()
}

/// Waits until a condition holds.
pub(crate) async fn eventually(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "it did not come to hold in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A caller that writes down what it hears, and gives one answer to everything, if it has one.
#[derive(Default)]
pub(crate) struct Recorder {
    answer: Option<Json>,
    heard: Mutex<Vec<Notice>>,
    asked: Mutex<Vec<(Ask, Json)>>,
}

impl Recorder {
    pub(crate) fn answering(answer: Json) -> Self {
        Self { answer: Some(answer), ..Self::default() }
    }

    pub(crate) fn heard(&self) -> Vec<Notice> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn asked(&self) -> Vec<(Ask, Json)> {
        self.asked.lock().unwrap().clone()
    }

    /// The resources of which it has heard that they have changed.
    pub(crate) fn changed(&self) -> Vec<String> {
        let heard = self.heard().into_iter();
        heard.filter_map(|notice| if let Notice::ResourceChanged { uri } = notice { Some(uri) } else { None }).collect()
    }
}

#[async_trait]
impl Caller for Recorder {
    fn can_be_asked(&self, _ask: Ask) -> bool {
        self.answer.is_some()
    }

    async fn tell(&self, notice: Notice) {
        self.heard.lock().unwrap().push(notice);
    }

    async fn ask(&self, ask: Ask, parameters: Json) -> Result<Json, String> {
        self.asked.lock().unwrap().push((ask, parameters));
        self.answer.clone().ok_or_else(|| "nobody answers".to_owned())
    }
}

/// An address at which nobody listens.
pub(crate) async fn unused_url() -> String {
    url(&TcpListener::bind("127.0.0.1:0").await.unwrap())
}

fn url(listener: &TcpListener) -> String {
    format!("http://{}/mcp", listener.local_addr().unwrap())
}

/// An MCP server that remembers what it was asked.
pub(crate) struct Probe {
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    authorizations: Vec<String>,
    calls: Vec<String>,
}

impl Probe {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url(&listener);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let tools = Service { seen: Arc::clone(&seen) };
        let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
        let protocol =
            StreamableHttpService::new(move || Ok(tools.clone()), Arc::new(NeverSessionManager::default()), config);
        let routes = Router::new().route("/mcp", any(serve)).with_state((protocol, Arc::clone(&seen)));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, seen, serving }
    }

    /// The `Authorization` of each request, empty where there was none.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        self.seen.lock().unwrap().authorizations.clone()
    }

    /// The tools called.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.seen.lock().unwrap().calls.clone()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Protocol = StreamableHttpService<Service, NeverSessionManager>;

async fn serve(State((protocol, seen)): State<(Protocol, Arc<Mutex<Seen>>)>, request: Request) -> Response {
    let authorization = request.headers().get(AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned();
    seen.lock().unwrap().authorizations.push(authorization);
    protocol.handle(request).await.map(Body::new)
}

#[derive(Clone)]
struct Service {
    seen: Arc<Mutex<Seen>>,
}

impl ServerHandler for Service {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("probe", "7"))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = Arc::new(object(json!({ "type": "object" })));
        let at: usize = request.and_then(|page| page.cursor).map_or(0, |cursor| cursor.parse().unwrap());
        let page = TOOLS[at..].iter().take(2).map(|name| Tool::new(*name, "for tests", Arc::clone(&schema))).collect();
        let mut result = ListToolsResult::with_all_items(page);
        result.next_cursor = (at + 2 < TOOLS.len()).then(|| (at + 2).to_string());
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.seen.lock().unwrap().calls.push(request.name.to_string());
        let result = match request.name.as_ref() {
            "echo" => CallToolResult::structured(json!({
                "arguments": request.arguments,
                "key": context.meta.get(IDEMPOTENCY_META),
            })),
            "fail" => CallToolResult::error(vec![ContentBlock::text("no such order")]),
            "large" => CallToolResult::success(vec![ContentBlock::text("x".repeat(2 * 1024 * 1024))]),
            "slow" => {
                tokio::time::sleep(Duration::from_secs(600)).await;
                CallToolResult::success(Vec::new())
            }
            name => {
                return Err(ErrorData::invalid_params(format!("no tool is called `{name}`"), None));
            }
        };
        Ok(result.into())
    }
}

/// Starts a server that introduces itself and closes the connection on which a call comes in, unanswered. The
/// calls that it took are counted.
pub(crate) async fn start_silent() -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(&listener);
    let taken = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let message = read_message(&mut connection).await;
            if message["method"] == "tools/call" {
                *counted.lock().unwrap() += 1;
            } else {
                introduce(&mut connection, &message["id"]).await;
            }
        }
    });
    (url, taken)
}

/// Starts a server that introduces itself once, and is gone when it has.
pub(crate) async fn start_leaving() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(&listener);
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        drop(listener);
        let message = read_message(&mut connection).await;
        introduce(&mut connection, &message["id"]).await;
    });
    url
}

async fn read_message(connection: &mut TcpStream) -> Json {
    let mut received = Vec::new();
    loop {
        let mut chunk = [0_u8; 4096];
        let length = connection.read(&mut chunk).await.unwrap();
        received.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&received);
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(message) = serde_json::from_str(body)
        {
            return message;
        }
        assert!(length > 0, "the request ended early");
    }
}

async fn introduce(connection: &mut TcpStream, id: &Json) {
    let body = json!({ "jsonrpc": "2.0", "id": id, "result": {
        "resultType": "complete",
        "supportedVersions": ["2026-07-28"],
        "capabilities": { "tools": {} },
        "ttlMs": 0,
        "cacheScope": "private",
    }})
    .to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}
