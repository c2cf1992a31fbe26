//! A worker in one run: MCP over HTTP, in the revision that has no sessions.
//!
//! Every request carries the revision and names its method and tool in headers as well, so that one POST is one call.

use serde_json::{Value as Json, json};

/// The revision that is spoken.
pub const REVISION: &str = "2026-07-28";

/// A worker with its run's token.
#[derive(Debug, Clone)]
pub struct Worker {
    http: reqwest::Client,
    address: String,
    run: String,
    token: String,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The structured content.
    pub content: Json,
    /// Whether the call failed or was refused.
    pub is_error: bool,
}

impl Worker {
    /// The worker of a run that has started, as the API told it.
    #[must_use]
    pub fn of(started: &Json, address: &str) -> Self {
        let text = |name: &str| started[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {started}")).to_owned();
        Self { http: crate::http(), address: address.to_owned(), run: text("run"), token: text("token") }
    }

    /// The same worker at another address.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// The same worker with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The run's id.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Where its server listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The run's token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A request of the current revision, not yet sent. `name` is the tool, where one is called.
    pub fn request(&self, method: &str, name: Option<&str>, mut params: Json) -> reqwest::RequestBuilder {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientInfo": { "name": "black-box", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = self.post(&message.to_string()).header("mcp-protocol-version", REVISION);
        let request = request.header("mcp-method", method);
        match name {
            Some(name) => request.header("mcp-name", name),
            None => request,
        }
    }

    /// A request with this body, whatever it is, and with the headers that every client sends.
    pub fn post(&self, body: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}/mcp", self.address)).bearer_auth(&self.token);
        let request = request.header("accept", "application/json, text/event-stream");
        request.header("content-type", "application/json").body(body.to_owned())
    }

    /// Sends a request and gives the whole answer of the protocol.
    pub async fn ask(&self, method: &str, params: Json) -> Json {
        let response = self.request(method, None, params).send().await.expect("an answer");
        let text = response.text().await.expect("a whole answer");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method}: `{text}`: {error}"))
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Json) -> Answer {
        self.try_call(tool, arguments).await.unwrap_or_else(|why| panic!("{tool}: {why}"))
    }

    /// Calls a tool of a server that may be gone.
    ///
    /// # Errors
    /// Where no whole answer came, or one that holds no content. The call may have arrived.
    pub async fn try_call(&self, tool: &str, arguments: Json) -> Result<Answer, String> {
        let params = json!({ "name": tool, "arguments": arguments });
        let response = self.request("tools/call", Some(tool), params).send().await;
        let text =
            response.map_err(|error| format!("{error:?}"))?.text().await.map_err(|error| format!("{error:?}"))?;
        let answer: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{tool}: `{text}`: {error}"));
        let result = &answer["result"];
        let Some(shown) = result["content"][0]["text"].as_str() else { return Err(format!("no content: {text}")) };
        let shown = serde_json::from_str::<Json>(shown).unwrap_or_else(|_| Json::String(shown.to_owned()));
        let content = match &result["structuredContent"] {
            // An integration's own answer, as it gave it.
            Json::Null => json!({ "result": shown }),
            // Clients that only show text get the same.
            structured => {
                assert_eq!(structured, &shown);
                structured.clone()
            }
        };
        Ok(Answer { content, is_error: result["isError"].as_bool().unwrap_or(false) })
    }

    /// Reads by SQL.
    pub async fn query(&self, sql: &str) -> Answer {
        self.call("knowledge_query", json!({ "sql": sql })).await
    }

    /// The rows that a query gives.
    pub async fn rows(&self, sql: &str) -> Json {
        self.query(sql).await.ok()["rows"].clone()
    }

    /// Proposes an effect, and gives the decision that waits.
    pub async fn propose(&self, tool: &str, arguments: Json) -> String {
        let answer = self.call(tool, arguments).await.ok();
        assert_eq!(answer["pending"]["status"], "pending", "{answer}");
        answer["pending"]["decision"].as_str().expect("a decision").to_owned()
    }

    /// Waits until a decision is final, and gives it.
    pub async fn wait(&self, decision: &str) -> Json {
        let waited = self.call("decision_wait", json!({ "decision": decision, "seconds": 25 })).await.ok();
        waited["decision"].clone()
    }
}

impl Answer {
    /// The content of an answer that is none of a refusal.
    pub fn ok(self) -> Json {
        assert!(!self.is_error && self.content.get("refused").is_none(), "refused: {}", self.content);
        self.content
    }

    /// The message of a refusal with this code.
    pub fn refused(self, code: &str) -> String {
        assert!(self.is_error, "not refused: {}", self.content);
        assert_eq!(self.content["refused"]["code"], code, "{}", self.content);
        self.content["refused"]["message"].as_str().expect("a message").to_owned()
    }
}
