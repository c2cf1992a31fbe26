//! The MCP servers. Whatever they answer repeats all headers of the request, the credential among them: as a result,
//! as errors of every kind, as a challenge. A call says by its argument `mode` which it is to be.

use axum::Json as Body;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use serde_json::{Map, Value as Json, json};

use super::Shared;
use crate::canaries::stage::MARKER;

/// The ways to answer a call. What counts as no answer stands between ones that do, so that no connection is given up.
pub(in crate::canaries) const MODES: [&str; 13] = [
    "result",
    "failure",
    "fault",
    "error",
    "rejection",
    "stream",
    "slashes",
    "escaped",
    "redirect",
    "bare",
    "type",
    "wider",
    "revoked",
];

/// The integrations that want an access token.
const WITH_TOKENS: [&str; 4] = ["own", "configured", "exchange", "personal"];

/// The tools of every server.
pub(in crate::canaries) fn tools() -> Json {
    let schema = json!({
        "type": "object",
        "properties": { "mode": { "type": "string" }, "note": { "type": "string" } },
        "required": ["mode"],
    });
    json!([
        { "name": "look", "description": "Looks.", "inputSchema": schema },
        { "name": "tell", "description": "Tells somebody.", "inputSchema": schema },
    ])
}

/// A request, as far as it is repeated.
struct Repeated {
    id: Json,
    /// The credential, with its scheme.
    sent: String,
    /// All headers.
    headers: String,
    /// What a challenge says of where the authorization server is.
    place: String,
}

/// Answers one message.
pub(super) async fn answer(
    State(shared): State<Shared>,
    Path(integration): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let message: Json = serde_json::from_slice(&body).unwrap_or_default();
    let all: Map<String, Json> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let header = |name: &str| all.get(name).and_then(Json::as_str).unwrap_or_default();
    let sent = [header("authorization"), header("x-api-key")].concat();
    let token = sent.strip_prefix("Bearer ").unwrap_or(&sent).to_owned();
    let metadata = format!("{}/.well-known/oauth-protected-resource/{integration}/mcp", shared.base);
    let all = Json::Object(all).to_string();
    let mut told = shared.told();
    told.note(&integration, &[all.as_bytes(), b" ", &body[..]]);
    told.arrived.insert(token.clone());
    let repeated = Repeated {
        id: message["id"].clone(),
        sent,
        headers: format!("{all} {MARKER}"),
        place: format!("resource_metadata=\"{metadata}\""),
    };
    let known = told.tokens.contains(&token) && !told.revoked.contains(&token);
    if WITH_TOKENS.contains(&integration.as_str()) && !known {
        return repeated.challenge(StatusCode::UNAUTHORIZED, "error=\"invalid_token\"");
    }
    if repeated.id.is_null() {
        return StatusCode::ACCEPTED.into_response();
    }
    match message["method"].as_str().unwrap_or_default() {
        "server/discover" => repeated.result(&json!({
            "supportedVersions": ["2026-07-28"],
            "capabilities": { "tools": {} },
            "ttlMs": 0,
            "cacheScope": "private",
            "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "fake", "version": "1" } },
        })),
        "tools/list" if told.fails_to_list => repeated.error(),
        "tools/list" => repeated.result(&json!({ "tools": tools(), "ttlMs": 0, "cacheScope": "private" })),
        "tools/call" => {
            let mode = message["params"]["arguments"]["mode"].as_str().unwrap_or_default();
            let first = told.answered.insert((integration, mode.to_owned()));
            if mode == "revoked" && first {
                told.revoked.insert(token);
                return repeated.challenge(StatusCode::UNAUTHORIZED, "error=\"invalid_token\"");
            }
            repeated.called(mode)
        }
        _ => repeated.json(&json!({ "error": { "code": -32601, "message": "no such method" } })),
    }
}

impl Repeated {
    fn called(&self, mode: &str) -> Response {
        let text = json!([{ "type": "text", "text": self.headers }]);
        let result = json!({ "content": text, "isError": mode == "failure", "_meta": { "sent": self.sent } });
        let kind = |kind: &str| [("content-type", kind.to_owned())];
        match mode {
            "error" => self.error(),
            "fault" => (StatusCode::INTERNAL_SERVER_ERROR, Body(json!({ "said": self.headers }))).into_response(),
            "rejection" => (StatusCode::BAD_REQUEST, format!("no: {} {}", self.sent, self.headers)).into_response(),
            // As some libraries write JSON.
            "slashes" => {
                let said = json!({ "said": self.headers }).to_string().replace('/', "\\/");
                (StatusCode::BAD_REQUEST, kind("application/json"), said).into_response()
            }
            "redirect" => {
                let to = Url::parse_with_params("http://127.0.0.1:1/", [("sent", self.sent.as_str())]).unwrap();
                (StatusCode::FOUND, [("location", to.to_string())], self.headers.clone()).into_response()
            }
            "type" => (kind(&format!("text/plain; sent=\"{}\"", self.sent)), self.headers.clone()).into_response(),
            "bare" => (StatusCode::UNAUTHORIZED, format!("no: {}", self.headers)).into_response(),
            "wider" => self.challenge(StatusCode::FORBIDDEN, "error=\"insufficient_scope\", scope=\"listed wider\""),
            "stream" => {
                let note = json!({ "level": "error", "data": { "said": self.headers } });
                let note = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": note });
                let events = format!("data: {note}\n\ndata: {}\n\n", self.message(&result));
                (kind("text/event-stream"), events).into_response()
            }
            // JSON may be written so, and whoever reads it reads the same.
            "escaped" => {
                let written = self.message(&result).to_string().replace('/', "\\/").replace('+', "\\u002b");
                (kind("text/event-stream"), format!("data: {written}\n\n")).into_response()
            }
            _ => self.result(&result),
        }
    }

    fn message(&self, result: &Json) -> Json {
        let mut result = result.clone();
        result["resultType"] = json!("complete");
        json!({ "jsonrpc": "2.0", "id": self.id, "result": result })
    }

    fn result(&self, result: &Json) -> Response {
        Body(self.message(result)).into_response()
    }

    fn error(&self) -> Response {
        let message = format!("it failed: {}", self.headers);
        self.json(&json!({ "error": { "code": -32000, "message": message, "data": { "sent": self.sent } } }))
    }

    fn json(&self, outcome: &Json) -> Response {
        let mut message = json!({ "jsonrpc": "2.0", "id": self.id });
        message["error"] = outcome["error"].clone();
        Body(message).into_response()
    }

    fn challenge(&self, status: StatusCode, error: &str) -> Response {
        let challenge = format!("Bearer {error}, error_description=\"{}\", {}", self.sent, self.place);
        (status, [("www-authenticate", challenge)], format!("no: {}", self.headers)).into_response()
    }
}
