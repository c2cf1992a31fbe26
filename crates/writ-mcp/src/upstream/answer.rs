//! An integration's answer, bounded and in the protocol's own form.
//!
//! Of a read that answered too much, nothing is passed on and the call counts as failed. An effect that answered too
//! much did happen: it keeps its outcome, and the answer is replaced by its size. What belongs to the transport, to
//! caches or to the server's introduction is taken out.

use std::io;

use rmcp::model::{ErrorCode, ErrorData, JsonObject};
use serde::Serialize;
use serde_json::{Value as Json, json};
use writ_engine::upstream::{Answer, Sent};

use super::dial::MESSAGE_BYTES_MAX;
use super::outcome::{Asked, Kind, is_allowed};
use super::request::Shape;
use crate::outbound::quoted;

/// The largest result that is passed on, as JSON text. It leaves room for the record that holds it, of which the
/// trail takes a mebibyte.
pub(super) const RESULT_BYTES_MAX: usize = 960 * 1024;
/// How deep an answer may be nested.
const DEPTH_MAX: usize = 128;
/// The largest `data` of an error that is passed on, as JSON text.
const ERROR_DATA_BYTES_MAX: usize = 64 * 1024;
/// What in a result's `_meta` concerns the connection and not the result.
const TRANSPORT_META: [&str; 2] = ["io.modelcontextprotocol/serverInfo", "io.modelcontextprotocol/subscriptionId"];

/// A complete answer, if it is one to the request.
pub(super) fn answered(mut message: JsonObject, asked: Asked<'_>) -> Sent {
    without_transport(&mut message, asked.shape);
    let fits = match asked.shape {
        Shape::Tool => is_tool_result(&message),
        Shape::Prompt => message.get("messages").is_some_and(Json::is_array),
        Shape::Resource => message.get("contents").is_some_and(Json::is_array),
        Shape::Completion => message.get("completion").is_some_and(Json::is_object),
        Shape::Task => message.get("taskId").is_some_and(Json::is_string),
        Shape::Acknowledgement => true,
    };
    if !fits {
        return Sent::Lost("the answer was none to this request".to_owned());
    }
    if asked.shape == Shape::Task {
        let asks = message.get("inputRequests").and_then(Json::as_object);
        if asks.is_some_and(|asks| asks.values().any(|ask| !is_allowed(ask, asked.asks))) {
            return refused(asked.shape, "it asks for something that the operator does not let it ask for", None);
        }
        of_task(&mut message);
    }
    if asked.shape != Shape::Tool {
        return bounded(Answer { is_error: false, result: Json::Object(message.clone()), message }, asked);
    }
    if !message.contains_key("content") {
        message.insert("content".to_owned(), json!([]));
    }
    bounded(Answer::of_tool(message), asked)
}

fn bounded(mut answer: Answer, asked: Asked<'_>) -> Sent {
    let result_bytes = size(&answer.result).filter(|_| !is_deeper(&answer.result, DEPTH_MAX));
    let message_bytes =
        size(&answer.message).filter(|_| answer.message.values().all(|value| !is_deeper(value, DEPTH_MAX)));
    let result_fits = result_bytes.is_some_and(|bytes| bytes <= RESULT_BYTES_MAX);
    if asked.kind == Kind::Read {
        if result_fits && message_bytes.is_some_and(|bytes| bytes <= MESSAGE_BYTES_MAX) {
            return Sent::Answered(answer);
        }
        let why = format!("the answer is larger than {RESULT_BYTES_MAX} bytes or nested deeper than {DEPTH_MAX}");
        return refused(asked.shape, &why, None);
    }
    if !result_fits {
        answer.result = json!({ "omitted": { "bytes": size(&answer.result), "bytes_max": RESULT_BYTES_MAX } });
    }
    if message_bytes.is_none_or(|bytes| bytes > RESULT_BYTES_MAX) {
        answer.message = failed("the answer was too large to be kept", answer.is_error);
    }
    Sent::Answered(answer)
}

/// A failed call: with the protocol's own error where there is one, otherwise in the form that a request of this shape
/// fails in.
pub(super) fn refused(shape: Shape, text: &str, error: Option<&ErrorData>) -> Sent {
    let text = quoted(text);
    let message = match (error, shape) {
        (Some(error), _) => of_error(error),
        (None, Shape::Tool) => failed(&text, true),
        (None, _) => of_error(&ErrorData::new(ErrorCode::INTERNAL_ERROR, text.clone(), None)),
    };
    Sent::Answered(Answer { is_error: true, result: Json::String(text), message })
}

fn of_error(error: &ErrorData) -> JsonObject {
    let mut message = JsonObject::new();
    message.insert("code".to_owned(), json!(error.code.0));
    message.insert("message".to_owned(), Json::String(quoted(&error.message)));
    let data = error.data.as_ref().filter(|data| size(data).is_some_and(|bytes| bytes <= ERROR_DATA_BYTES_MAX));
    if let Some(data) = data {
        message.insert("data".to_owned(), data.clone());
    }
    message
}

/// A tool's result of one text.
fn failed(text: &str, is_error: bool) -> JsonObject {
    let mut message = JsonObject::new();
    message.insert("content".to_owned(), json!([{ "type": "text", "text": text }]));
    message.insert("isError".to_owned(), Json::Bool(is_error));
    message
}

fn is_tool_result(message: &JsonObject) -> bool {
    let known = ["content", "structuredContent", "isError"];
    let says_something = known.iter().any(|member| message.contains_key(*member));
    (says_something && message.get("content").is_none_or(Json::is_array)) || message.keys().all(|key| key == "_meta")
}

/// Takes what belongs to the transport out of a task's result.
fn of_task(message: &mut JsonObject) {
    if let Some(Json::Object(result)) = message.get_mut("result") {
        result.shift_remove("resultType");
        without_transport(result, Shape::Tool);
    }
}

fn without_transport(message: &mut JsonObject, shape: Shape) {
    if shape == Shape::Resource {
        message.shift_remove("ttlMs");
        message.shift_remove("cacheScope");
    }
    let emptied = match message.get_mut("_meta") {
        Some(Json::Object(meta)) => {
            for member in TRANSPORT_META {
                meta.shift_remove(member);
            }
            meta.is_empty()
        }
        _ => false,
    };
    if emptied {
        message.shift_remove("_meta");
    }
}

/// Whether a value is nested deeper than so many levels.
fn is_deeper(value: &Json, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else {
        return value.is_array() || value.is_object();
    };
    match value {
        Json::Array(items) => items.iter().any(|item| is_deeper(item, levels)),
        Json::Object(members) => members.values().any(|member| is_deeper(member, levels)),
        _ => false,
    }
}

/// How many bytes a value has as JSON text.
pub(super) fn size(value: &impl Serialize) -> Option<usize> {
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).ok()?;
    Some(counter.0)
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing::object;

    fn of(message: Json, shape: Shape, kind: Kind) -> Answer {
        match answered(object(message), Asked { shape, kind, asks: &BTreeSet::new() }) {
            Sent::Answered(answer) => answer,
            other => panic!("not an answer: {other:?}"),
        }
    }

    fn texts(texts: &[&str]) -> Json {
        let blocks: Vec<Json> = texts.iter().map(|text| json!({ "type": "text", "text": text })).collect();
        json!({ "content": blocks })
    }

    #[test]
    fn structured_content_comes_before_text_and_json_before_plain_text() {
        let result = |message| of(message, Shape::Tool, Kind::Read).result;
        let structured = json!({ "content": [], "structuredContent": { "status": "delivered" } });
        assert_eq!(result(structured), json!({ "status": "delivered" }));
        assert_eq!(result(texts(&[r#"{"a": 1}"#])), json!({ "a": 1 }));
        assert_eq!(result(texts(&["one", "two"])), json!("one\ntwo"));
        assert_eq!(result(json!({ "content": [{ "type": "image" }] })), json!("1 parts that are not text"));
        let failed = of(json!({ "content": [], "isError": true }), Shape::Tool, Kind::Effect);
        assert!(failed.is_error && failed.result == json!(""));
    }

    #[test]
    fn too_large_an_answer_fails_a_read_and_keeps_an_effect() {
        let large = "x".repeat(RESULT_BYTES_MAX);
        let read = of(texts(&[&large]), Shape::Tool, Kind::Read);
        assert!(read.is_error && read.result.as_str().is_some_and(|text| text.contains("larger than")));
        let effect = of(texts(&[&large]), Shape::Tool, Kind::Effect);
        assert!(!effect.is_error && size(&effect.message).unwrap() < 1024);
        assert_eq!(effect.result["omitted"]["bytes"], json!(RESULT_BYTES_MAX + 2));
    }

    #[test]
    fn too_deep_an_answer_counts_as_too_large() {
        let nested = |levels: usize| (0..levels).fold(json!(1), |value, _| json!([value]));
        assert!(!is_deeper(&nested(DEPTH_MAX), DEPTH_MAX) && is_deeper(&nested(DEPTH_MAX + 1), DEPTH_MAX));
        let deep = json!({ "content": [], "structuredContent": nested(DEPTH_MAX + 1) });
        assert!(of(deep.clone(), Shape::Tool, Kind::Read).is_error);
        assert!(of(deep, Shape::Tool, Kind::Effect).result["omitted"].is_object());
    }

    #[test]
    fn what_belongs_to_the_transport_stays_behind() {
        let meta = json!({ "io.modelcontextprotocol/serverInfo": { "name": "shop" } });
        let contents = json!({ "contents": [], "ttlMs": 5, "cacheScope": "public", "_meta": meta });
        assert_eq!(of(contents, Shape::Resource, Kind::Read).message, object(json!({ "contents": [] })));
        let task = json!({
            "taskId": "t-1",
            "ttlMs": 5,
            "result": { "resultType": "complete", "content": [] },
        });
        let expected = json!({ "taskId": "t-1", "ttlMs": 5, "result": { "content": [] } });
        assert_eq!(of(task, Shape::Task, Kind::Read).message, object(expected));
    }

    #[test]
    fn a_failure_has_the_form_of_its_request() {
        let error = ErrorData::new(ErrorCode(-32002), "no such resource", Some(json!({ "uri": "file:///a" })));
        let Sent::Answered(resource) = refused(Shape::Resource, &error.message, Some(&error)) else {
            panic!("not an answer");
        };
        assert!(resource.is_error && resource.result == json!("no such resource"));
        assert_eq!(Json::Object(resource.message), serde_json::to_value(&error).unwrap());
        let Sent::Answered(tool) = refused(Shape::Tool, "it took too long", None) else {
            panic!("not an answer");
        };
        assert!(tool.is_error && tool.result == json!("it took too long"));
        assert_eq!(tool.message["content"][0]["text"], "it took too long");
        let Sent::Answered(prompt) = refused(Shape::Prompt, "it took too long", None) else {
            panic!("not an answer");
        };
        assert_eq!(prompt.message["code"], -32603);
    }
}
