//! The call that is measured: how it is written for one target and one connection, and when its answer is right.
//!
//! The tool echoes three arguments. One of them is a number that no other call of the whole measurement has, so that
//! nothing in between can answer from a cache or join two calls.

use std::net::SocketAddr;

use serde_json::{Value as Json, json};

use super::http::{Answer, request};

/// The account that the calls are about; the mission's own, where a mission stands in between.
pub(super) const ACCOUNT: &str = "acct-4711";
/// The tool, as its server calls it.
pub(super) const TOOL: &str = "echo";
const NOTE: &str = "a small note, as a tool's argument has one";
/// How much of a wrong answer is shown.
const SHOWN_CHARS_MAX: usize = 300;

/// A revision of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// 2026-07-28: every request stands by itself.
    Stateless,
    /// 2025-11-25: with a handshake first.
    Sessions,
}

impl Revision {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stateless => "2026-07-28",
            Self::Sessions => "2025-11-25",
        }
    }
}

/// How the calls on one connection are written.
#[derive(Debug)]
pub struct Lane {
    /// The head up to the length of the body.
    head: String,
    tool: String,
    /// What follows the arguments.
    meta: String,
}

impl Lane {
    /// Calls of a tool, with these headers beside those of the protocol.
    pub(super) fn new(
        address: SocketAddr,
        path: &str,
        revision: Revision,
        tool: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\naccept: application/json, text/event-stream\r\n\
             content-type: application/json\r\nmcp-protocol-version: {}\r\n",
            revision.name()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let meta = match revision {
            Revision::Stateless => {
                head.push_str(&format!("mcp-method: tools/call\r\nmcp-name: {tool}\r\n"));
                format!(",\"_meta\":{}", stateless_meta())
            }
            Revision::Sessions => String::new(),
        };
        Self { head, tool: tool.to_owned(), meta }
    }

    /// The call with this number, as bytes.
    pub(super) fn request(&self, number: u64) -> Vec<u8> {
        let Self { head, tool, meta } = self;
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\
             \"arguments\":{{\"account\":\"{ACCOUNT}\",\"n\":{number},\"note\":\"{NOTE}\"}}{meta}}}}}"
        );
        format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

/// A message of a session, outside of what is measured.
pub(super) fn session_message(address: SocketAddr, path: &str, headers: &[(&str, &str)], message: &Json) -> Vec<u8> {
    let mut all = vec![("accept", "application/json, text/event-stream")];
    if message.get("method").and_then(Json::as_str) != Some("initialize") {
        all.push(("mcp-protocol-version", Revision::Sessions.name()));
    }
    all.extend_from_slice(headers);
    request("POST", address, path, &all, &message.to_string())
}

/// The first message of a session.
pub(super) fn introduction() -> Json {
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": Revision::Sessions.name(),
        "capabilities": {},
        "clientInfo": { "name": "writ-bench", "version": env!("CARGO_PKG_VERSION") },
    } })
}

fn stateless_meta() -> Json {
    json!({
        "io.modelcontextprotocol/protocolVersion": Revision::Stateless.name(),
        "io.modelcontextprotocol/clientInfo": { "name": "writ-bench", "version": env!("CARGO_PKG_VERSION") },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// Whether an answer is the echo of the call with this number.
///
/// # Errors
/// What it is instead, in short.
pub(super) fn check(answer: &Answer, number: u64) -> Result<(), String> {
    let message = message(answer)?;
    let result = message.get("result").filter(|result| result.get("isError") != Some(&Json::Bool(true)));
    let right = answer.status == 200
        && message.get("id").and_then(Json::as_u64) == Some(number)
        && result.is_some_and(|result| is_echo(result, number));
    if right { Ok(()) } else { Err(shown(answer)) }
}

/// The JSON-RPC message of an answer, which may come as a stream of events.
///
/// # Errors
/// What the answer is instead, in short.
pub(super) fn message(answer: &Answer) -> Result<Json, String> {
    if !answer.is_event_stream {
        return serde_json::from_slice(&answer.body).map_err(|_| shown(answer));
    }
    let text = String::from_utf8_lossy(&answer.body);
    let messages = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut answers = messages.filter_map(|data| serde_json::from_str::<Json>(data).ok());
    answers.find(|message| message.get("id").is_some()).ok_or_else(|| shown(answer))
}

/// Some gateways pass the structured content on, some its text alone, and some put what came into an object.
fn is_echo(result: &Json, number: u64) -> bool {
    let holds = |value: &Json| echoes(value, number) || value.get("result").is_some_and(|inner| echoes(inner, number));
    if result.get("structuredContent").is_some_and(holds) {
        return true;
    }
    let text = result.pointer("/content/0/text").and_then(Json::as_str);
    text.and_then(|text| serde_json::from_str::<Json>(text).ok()).is_some_and(|value| holds(&value))
}

fn echoes(value: &Json, number: u64) -> bool {
    let text = |name: &str| value.get(name).and_then(Json::as_str);
    value.get("n").and_then(Json::as_u64) == Some(number)
        && text("account") == Some(ACCOUNT)
        && text("note") == Some(NOTE)
}

fn shown(answer: &Answer) -> String {
    let body: String = String::from_utf8_lossy(&answer.body).chars().take(SHOWN_CHARS_MAX).collect();
    format!("status {}: {body}", answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str, is_event_stream: bool) -> Answer {
        Answer { status: 200, session: None, is_event_stream, body: body.as_bytes().to_vec() }
    }

    fn echo(number: u64) -> Json {
        json!({ "account": ACCOUNT, "n": number, "note": NOTE })
    }

    #[test]
    fn an_echo_is_right_in_every_form_and_only_for_its_own_call() {
        let results = [
            json!({ "structuredContent": echo(7), "content": [] }),
            json!({ "structuredContent": { "result": echo(7) } }),
            json!({ "content": [{ "type": "text", "text": echo(7).to_string() }], "isError": false }),
        ];
        for result in results {
            let body = json!({ "jsonrpc": "2.0", "id": 7, "result": result }).to_string();
            assert_eq!(check(&answer(&body, false), 7), Ok(()));
            assert_eq!(check(&answer(&format!("event: message\ndata: {body}\n\n"), true), 7), Ok(()));
            assert!(check(&answer(&body, false), 8).is_err());
        }
    }

    #[test]
    fn what_is_no_echo_is_wrong() {
        let wrong = [
            json!({ "jsonrpc": "2.0", "id": 7, "error": { "code": -32000, "message": "no" } }),
            json!({ "jsonrpc": "2.0", "id": 7, "result": { "structuredContent": echo(6) } }),
            json!({ "jsonrpc": "2.0", "id": 7, "result": { "structuredContent": echo(7), "isError": true } }),
        ];
        for message in wrong {
            assert!(check(&answer(&message.to_string(), false), 7).is_err(), "{message}");
        }
        assert!(check(&answer("busy", false), 7).is_err());
    }

    #[test]
    fn a_call_is_one_whole_request() {
        let address = "127.0.0.1:80".parse().unwrap();
        let lane = Lane::new(address, "/mcp", Revision::Stateless, "bench_echo", &[("authorization", "Bearer x")]);
        let text = String::from_utf8(lane.request(5)).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert!(head.contains("mcp-name: bench_echo") && head.contains("authorization: Bearer x"), "{head}");
        let body: Json = serde_json::from_str(body).unwrap();
        assert!(echoes(&body["params"]["arguments"], 5), "{body}");
        assert!(body["params"]["_meta"].is_object(), "{body}");
    }
}
