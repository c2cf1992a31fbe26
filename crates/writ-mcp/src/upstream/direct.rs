//! The short way of the one request that is made all day: a read tool's call to a server of revision 2026-07-28 over
//! HTTP.
//!
//! Such a call is one POST that stands by itself, so it needs none of the loops in which the protocol's library keeps
//! sessions, streams and tasks together. What is sent is what the library would send, under an id of this connection's
//! own; the credential, the limits and the meaning of each failure are the ones of the long way. A tool whose
//! arguments go into headers as well (SEP-2243), or whose name has to be encoded to stand in one, goes the long way,
//! and so does every effect.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{HeaderName, HeaderValue};
use rmcp::model::{ErrorData, JsonObject};
use serde_json::{Value as Json, json};
use sse_stream::SseStream;
use tokio::time::{Instant, timeout};
use writ_core::definition::Ask;
use writ_engine::upstream::{Caller, Notice, Sent};

use super::answer::refused;
use super::conversation::TELL_SECONDS_MAX;
use super::dial::MESSAGE_BYTES_MAX;
use super::http_client::noticed;
use super::outcome::{Asked, Kind, of_answer, of_http_failure};
use super::request::{Message, Shape, options};
use crate::credential::{AuthorizedClient, Redaction, Reply};
use crate::lanes::{Response, Way};
use crate::revision::{CLIENT_META, REVISION, REVISION_META};

/// The longest name of a tool that stands in a header as it is.
const NAME_BYTES_MAX: usize = 128;

/// The short way to one server.
pub(super) struct Direct {
    client: AuthorizedClient,
    way: Way,
    calls: AtomicU64,
}

impl Direct {
    /// The way to this address, where it is one.
    pub(super) fn new(client: AuthorizedClient, url: &str) -> Option<Self> {
        Some(Self { client, way: Way::new(url.parse().ok()?), calls: AtomicU64::new(0) })
    }

    /// Whether a tool's name can stand in a header as it is.
    pub(super) fn takes(name: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
        (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
    }

    /// Makes a call, once. A call that is dropped closes its connection, by which the server knows.
    pub(super) async fn call(
        &self,
        message: Message,
        asks: &BTreeSet<Ask>,
        caller: &dyn Caller,
        limit: Duration,
    ) -> Sent {
        let asked = Asked { shape: Shape::Tool, kind: Kind::Read, asks };
        let making = self.make(message, asked, caller);
        match timeout(limit, making).await {
            Ok(sent) => sent,
            Err(_) => Sent::Lost(format!("no answer came within {} s", limit.as_secs_f32())),
        }
    }

    async fn make(&self, message: Message, asked: Asked<'_>, caller: &dyn Caller) -> Sent {
        let Message { method, mut parameters, .. } = message;
        let id = format!("call-{}", self.calls.fetch_add(1, Ordering::Relaxed));
        let name = parameters.get("name").and_then(Json::as_str).unwrap_or_default();
        let (Ok(name), Ok(method_header)) = (HeaderValue::from_str(name), HeaderValue::from_str(method)) else {
            return Sent::NotSent("the tool's name cannot stand in a header".to_owned());
        };
        let headers = [
            (HeaderName::from_static("mcp-protocol-version"), HeaderValue::from_static(REVISION)),
            (HeaderName::from_static("mcp-method"), method_header),
            (HeaderName::from_static("mcp-name"), name),
        ];
        parameters.insert("_meta".to_owned(), Json::Object(metadata(&id, asked.asks, caller.takes_tasks())));
        let body = JsonObject::from_iter([
            ("jsonrpc".to_owned(), Json::from("2.0")),
            ("id".to_owned(), Json::from(id.as_str())),
            ("method".to_owned(), Json::from(method)),
            ("params".to_owned(), Json::Object(parameters)),
        ]);
        let Ok(body) = serde_json::to_vec(&body) else {
            return Sent::NotSent("the call cannot be written".to_owned());
        };
        let (reply, redaction) = match self.client.post(&self.way, &headers, Bytes::from(body), MESSAGE_BYTES_MAX).await
        {
            Ok(reply) => reply,
            Err(error) => return of_http_failure(&error, asked.shape, asked.kind),
        };
        match reply {
            Reply::Json(bytes) => match serde_json::from_slice(&bytes) {
                Ok(answer) => judged(answer, &id, redaction.as_ref(), asked),
                Err(_) => Sent::Lost("the answer was no JSON".to_owned()),
            },
            Reply::Events(response) => told(*response, &id, redaction.as_ref(), asked, caller).await,
        }
    }
}

/// What goes beside the parameters: who asks, by which revision, and what it takes.
fn metadata(id: &str, asks: &BTreeSet<Ask>, tasks: bool) -> JsonObject {
    let mut meta = options(None, asks, tasks, true);
    meta.insert(REVISION_META.to_owned(), Json::String(REVISION.to_owned()));
    meta.insert(CLIENT_META.to_owned(), json!({ "name": "writ", "version": env!("CARGO_PKG_VERSION") }));
    meta.insert("progressToken".to_owned(), Json::String(id.to_owned()));
    meta
}

/// What a message says that is to be the answer.
fn judged(answer: Json, id: &str, redaction: Option<&Redaction>, asked: Asked<'_>) -> Sent {
    let answer = match redaction {
        Some(redaction) => match redaction.json(answer) {
            Some(answer) => answer,
            None => return Sent::Lost("the answer repeats the connection's credential".to_owned()),
        },
        None => answer,
    };
    let Json::Object(mut answer) = answer else {
        return Sent::Lost("the answer was none to this request".to_owned());
    };
    let is_own = answer.get("id").and_then(Json::as_str) == Some(id);
    match (answer.remove("result"), answer.remove("error")) {
        (Some(Json::Object(result)), None) if is_own => of_answer(result, asked),
        // A server that could not read the request does not know its id.
        (None, Some(error)) if is_own || answer.get("id").is_none_or(Json::is_null) => {
            match serde_json::from_value::<ErrorData>(error) {
                Ok(error) => refused(asked.shape, &error.message, Some(&error)),
                Err(_) => Sent::Lost("the answer was none to this request".to_owned()),
            }
        }
        _ => Sent::Lost("the answer was none to this request".to_owned()),
    }
}

/// Reads a stream of events up to the answer, and tells the caller what comes before.
async fn told(
    response: Response,
    id: &str,
    redaction: Option<&Redaction>,
    asked: Asked<'_>,
    caller: &dyn Caller,
) -> Sent {
    let unread = AtomicUsize::new(0);
    let chunks = response.into_stream().map_err(std::io::Error::other).map(|chunk| {
        let chunk = chunk?;
        let so_far = unread.fetch_add(chunk.len(), Ordering::Relaxed).saturating_add(chunk.len());
        if so_far > MESSAGE_BYTES_MAX {
            return Err(std::io::Error::other("an event is too large"));
        }
        Ok(chunk)
    });
    let mut events = pin!(SseStream::from_bytes_stream(chunks));
    // A caller who does not listen holds the answer up for no longer than this, over the whole call.
    let mut patience = Duration::from_secs(TELL_SECONDS_MAX);
    while let Some(event) = events.next().await {
        let Ok(event) = event else {
            return Sent::Lost("the answer broke off or was too large".to_owned());
        };
        unread.store(0, Ordering::Relaxed);
        let Some(data) = event.data.filter(|data| !data.is_empty()) else { continue };
        let Ok(message) = serde_json::from_str::<Json>(&data) else {
            return Sent::Lost("the answer was no JSON".to_owned());
        };
        if message.get("method").is_none() {
            return judged(message, id, redaction, asked);
        }
        let cleaned = match redaction {
            Some(redaction) => redaction.json(message).map(|message| message.to_string()),
            None => Some(data),
        };
        if !patience.is_zero()
            && let Some(notice) = cleaned.as_deref().and_then(noticed)
        {
            patience = tell(caller, notice, patience).await;
        }
    }
    Sent::Lost("the connection closed before an answer came".to_owned())
}

/// Tells a caller something, and what is left of the patience with them.
async fn tell(caller: &dyn Caller, notice: Notice, patience: Duration) -> Duration {
    let began = Instant::now();
    if timeout(patience, caller.tell(notice)).await.is_err() {
        tracing::debug!("an integration's notices are dropped from here on: the caller did not take one in time");
    }
    patience.saturating_sub(Instant::now().saturating_duration_since(began))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_goes_the_short_way() {
        for name in ["echo", "shop.get_order", "a/b-c_d"] {
            assert!(Direct::takes(name), "{name}");
        }
        for name in ["", "two words", "größe", "a\r\nb", "=?base64?YQ==?=", &"a".repeat(129)] {
            assert!(!Direct::takes(name), "{name}");
        }
    }

    #[test]
    fn an_answer_is_one_to_this_request() {
        let asks = BTreeSet::new();
        let asked = Asked { shape: Shape::Tool, kind: Kind::Read, asks: &asks };
        let result = json!({ "content": [{ "type": "text", "text": "5" }] });
        let of = |answer: Json| judged(answer, "call-1", None, asked);
        let own = json!({ "jsonrpc": "2.0", "id": "call-1", "result": result });
        assert!(matches!(of(own), Sent::Answered(answer) if !answer.is_error && answer.result == json!(5)));
        for answer in [
            json!({ "jsonrpc": "2.0", "id": "call-2", "result": result }),
            json!({ "jsonrpc": "2.0", "id": 1, "result": result }),
            json!({ "jsonrpc": "2.0", "result": result }),
            json!({ "jsonrpc": "2.0", "id": "call-1", "result": result, "error": { "code": 1, "message": "m" } }),
            json!({ "jsonrpc": "2.0", "id": "call-1", "result": [] }),
            json!({ "jsonrpc": "2.0", "id": "call-2", "error": { "code": 1, "message": "m" } }),
            json!([]),
        ] {
            assert!(matches!(of(answer.clone()), Sent::Lost(_)), "{answer}");
        }
        for id in [json!("call-1"), Json::Null] {
            let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32602, "message": "no" } });
            assert!(matches!(of(error), Sent::Answered(answer) if answer.is_error && answer.message["code"] == -32602));
        }
    }
}
