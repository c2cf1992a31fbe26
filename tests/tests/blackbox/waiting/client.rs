//! Clients that say what they can take: of revision 2026-07-28 with each request, of older ones when a session opens.

use serde_json::{Value as Json, json};
use writ_tests::worker::REVISION;
use writ_tests::{Worker, wait};

/// The extension by which a client follows tasks.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// A client of revision 2026-07-28.
pub(super) struct Client {
    worker: Worker,
    capabilities: Json,
}

impl Client {
    /// One that declares nothing.
    pub(super) fn plain(worker: &Worker) -> Self {
        Self { worker: worker.clone(), capabilities: json!({}) }
    }

    /// One that follows tasks.
    pub(super) fn with_tasks(worker: &Worker) -> Self {
        Self { worker: worker.clone(), capabilities: json!({ "extensions": { TASKS: {} } }) }
    }

    /// One that can show its user a page.
    pub(super) fn with_pages(worker: &Worker) -> Self {
        Self { worker: worker.clone(), capabilities: json!({ "elicitation": { "url": {} } }) }
    }

    /// The same client at another address.
    pub(super) fn at(&self, address: &str) -> Self {
        Self { worker: self.worker.at(address), capabilities: self.capabilities.clone() }
    }

    /// Sends a request and gives the whole answer. What the parameters have in `_meta` is sent along.
    pub(super) async fn ask(&self, method: &str, mut params: Json) -> Json {
        let name = params["name"].as_str().or_else(|| params["taskId"].as_str()).map(str::to_owned);
        let meta = &mut params["_meta"];
        meta["io.modelcontextprotocol/protocolVersion"] = json!(REVISION);
        meta["io.modelcontextprotocol/clientInfo"] = json!({ "name": "waiting", "version": "1" });
        meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = self.worker.post(&message.to_string()).header("mcp-protocol-version", REVISION);
        let mut request = request.header("mcp-method", method);
        if let Some(name) = name {
            request = request.header("mcp-name", name);
        }
        answer(request.send().await.expect("an answer")).await
    }

    /// The result of a request.
    pub(super) async fn result(&self, method: &str, params: Json) -> Json {
        result_in(self.ask(method, params).await)
    }

    /// The error that a request is answered with.
    pub(super) async fn error(&self, method: &str, params: Json) -> Json {
        error_in(self.ask(method, params).await)
    }

    /// Calls a tool.
    pub(super) async fn call(&self, tool: &str, arguments: Json) -> Json {
        self.result("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Calls a tool whose call becomes a task, and gives the task's id.
    pub(super) async fn begin(&self, tool: &str, arguments: Json) -> String {
        let created = self.call(tool, arguments).await;
        assert_eq!((&created["resultType"], &created["status"]), (&json!("task"), &json!("working")), "{created}");
        created["taskId"].as_str().expect("a task").to_owned()
    }

    /// How a task stands.
    pub(super) async fn task(&self, task: &str) -> Json {
        self.result("tasks/get", json!({ "taskId": task })).await
    }

    /// How a task has ended, once it has.
    pub(super) async fn ended(&self, task: &str) -> Json {
        wait::until(&format!("{task} has ended"), async || {
            let found = self.task(task).await;
            (found["status"] != "working").then_some(found)
        })
        .await
    }
}

/// A client of an older revision, in its session.
pub(super) struct Session {
    worker: Worker,
    revision: &'static str,
    id: String,
    /// What the server said of itself.
    pub(super) introduced: Json,
}

impl Session {
    /// Opens a session.
    pub(super) async fn open(worker: &Worker, revision: &'static str) -> Self {
        let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": revision,
            "capabilities": {},
            "clientInfo": { "name": "waiting", "version": "1" },
        } });
        let response = worker.post(&initialize.to_string()).send().await.expect("an answer");
        let id = response.headers()["mcp-session-id"].to_str().expect("a plain id").to_owned();
        let introduced = result_in(answer(response).await);
        assert_eq!(introduced["protocolVersion"], revision, "{introduced}");
        let session = Self { worker: worker.clone(), revision, id, introduced };
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let response = session.addressed(worker.post(&initialized.to_string())).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 202);
        session
    }

    /// The session's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The same client as if its session had another id.
    pub(super) fn with_id(&self, id: &str) -> Self {
        Self { worker: self.worker.clone(), id: id.to_owned(), introduced: Json::Null, ..*self }
    }

    /// The same session in the hands of another worker.
    pub(super) fn taken_by(&self, worker: &Worker) -> Self {
        Self { worker: worker.clone(), id: self.id.clone(), introduced: Json::Null, ..*self }
    }

    /// Sends a request and gives the status with the whole answer.
    pub(super) async fn ask(&self, method: &str, params: Json) -> (u16, Json) {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let response = self.addressed(self.worker.post(&message.to_string())).send().await.expect("an answer");
        (response.status().as_u16(), answer(response).await)
    }

    /// The result of a request.
    pub(super) async fn result(&self, method: &str, params: Json) -> Json {
        result_in(self.ask(method, params).await.1)
    }

    /// The error that a request is answered with.
    pub(super) async fn error(&self, method: &str, params: Json) -> Json {
        error_in(self.ask(method, params).await.1)
    }

    /// Calls a tool.
    pub(super) async fn call(&self, tool: &str, arguments: Json) -> Json {
        self.result("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Calls a tool as a task of revision 2025-11-25, and gives the task's id.
    pub(super) async fn begin(&self, tool: &str, arguments: Json) -> String {
        let params = json!({ "name": tool, "arguments": arguments, "task": { "ttl": 60_000 } });
        let created = self.result("tools/call", params).await;
        assert_eq!((&created["task"]["status"], created.get("resultType")), (&json!("working"), None), "{created}");
        created["task"]["taskId"].as_str().expect("a task").to_owned()
    }

    /// How a task stands.
    pub(super) async fn task(&self, task: &str) -> Json {
        self.result("tasks/get", json!({ "taskId": task })).await
    }

    /// Ends the session, and gives the status of the answer.
    pub(super) async fn end(&self) -> u16 {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let request = http.delete(format!("{}/mcp", self.worker.address())).bearer_auth(self.worker.token());
        self.addressed(request).send().await.expect("an answer").status().as_u16()
    }

    fn addressed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.header("mcp-session-id", self.id.as_str()).header("mcp-protocol-version", self.revision)
    }
}

/// The one message of an answer: within a session it is the last of a stream.
async fn answer(response: reqwest::Response) -> Json {
    let text = response.text().await.expect("a whole answer");
    let last = text.lines().rev().find_map(|line| line.strip_prefix("data:")).unwrap_or(&text);
    serde_json::from_str(last.trim()).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn result_in(answer: Json) -> Json {
    assert!(answer["result"].is_object() && answer.get("error").is_none(), "no result: {answer}");
    answer["result"].clone()
}

fn error_in(answer: Json) -> Json {
    assert!(answer["error"].is_object() && answer.get("result").is_none(), "no error: {answer}");
    answer["error"].clone()
}
