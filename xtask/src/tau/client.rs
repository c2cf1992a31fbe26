//! Writ as others reach it: workers over MCP, people over the JSON API.
//!
//! MCP of the revision 2026-07-28 has no sessions: every request carries the revision, and names its method and tool in
//! headers as well, so that one POST is one call. Connections are kept, since hundreds of thousands of requests follow
//! one another. A refusal is an answer; an error is that no answer could be had.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Request, StatusCode, Url};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Longer than the server waits for a decision in one call.
const ANSWER_SECONDS_MAX: u64 = 120;
const REVISION: &str = "2026-07-28";
const REVISION_HEADER: &str = "mcp-protocol-version";
const METHOD_HEADER: &str = "mcp-method";
const NAME_HEADER: &str = "mcp-name";
/// What a request that the protocol itself rejects counts as.
const REJECTED: &str = "rejected_by_protocol";

/// The server.
#[derive(Debug)]
pub(crate) struct Writ {
    http: Client,
    address: String,
    mcp: Url,
    calls: AtomicU64,
}

/// A worker in one run.
#[derive(Debug)]
pub(crate) struct Worker {
    run: String,
    headers: HeaderMap,
}

/// What a tool answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) content: Value,
    pub(crate) is_error: bool,
}

/// What the API answered to something that it may refuse.
#[derive(Debug)]
pub(crate) enum Told {
    /// It was done.
    Done,
    /// It was not: the status, and the code where the answer has one.
    Refused { status: u16, code: String },
}

impl Writ {
    /// The server at an address such as `http://127.0.0.1:7878`.
    pub(crate) fn at(address: &str) -> Result<Self, String> {
        // The server runs on this very machine, where a proxy has no part.
        let http = Client::builder().no_proxy().tcp_nodelay(true).timeout(Duration::from_secs(ANSWER_SECONDS_MAX));
        let http = http.build().map_err(|error| format!("no HTTP client can be made: {error}"))?;
        let address = address.trim_end_matches('/').to_owned();
        let mcp = Url::parse(&format!("{address}/mcp")).map_err(|error| format!("`{address}`: {error}"))?;
        Ok(Self { http, address, mcp, calls: AtomicU64::new(0) })
    }

    /// How many tools were called so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Asks the API, as whoever's token it is.
    pub(crate) async fn get(&self, token: &str, path: &str) -> Result<Value, String> {
        self.ask(Method::GET, token, path, None).await
    }

    /// Tells the API to do something, as whoever's token it is.
    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.ask(Method::POST, token, path, Some(body)).await
    }

    /// Tells the API to do something, where a refusal is an answer.
    pub(crate) async fn tell(&self, token: &str, path: &str, body: &Value) -> Result<Told, String> {
        let (status, bytes) = self.exchange(Method::POST, token, path, Some(body)).await?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(|error| format!("POST {path}: {error}"))?;
        if status.is_success() {
            return Ok(Told::Done);
        }
        let code = answer.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Told::Refused { status: status.as_u16(), code })
    }

    async fn ask(&self, method: Method, token: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let failed = |why: String| format!("{method} {path}: {why}");
        let (status, bytes) = self.exchange(method.clone(), token, path, body).await?;
        if !status.is_success() {
            return Err(failed(format!("{status}: {}", String::from_utf8_lossy(&bytes))));
        }
        serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))
    }

    async fn exchange(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Vec<u8>), String> {
        let failed = |why: String| format!("{method} {path}: {why}");
        let url = Url::parse(&format!("{}{path}", self.address)).map_err(|error| failed(error.to_string()))?;
        let mut request = Request::new(method.clone(), url);
        request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.to_string().into());
        }
        let response = self.http.execute(request).await.map_err(|error| failed(reason(&error)))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| failed(reason(&error)))?;
        Ok((status, bytes.to_vec()))
    }

    /// Starts a run for whoever's token it is, and introduces its worker.
    pub(crate) async fn start(&self, token: &str, mission: &str) -> Result<Worker, String> {
        let started = self.post(token, "/api/runs", &json!({ "mission": mission, "params": {} })).await?;
        let member = |name: &str| {
            let text = started.get(name).and_then(Value::as_str);
            text.ok_or_else(|| format!("the started run has no `{name}`"))
        };
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer(member("token")?)?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(REVISION_HEADER, HeaderValue::from_static(REVISION));
        let worker = Worker { run: member("run")?.to_owned(), headers };
        let introduced: Reply<IgnoredAny> =
            self.send(&worker, "server/discover", None, &Introduction { meta: META }).await?;
        match introduced.error {
            None => Ok(worker),
            Some(error) => Err(format!("the worker was not let in: {}", error.message)),
        }
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, worker: &Worker, tool: &str, given: &Map<String, Value>) -> Result<Answer, String> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let params = ToolCall { name: tool, arguments: given, meta: META };
        let reply: Reply<ToolResult> = self.send(worker, "tools/call", Some(tool), &params).await?;
        Ok(match (reply.result, reply.error) {
            (Some(ToolResult { structured_content: Some(content), is_error, .. }), _) => {
                Answer { content, is_error: is_error.unwrap_or(false) }
            }
            // An integration's own answer, as it gave it: JSON in a text.
            (Some(ToolResult { content: Some(blocks), is_error, .. }), _) => {
                let text = blocks.first().and_then(|block| block.text.as_deref()).unwrap_or_default();
                let result = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
                Answer { content: json!({ "result": result }), is_error: is_error.unwrap_or(false) }
            }
            (_, Some(error)) => {
                let refused = json!({ "code": REJECTED, "message": error.message });
                Answer { content: json!({ "refused": refused }), is_error: true }
            }
            _ => return Err(format!("`{tool}` answered neither with content nor with an error")),
        })
    }

    /// Takes a proposal back, as the task that it is seen as. Tells whether that was heard.
    pub(crate) async fn withdraw(&self, worker: &Worker, decision: &str) -> Result<bool, String> {
        let params = TaskCancellation { task_id: decision, meta: META_WITH_TASKS };
        let reply: Reply<IgnoredAny> = self.send(worker, "tasks/cancel", Some(decision), &params).await?;
        Ok(reply.error.is_none())
    }

    async fn send<P: Serialize, R: DeserializeOwned>(
        &self,
        worker: &Worker,
        method: &'static str,
        name: Option<&str>,
        params: &P,
    ) -> Result<Reply<R>, String> {
        let failed = |why: String| format!("{method} {}: {why}", name.unwrap_or_default());
        let message = Message { jsonrpc: "2.0", id: 1, method, params };
        let body = serde_json::to_vec(&message).map_err(|error| failed(error.to_string()))?;
        let mut request = Request::new(Method::POST, self.mcp.clone());
        let headers = request.headers_mut();
        headers.clone_from(&worker.headers);
        headers.insert(METHOD_HEADER, HeaderValue::from_static(method));
        if let Some(name) = name {
            headers.insert(NAME_HEADER, HeaderValue::from_str(name).map_err(|error| failed(error.to_string()))?);
        }
        *request.body_mut() = Some(body.into());
        let response = self.http.execute(request).await.map_err(|error| failed(reason(&error)))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| failed(reason(&error)))?;
        let reply = serde_json::from_slice::<Reply<R>>(&bytes).ok();
        let reply = reply.filter(|reply| reply.result.is_some() || reply.error.is_some());
        reply.ok_or_else(|| failed(format!("{status}: {}", String::from_utf8_lossy(&bytes))))
    }
}

impl Worker {
    /// The run's id.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }
}

impl Answer {
    /// The code and the message, where the answer is a clear no.
    pub(crate) fn refused(&self) -> Option<(&str, &str)> {
        let refused = self.content.get("refused");
        if refused.is_none() && !self.is_error {
            return None;
        }
        let said = |member: &str| refused.and_then(|refused| refused.get(member)).and_then(Value::as_str);
        Some((said("code").unwrap_or("error"), said("message").unwrap_or_default()))
    }
}

#[derive(Serialize)]
struct Message<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'static str,
    params: &'a P,
}

#[derive(Serialize)]
struct Introduction {
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    name: &'a str,
    arguments: &'a Map<String, Value>,
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskCancellation<'a> {
    task_id: &'a str,
    #[serde(rename = "_meta")]
    meta: Meta,
}

/// What every request says of its client.
#[derive(Clone, Copy, Serialize)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    revision: &'static str,
    #[serde(rename = "io.modelcontextprotocol/clientInfo")]
    client: ClientInfo,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Capabilities,
}

#[derive(Clone, Copy, Serialize)]
struct ClientInfo {
    name: &'static str,
    version: &'static str,
}

#[derive(Clone, Copy, Serialize)]
struct Capabilities {
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Extensions>,
}

#[derive(Clone, Copy, Serialize)]
struct Extensions {
    #[serde(rename = "io.modelcontextprotocol/tasks")]
    tasks: Tasks,
}

#[derive(Clone, Copy, Serialize)]
struct Tasks {}

const META: Meta = Meta {
    revision: REVISION,
    client: ClientInfo { name: "tau-retail", version: env!("CARGO_PKG_VERSION") },
    capabilities: Capabilities { extensions: None },
};

/// What a client says that follows tasks.
const META_WITH_TASKS: Meta =
    Meta { capabilities: Capabilities { extensions: Some(Extensions { tasks: Tasks {} }) }, ..META };

#[derive(Deserialize)]
struct Reply<R> {
    result: Option<R>,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
}

/// Where there is structured content, the same stands in a text block beside, which is not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult {
    structured_content: Option<Value>,
    content: Option<Vec<Block>>,
    is_error: Option<bool>,
}

#[derive(Deserialize)]
struct Block {
    text: Option<String>,
}

fn bearer(token: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| "a token is no header value")?;
    value.set_sensitive(true);
    Ok(value)
}

/// The first cause of a failure, which tells more than the last.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = next.to_string();
        cause = next.source();
    }
    text
}
