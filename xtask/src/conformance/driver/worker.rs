//! The worker: a client of Writ that speaks either protocol era and answers what it is asked.
//!
//! In a session (2025-11-25) questions come as requests while a call is under way; from 2026-07-28 on they come as the
//! call's result, and the call is made again with the answers.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Response};
use serde_json::{Map, Value, json};

use super::{answers, parameter_headers};

const ANSWER_SECONDS_MAX: u64 = 60;
/// How much of one answer is read.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How often a call may ask something.
const ROUNDS_MAX: usize = 8;
const SESSION_HEADER: &str = "mcp-session-id";
const STATELESS: &str = "2026-07-28";

/// A worker in one run.
#[derive(Debug)]
pub(super) struct Worker {
    http: Client,
    endpoint: String,
    token: String,
    revision: String,
    session: Option<String>,
    schemas: HashMap<String, Value>,
    next_id: u64,
}

impl Worker {
    /// Introduces the worker, in the way that the revision has.
    pub(super) async fn open(address: &str, token: &str, revision: &str) -> Result<Self, String> {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(ANSWER_SECONDS_MAX)).build();
        let mut worker = Self {
            http: http.map_err(|error| format!("no HTTP client can be made: {error}"))?,
            endpoint: format!("{}/mcp", address.trim_end_matches('/')),
            token: token.to_owned(),
            revision: revision.to_owned(),
            session: None,
            schemas: HashMap::new(),
            next_id: 0,
        };
        if worker.is_stateless() {
            worker.ask("server/discover", json!({})).await?;
        } else {
            let params = json!({
                "protocolVersion": revision,
                "capabilities": capabilities(),
                "clientInfo": client_info()
            });
            worker.ask("initialize", params).await?;
            let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
            worker.post(&initialized, &[]).await?;
        }
        Ok(worker)
    }

    /// Looks at the tools, and keeps their schemas.
    pub(super) async fn list_tools(&mut self) -> Result<(), String> {
        let listed = self.ask("tools/list", json!({})).await?;
        for tool in listed.get("tools").and_then(Value::as_array).into_iter().flatten() {
            if let (Some(name), Some(schema)) = (tool.get("name").and_then(Value::as_str), tool.get("inputSchema")) {
                self.schemas.insert(name.to_owned(), schema.clone());
            }
        }
        Ok(())
    }

    /// Calls a tool, and answers what it asks; another one is called before the first answer, where one is named.
    pub(super) async fn call_tool(
        &mut self,
        tool: &str,
        arguments: &Value,
        mut between: Option<&str>,
    ) -> Result<(), String> {
        let params = json!({ "name": tool, "arguments": arguments });
        let mut result = self.ask("tools/call", params.clone()).await?;
        for _ in 0..ROUNDS_MAX {
            if result.get("resultType").and_then(Value::as_str) != Some("input_required") {
                return if result.get("isError") == Some(&Value::Bool(true)) {
                    Err(format!("`{tool}` fails: {result}"))
                } else {
                    Ok(())
                };
            }
            if let Some(other) = between.take() {
                self.ask("tools/call", json!({ "name": other, "arguments": {} })).await?;
            }
            result = self.ask("tools/call", answered(&params, &result)?).await?;
        }
        Err(format!("`{tool}` asks more than {ROUNDS_MAX} times"))
    }

    /// Makes one request, and gives its result.
    pub(super) async fn ask(&mut self, method: &str, mut params: Value) -> Result<Value, String> {
        self.next_id += 1;
        let id = self.next_id;
        let mut headers = Vec::new();
        if self.is_stateless() {
            headers.push(("Mcp-Method".to_owned(), method.to_owned()));
            let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str).map(str::to_owned);
            if let (Some(name), Some(arguments)) = (&name, params.get("arguments"))
                && let Some(schema) = self.schemas.get(name).filter(|_| method == "tools/call")
            {
                headers.extend(parameter_headers::of(schema, arguments));
            }
            headers.extend(name.map(|name| ("Mcp-Name".to_owned(), name)));
            if let Some(params) = params.as_object_mut() {
                params.insert("_meta".to_owned(), self.meta());
            }
        }
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let response = self.post(&request, &headers).await?;
        if let Some(session) = response.headers().get(SESSION_HEADER).and_then(|session| session.to_str().ok()) {
            self.session = Some(session.to_owned());
        }
        let reply = self.reply(response, id).await.map_err(|why| format!("{method}: {why}"))?;
        match (reply.get("result"), reply.get("error")) {
            (Some(result), _) => Ok(result.clone()),
            (None, error) => Err(format!("{method}: {}", error.unwrap_or(&Value::Null))),
        }
    }

    /// Reads until the reply to a request, and answers what is asked before it comes.
    async fn reply(&self, mut response: Response, id: u64) -> Result<Value, String> {
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_stream = kind.starts_with("text/event-stream");
        let mut read = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| error.to_string())? {
            read.extend_from_slice(&part);
            if read.len() > ANSWER_BYTES_MAX {
                return Err(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes"));
            }
            while let Some(event) = is_stream.then(|| first_event(&mut read)).flatten() {
                let Ok(message) = serde_json::from_str::<Value>(&event) else { continue };
                if message.get("method").is_none() && message.get("id").and_then(Value::as_u64) == Some(id) {
                    return Ok(message);
                }
                self.answer(&message).await?;
            }
        }
        serde_json::from_slice(&read).map_err(|_| format!("{status}: {}", String::from_utf8_lossy(&read)))
    }

    /// Answers a request of the server's. Notifications say nothing to this worker.
    async fn answer(&self, message: &Value) -> Result<(), String> {
        let (Some(id), Some(method)) = (message.get("id"), message.get("method").and_then(Value::as_str)) else {
            return Ok(());
        };
        let params = message.get("params").unwrap_or(&Value::Null);
        let answer = match answers::answer(method, params) {
            Some(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            None => json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": method } }),
        };
        self.post(&answer, &[]).await.map(drop)
    }

    async fn post(&self, message: &Value, headers: &[(String, String)]) -> Result<Response, String> {
        let mut request = self.http.post(&self.endpoint).json(message);
        request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        request = request.header(ACCEPT, "application/json, text/event-stream");
        if self.is_stateless() || self.session.is_some() {
            request = request.header("MCP-Protocol-Version", &self.revision);
        }
        if let Some(session) = &self.session {
            request = request.header(SESSION_HEADER, session);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await.map_err(|error| error.to_string())
    }

    fn is_stateless(&self) -> bool {
        self.revision.as_str() >= STATELESS
    }

    fn meta(&self) -> Value {
        json!({
            "io.modelcontextprotocol/protocolVersion": self.revision,
            "io.modelcontextprotocol/clientInfo": client_info(),
            "io.modelcontextprotocol/clientCapabilities": capabilities()
        })
    }
}

fn client_info() -> Value {
    json!({ "name": "conformance-worker", "version": env!("CARGO_PKG_VERSION") })
}

fn capabilities() -> Value {
    json!({ "elicitation": {}, "sampling": {}, "roots": {} })
}

/// A call made again, with the answers to what its result asks.
fn answered(params: &Value, result: &Value) -> Result<Value, String> {
    let mut responses = Map::new();
    for (key, question) in result.get("inputRequests").and_then(Value::as_object).into_iter().flatten() {
        let method = question.get("method").and_then(Value::as_str).unwrap_or_default();
        let answer = answers::answer(method, question.get("params").unwrap_or(&Value::Null));
        responses.insert(key.clone(), answer.ok_or_else(|| format!("`{method}` cannot be answered"))?);
    }
    let mut again = params.as_object().cloned().unwrap_or_default();
    again.insert("inputResponses".to_owned(), Value::Object(responses));
    if let Some(state) = result.get("requestState") {
        again.insert("requestState".to_owned(), state.clone());
    }
    Ok(Value::Object(again))
}

/// Takes the first whole event off a stream, and gives its data.
fn first_event(read: &mut Vec<u8>) -> Option<String> {
    let ends = |end: &[u8]| read.windows(end.len()).position(|window| window == end).map(|at| at + end.len());
    let end = [ends(b"\n\n"), ends(b"\r\n\r\n")].into_iter().flatten().min()?;
    let event: Vec<u8> = read.drain(..end).collect();
    let text = String::from_utf8_lossy(&event).into_owned();
    let data =
        text.lines().filter_map(|line| line.strip_prefix("data:")).map(|data| data.strip_prefix(' ').unwrap_or(data));
    Some(data.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_off_one_after_another() {
        let mut read = b"id: 1\ndata: {\"a\":\ndata: 1}\n\n: ping\r\n\r\ndata: later".to_vec();
        assert_eq!(first_event(&mut read).unwrap(), "{\"a\":\n1}");
        assert_eq!(first_event(&mut read).unwrap(), "");
        assert_eq!(first_event(&mut read), None);
        assert_eq!(read, b"data: later");
    }

    #[test]
    fn a_call_is_made_again_with_the_state_that_it_got_and_no_other() {
        let params = json!({ "name": "some", "arguments": {} });
        let question = json!({ "method": "roots/list" });
        let with_state = json!({ "inputRequests": { "q": question }, "requestState": "sealed" });
        let again = answered(&params, &with_state).unwrap();
        let expected = json!({
            "name": "some", "arguments": {}, "inputResponses": { "q": { "roots": [] } }, "requestState": "sealed"
        });
        assert_eq!(again, expected);
        let without = answered(&params, &json!({ "inputRequests": {} })).unwrap();
        assert!(without.get("requestState").is_none());
    }
}
