//! A server that plays its part word for word, in either era of the protocol: written out here rather than taken from
//! the library, so that what leaves Writ is seen as it is and what comes back is what a test means.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use futures::stream;
use http::{Method, StatusCode, header};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

const SUBSCRIPTION_META: &str = "io.modelcontextprotocol/subscriptionId";

/// Which revision the server speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// 2026-07-28: every request stands by itself.
    Current,
    /// 2025-11-25: a handshake and a session.
    Handshake,
}

/// A server on a free port.
pub(super) struct Stage {
    pub(super) url: String,
    part: Arc<Part>,
    serving: JoinHandle<()>,
}

struct Part {
    era: Era,
    seen: Mutex<Vec<Json>>,
    listeners: Mutex<Vec<Listener>>,
    news: Notify,
}

/// Somebody who hears announcements: with a filter where it asked for some of them only.
struct Listener {
    id: Json,
    filter: Option<Json>,
    stream: mpsc::Sender<Json>,
}

impl Stage {
    pub(super) async fn start(era: Era) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let part = Part { era, seen: Mutex::default(), listeners: Mutex::default(), news: Notify::new() };
        let part = Arc::new(part);
        let routes = Router::new().route("/mcp", any(play)).with_state(Arc::clone(&part));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, part, serving }
    }

    /// How many messages of a method have come.
    pub(super) fn count(&self, method: &str) -> usize {
        self.part.seen.lock().unwrap().iter().filter(|message| message["method"] == method).count()
    }

    /// Whether a call was taken back, or its stream given up.
    pub(super) fn was_taken_back(&self) -> bool {
        self.count("notifications/cancelled") > 0 || self.count("hung up") > 0
    }

    /// What the client last said that it can be asked.
    pub(super) fn capabilities(&self) -> Json {
        let seen = self.part.seen.lock().unwrap();
        let said = seen.iter().rev().find_map(|message| match message["method"].as_str() {
            Some("initialize") => Some(message["params"]["capabilities"].clone()),
            Some("tools/call") => message["params"]["_meta"].get("io.modelcontextprotocol/clientCapabilities").cloned(),
            _ => None,
        });
        said.unwrap()
    }

    /// How many listen for announcements.
    pub(super) fn listeners(&self) -> usize {
        self.part.listeners.lock().unwrap().len()
    }

    /// Announces something to those who listen for it.
    pub(super) fn announce(&self, notification: Json) {
        let wanted = match notification["method"].as_str().unwrap() {
            "notifications/resources/updated" => "resourceSubscriptions",
            _ => "toolsListChanged",
        };
        for listener in self.part.listeners.lock().unwrap().iter() {
            let mut message = notification.clone();
            message["jsonrpc"] = json!("2.0");
            match &listener.filter {
                Some(filter) if filter.get(wanted).is_none() => continue,
                Some(_) => message["params"]["_meta"] = json!({ SUBSCRIPTION_META: listener.id }),
                None => {}
            }
            let _ = listener.stream.try_send(message);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn play(State(part): State<Arc<Part>>, request: Request) -> Response {
    if request.method() == Method::GET && part.era == Era::Handshake {
        return part.listen(Json::Null, None);
    }
    if request.method() != Method::POST {
        return status(StatusCode::METHOD_NOT_ALLOWED);
    }
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let message: Json = serde_json::from_slice(&body).unwrap();
    part.seen.lock().unwrap().push(message.clone());
    part.news.notify_waiters();
    let (id, parameters) = (&message["id"], &message["params"]);
    let is_current = part.era == Era::Current;
    match message["method"].as_str() {
        Some("server/discover") if is_current => {
            let meta = json!({ "io.modelcontextprotocol/serverInfo": { "name": "stage", "version": "1" } });
            let versions = ["2026-07-28"];
            part.result(
                id,
                json!({
                    "supportedVersions": versions,
                    "capabilities": capabilities(),
                    "ttlMs": 0,
                    "cacheScope": "private",
                    "_meta": meta,
                }),
            )
        }
        Some("initialize") if !is_current => {
            let mut response = part.result(
                id,
                json!({
                    "protocolVersion": "2025-11-25",
                    "capabilities": capabilities(),
                    "serverInfo": { "name": "stage", "version": "1" },
                }),
            );
            response.headers_mut().insert("mcp-session-id", "s-1".parse().unwrap());
            response
        }
        Some("subscriptions/listen") if is_current => {
            part.listen(id.clone(), Some(parameters["notifications"].clone()))
        }
        Some("resources/subscribe" | "resources/unsubscribe") if !is_current => part.result(id, json!({})),
        Some("tools/call") => part.call(id.clone(), parameters.clone()),
        Some(method) if method.starts_with("notifications/") => status(StatusCode::ACCEPTED),
        Some(method) => match offered(method, parameters) {
            Ok(result) => part.result(id, result),
            Err(error) => json_response(&json!({ "jsonrpc": "2.0", "id": id, "error": error })),
        },
        // An answer to a question.
        None => status(StatusCode::ACCEPTED),
    }
}

fn capabilities() -> Json {
    json!({
        "tools": { "listChanged": true },
        "prompts": {},
        "resources": { "subscribe": true },
        "completions": {},
        "extensions": { "io.modelcontextprotocol/tasks": {} },
    })
}

/// What is answered the same way each time.
fn offered(method: &str, parameters: &Json) -> Result<Json, Json> {
    let task = json!({
        "taskId": "t-1",
        "createdAt": "2026-07-28T00:00:00Z",
        "lastUpdatedAt": "2026-07-28T00:00:01Z",
        "ttlMs": 60_000,
        "status": "completed",
        "result": { "resultType": "complete", "content": [{ "type": "text", "text": "done" }] },
    });
    Ok(match method {
        "tools/list" => json!({ "tools": [{ "name": "report", "inputSchema": { "type": "object" } }] }),
        "prompts/list" => json!({ "prompts": [{ "name": "greet" }] }),
        "resources/list" => json!({ "resources": [{ "uri": "file:///a", "name": "a", "_meta": { "x": 1 } }] }),
        "resources/templates/list" => {
            json!({ "resourceTemplates": [{ "uriTemplate": "file:///{name}", "name": "any" }] })
        }
        "prompts/get" => {
            let text = format!("Hello {}", parameters["arguments"]["who"].as_str().unwrap());
            json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": text } }] })
        }
        "resources/read" if parameters["uri"] == "file:///a" => {
            json!({ "contents": [{ "uri": "file:///a", "text": "A" }], "ttlMs": 5, "cacheScope": "private" })
        }
        "resources/read" => {
            let data = json!({ "uri": parameters["uri"] });
            return Err(json!({ "code": -32002, "message": "no such resource", "data": data }));
        }
        "completion/complete" => json!({ "completion": { "values": ["Ada"] } }),
        "tasks/get" => task,
        "tasks/update" | "tasks/cancel" => json!({}),
        _ => return Err(json!({ "code": -32601, "message": "no such method" })),
    })
}

impl Part {
    /// A result as one JSON document.
    fn result(&self, id: &Json, result: Json) -> Response {
        json_response(&self.answer(id, result))
    }

    fn answer(&self, id: &Json, mut result: Json) -> Json {
        if self.era == Era::Current && result.get("resultType").is_none() {
            result["resultType"] = json!("complete");
        }
        json!({ "jsonrpc": "2.0", "id": id, "result": result })
    }

    fn listen(&self, id: Json, filter: Option<Json>) -> Response {
        let (stream, messages) = mpsc::channel(16);
        if let Some(filter) = &filter {
            let meta = json!({ SUBSCRIPTION_META: id });
            let acknowledged = json!({
                "jsonrpc": "2.0",
                "method": "notifications/subscriptions/acknowledged",
                "params": { "notifications": filter, "_meta": meta },
            });
            stream.try_send(acknowledged).unwrap();
        }
        self.listeners.lock().unwrap().push(Listener { id, filter, stream });
        events(messages)
    }

    /// A call of one of the server's tools.
    fn call(self: &Arc<Self>, id: Json, parameters: Json) -> Response {
        let text = |text: &str| json!({ "content": [{ "type": "text", "text": text }] });
        match parameters["name"].as_str().unwrap() {
            "again" => match parameters.get("requestState") {
                None => {
                    let form = json!({ "message": "Who is it?", "requestedSchema": schema() });
                    let requests = json!({ "who": { "method": "elicitation/create", "params": form } });
                    let state = "state \"1\"";
                    self.result(
                        &id,
                        json!({ "resultType": "input_required", "inputRequests": requests, "requestState": state }),
                    )
                }
                Some(state) => {
                    let content = json!({ "responses": parameters["inputResponses"], "state": state });
                    self.result(&id, json!({ "content": [], "structuredContent": content }))
                }
            },
            "job" => self.result(
                &id,
                json!({
                    "resultType": "task",
                    "taskId": "t-1",
                    "status": "working",
                    "createdAt": "2026-07-28T00:00:00Z",
                    "lastUpdatedAt": "2026-07-28T00:00:00Z",
                    "ttlMs": null,
                }),
            ),
            name => {
                let (stream, messages) = mpsc::channel(16);
                let (part, name) = (Arc::clone(self), name.to_owned());
                let token = parameters["_meta"]["progressToken"].clone();
                let done = part.answer(&id, text("done"));
                tokio::spawn(async move {
                    match name.as_str() {
                        "report" => report(&stream, token, done).await,
                        "ask" => part.ask(&stream, &id).await,
                        _ => {
                            stream.closed().await;
                            part.seen.lock().unwrap().push(json!({ "method": "hung up" }));
                        }
                    }
                });
                events(messages)
            }
        }
    }

    /// Asks the client something, and answers with what it said.
    async fn ask(&self, stream: &mpsc::Sender<Json>, id: &Json) {
        let form = json!({ "message": "Who is it?", "requestedSchema": schema() });
        let question =
            json!({ "jsonrpc": "2.0", "id": format!("q-{id}"), "method": "elicitation/create", "params": form });
        let _ = stream.send(question.clone()).await;
        let answer = loop {
            let news = self.news.notified();
            let found = {
                let seen = self.seen.lock().unwrap();
                seen.iter().find(|message| message["id"] == question["id"] && message.get("method").is_none()).cloned()
            };
            match found {
                Some(found) => break found["result"].clone(),
                None => news.await,
            }
        };
        let content = json!({ "answer": answer });
        let _ = stream.send(self.answer(id, json!({ "content": [], "structuredContent": content }))).await;
    }
}

async fn report(stream: &mpsc::Sender<Json>, token: Json, done: Json) {
    let log = |data: &str| {
        let params = json!({ "level": "info", "data": data });
        json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": params })
    };
    let params = json!({ "progressToken": token, "progress": 0.5, "total": 1.0, "message": "half" });
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
    for message in [log("begun"), progress, log("done"), done] {
        let _ = stream.send(message).await;
    }
}

fn schema() -> Json {
    json!({ "type": "object", "properties": { "name": { "type": "string", "default": "Bob" } } })
}

fn status(status: StatusCode) -> Response {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

fn json_response(message: &Json) -> Response {
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    response.body(Body::from(message.to_string())).unwrap()
}

fn events(messages: mpsc::Receiver<Json>) -> Response {
    let events = stream::unfold(messages, |mut messages| async move {
        let message = messages.recv().await?;
        Some((Ok::<String, Infallible>(format!("data: {message}\n\n")), messages))
    });
    let response = Response::builder().header(header::CONTENT_TYPE, "text/event-stream");
    response.body(Body::from_stream(events)).unwrap()
}
