//! The direct way against the protocol's library, which is the oracle: one script of calls behind both.

use std::borrow::Cow;
use std::future::pending;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CreateTaskResult, CustomNotification, ErrorCode,
    InputRequests, InputRequiredResult, ProtocolVersion, RequestId, ServerConfig, ServerNotification,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio_util::sync::CancellationToken;
use writ_core::code::Code;
use writ_engine::upstream::{Caller, Notice};
use writ_engine::view::TaskView;

use super::{CAPABILITIES_META, DirectCall, Hosts, respond};
use crate::revision::REVISION_META;
use crate::server::aside::Aside;
use crate::server::caller::ClientCaller;
use crate::server::message::Message;
use crate::server::parameter_headers::Schemas;
use crate::server::{dropped, introduction, results, tasks};
use crate::testing::object;

const LOG_LEVEL_META: &str = "io.modelcontextprotocol/logLevel";
const TOOLS: [&str; 13] = [
    "echo",
    "passed",
    "refused",
    "wrong_parameters",
    "undeclared",
    "unknown_method",
    "broken",
    "asks",
    "shows",
    "becomes_task",
    "loud",
    "loud_and_undeclared",
    "floods",
];

/// What comes of a call, by the tool's name, whichever way it came in.
async fn script(caller: &ClientCaller, request: CallToolRequestParams) -> Result<CallToolResponse, ErrorData> {
    let undeclared = || ErrorData::new(ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY, "declare it", None);
    let name = request.name.clone();
    match name.as_ref() {
        "passed" => results::tool_result(object(json!({
            "unknown": 1,
            "structuredContent": { "b": null, "a": 1.0 },
            "content": [
                { "text": "é\n\"", "type": "text", "annotations": { "priority": 0.5 }, "unknown": 1 },
                { "type": "image", "data": "AA==", "mimeType": "image/png" },
            ],
            "_meta": { "theirs": [1] },
        })))
        .map(Into::into),
        "refused" => Ok(results::refused(Code::UnknownName, "this run has no such tool").into()),
        "wrong_parameters" => {
            let error = object(json!({ "code": -32602, "message": "no such region", "data": { "region": "x" } }));
            results::tool_result(error).map(Into::into)
        }
        "undeclared" => Err(undeclared()),
        "unknown_method" => Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "no such method", None)),
        "broken" => Err(ErrorData::internal_error("broken", Some(json!({ "code": "internal" })))),
        "asks" => {
            let form = json!({ "method": "elicitation/create", "params": {
                "message": "which?", "requestedSchema": { "type": "object", "properties": {} },
            } });
            let requests = InputRequests::from_iter([("which".to_owned(), serde_json::from_value(form).unwrap())]);
            Ok(InputRequiredResult::new(Some(requests), Some("sealed".to_owned())).into())
        }
        "shows" => {
            let page = json!({ "method": "elicitation/create", "params": {
                "mode": "url", "message": "look", "url": "https://writ.example/", "elicitationId": "d7",
            } });
            let requests = InputRequests::from_iter([("page".to_owned(), serde_json::from_value(page).unwrap())]);
            Ok(InputRequiredResult::new(Some(requests), Some("decision:d7".to_owned())).into())
        }
        "becomes_task" if caller.takes_tasks() => {
            let view = TaskView { task: "d7".to_owned(), created_at: 1_000, ..TaskView::default() };
            Ok(CreateTaskResult::new(tasks::base(&view)).into())
        }
        "loud" | "loud_and_undeclared" => {
            caller.tell(Notice::Progress { progress: 1.0, total: Some(3.0), message: Some("one".to_owned()) }).await;
            for level in ["debug", "info", "error"] {
                caller.tell(Notice::Log(json!({ "level": level, "logger": "é", "data": { "b": 1, "a": 2 } }))).await;
            }
            caller.tell(Notice::Progress { progress: 2.5, total: None, message: None }).await;
            if name == "loud" { Ok(CallToolResult::structured(json!("done")).into()) } else { Err(undeclared()) }
        }
        "floods" => {
            for step in 0..50_u8 {
                caller.tell(Notice::Progress { progress: f64::from(step), total: None, message: None }).await;
            }
            Ok(CallToolResult::structured(json!({ "steps": 50 })).into())
        }
        _ => Ok(CallToolResult::structured(json!({ "arguments": request.arguments })).into()),
    }
}

/// The script behind the protocol's library.
struct Library;

impl ServerHandler for Library {
    fn get_info(&self) -> ServerConfig {
        introduction::server()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(introduction::REVISIONS)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        script(&ClientCaller::of(&context, 1, None), request).await
    }
}

/// A request, to be varied.
#[derive(Clone)]
struct Sketch {
    headers: Vec<(&'static str, String)>,
    message: Json,
}

impl Sketch {
    fn of(tool: &str) -> Self {
        let headers = [
            ("host", "localhost:8080"),
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ];
        let meta = json!({ REVISION_META: "2026-07-28", CAPABILITIES_META: {} });
        Self {
            headers: headers.map(|(name, value)| (name, value.to_owned())).to_vec(),
            message: json!({
                "jsonrpc": "2.0",
                "id": 7,
                "method": "tools/call",
                "params": { "name": tool, "arguments": { "b": 1, "a": [1.5, "é"] }, "_meta": meta },
            }),
        }
    }

    /// A header with these values and no others.
    fn header(&mut self, name: &'static str, values: &[&str]) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.extend(values.iter().map(|value| (name, (*value).to_owned())));
    }

    fn at(&mut self, pointer: &str) -> Option<&mut serde_json::Map<String, Json>> {
        self.message.pointer_mut(pointer).and_then(Json::as_object_mut)
    }

    fn put(&mut self, pointer: &str, name: &str, value: Json) {
        if let Some(object) = self.at(pointer) {
            object.insert(name.to_owned(), value);
        }
    }

    fn take(&mut self, pointer: &str, name: &str) {
        if let Some(object) = self.at(pointer) {
            object.shift_remove(name);
        }
    }

    fn declare(&mut self, capabilities: Json) {
        self.put("/params/_meta", CAPABILITIES_META, capabilities);
    }

    fn request(&self) -> Request {
        let mut request = Request::new(Body::from(self.message.to_string()));
        *request.method_mut() = Method::POST;
        for (name, value) in &self.headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

async fn answer(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
}

async fn by_the_library(sketch: &Sketch) -> Answer {
    let config = StreamableHttpServerConfig::default()
        .enforce_origin_validation()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let library = StreamableHttpService::new(|| Ok(Library), Arc::new(NeverSessionManager::default()), config);
    answer(dropped::from_response(library.handle(sketch.request()).await.map(Body::new)).await).await
}

fn taken(sketch: &Sketch, schemas: &Schemas) -> Result<DirectCall, Option<Message>> {
    let hosts = Hosts::new(&crate::server::LOOPBACK_HOSTS.map(str::to_owned));
    let message = Message::read(sketch.message.to_string().as_bytes()).ok();
    DirectCall::take(&hosts, schemas, &sketch.request().into_parts().0, message)
}

async fn directly(sketch: &Sketch) -> Option<Answer> {
    let DirectCall { id, request, meta, declared } = taken(sketch, &Schemas::new()).ok()?;
    let (aside, said) = Aside::channel();
    let caller = ClientCaller::direct(&meta, declared, aside);
    let calling = async move { script(&caller, request).await };
    Some(answer(respond(id, calling, said, &CancellationToken::new()).await).await)
}

/// A change of a request, and whether a plain one stays plain by it.
struct Variation {
    what: &'static str,
    stays_plain: bool,
    vary: fn(&mut Sketch),
}

fn variations() -> Vec<Variation> {
    let mut all = Vec::new();
    let mut of = |stays_plain: bool, what: &'static str, vary: fn(&mut Sketch)| {
        all.push(Variation { what, stays_plain, vary });
    };
    of(true, "nothing", |_| {});

    of(true, "host in capitals", |sketch| sketch.header("host", &["LOCALHOST"]));
    of(true, "IPv6 host", |sketch| sketch.header("host", &["[::1]:80"]));
    of(false, "foreign host", |sketch| sketch.header("host", &["evil.example"]));
    of(false, "no host", |sketch| sketch.header("host", &[]));
    of(false, "two hosts", |sketch| sketch.header("host", &["localhost", "localhost"]));
    of(false, "origin", |sketch| sketch.header("origin", &["http://localhost"]));
    of(true, "accept in another order", |sketch| sketch.header("accept", &["text/event-stream,APPLICATION/JSON"]));
    of(false, "accept JSON alone", |sketch| sketch.header("accept", &["application/json"]));
    of(false, "accept anything", |sketch| sketch.header("accept", &["*/*"]));
    of(false, "accept in two headers", |sketch| {
        sketch.header("accept", &["application/json", "text/event-stream"]);
    });
    of(false, "accept weighed to nothing", |sketch| {
        sketch.header("accept", &["application/json;q=0, text/event-stream"]);
    });
    of(true, "content type with a charset", |sketch| {
        sketch.header("content-type", &["Application/JSON; charset=utf-8"]);
    });
    of(false, "content type of text", |sketch| sketch.header("content-type", &["text/plain"]));
    of(false, "no content type", |sketch| sketch.header("content-type", &[]));
    of(true, "a session's id", |sketch| sketch.header("mcp-session-id", &["none"]));
    of(true, "a parameter's header", |sketch| sketch.header("mcp-param-region", &["eu"]));

    of(false, "revision of old in the header", |sketch| sketch.header("mcp-protocol-version", &["2025-11-25"]));
    of(false, "unknown revision in the header", |sketch| sketch.header("mcp-protocol-version", &["2099-01-01"]));
    of(false, "no revision in the header", |sketch| sketch.header("mcp-protocol-version", &[]));
    of(false, "two revisions in headers", |sketch| {
        sketch.header("mcp-protocol-version", &["2026-07-28", "2025-11-25"]);
    });
    of(false, "revision of old in the body", |sketch| {
        sketch.put("/params/_meta", REVISION_META, json!("2025-11-25"));
    });
    of(false, "unknown revision in the body", |sketch| {
        sketch.put("/params/_meta", REVISION_META, json!("2099-01-01"));
    });
    of(false, "a number for a revision", |sketch| sketch.put("/params/_meta", REVISION_META, json!(5)));
    of(false, "no revision in the body", |sketch| sketch.take("/params/_meta", REVISION_META));

    of(false, "another method in the header", |sketch| sketch.header("mcp-method", &["tools/list"]));
    of(false, "no method in the header", |sketch| sketch.header("mcp-method", &[]));
    of(false, "the method in two headers", |sketch| sketch.header("mcp-method", &["tools/call", "tools/call"]));
    of(false, "another method in the body", |sketch| sketch.put("", "method", json!("tools/list")));
    of(false, "an unknown method in the body", |sketch| sketch.put("", "method", json!("tools/call ")));
    of(false, "another name in the header", |sketch| sketch.header("mcp-name", &["other"]));
    of(false, "no name in the header", |sketch| sketch.header("mcp-name", &[]));
    of(false, "the name in two headers", |sketch| sketch.header("mcp-name", &["loud", "loud"]));
    of(true, "the name encoded", |sketch| sketch.header("mcp-name", &["=?base64?bG91ZA==?="]));
    of(false, "another name encoded", |sketch| sketch.header("mcp-name", &["=?base64?bG91ZGVy?="]));
    of(false, "a name badly encoded", |sketch| sketch.header("mcp-name", &["=?base64?bG91ZA?="]));
    of(false, "another name in the body", |sketch| sketch.put("/params", "name", json!("echo")));
    of(false, "a number for a name", |sketch| sketch.put("/params", "name", json!(5)));
    of(false, "no name in the body", |sketch| sketch.take("/params", "name"));

    of(true, "a text for an id", |sketch| sketch.put("", "id", json!("é\"")));
    of(true, "a negative id", |sketch| sketch.put("", "id", json!(-3)));
    of(false, "a fraction for an id", |sketch| sketch.put("", "id", json!(1.0)));
    of(false, "an id too large", |sketch| sketch.put("", "id", json!(u64::MAX)));
    of(false, "null for an id", |sketch| sketch.put("", "id", Json::Null));
    of(false, "no id", |sketch| sketch.take("", "id"));
    of(false, "another JSON-RPC", |sketch| sketch.put("", "jsonrpc", json!("1.0")));
    of(false, "no JSON-RPC", |sketch| sketch.take("", "jsonrpc"));
    of(false, "a result beside the method", |sketch| sketch.put("", "result", json!({})));
    of(false, "another member", |sketch| sketch.put("", "more", json!(1)));
    of(false, "no parameters", |sketch| sketch.take("", "params"));
    of(false, "a list of parameters", |sketch| sketch.put("", "params", json!([])));
    of(true, "no arguments", |sketch| sketch.take("/params", "arguments"));
    of(false, "null for arguments", |sketch| sketch.put("/params", "arguments", Json::Null));
    of(false, "a list of arguments", |sketch| sketch.put("/params", "arguments", json!([1])));
    of(false, "a state", |sketch| sketch.put("/params", "requestState", json!("sealed")));
    of(false, "answers", |sketch| sketch.put("/params", "inputResponses", json!({})));
    of(false, "a task asked for", |sketch| sketch.put("/params", "task", json!({ "ttl": 1 })));

    of(false, "no _meta", |sketch| sketch.take("/params", "_meta"));
    of(false, "null for _meta", |sketch| sketch.put("/params", "_meta", Json::Null));
    of(false, "no capabilities", |sketch| sketch.take("/params/_meta", CAPABILITIES_META));
    of(false, "a text for capabilities", |sketch| sketch.declare(json!("all")));
    of(false, "elicitation by a text", |sketch| sketch.declare(json!({ "elicitation": "all" })));
    of(true, "many capabilities", |sketch| {
        sketch.declare(json!({
            "elicitation": { "url": {} }, "roots": {}, "sampling": {}, "unknown": 1,
            "extensions": { "io.modelcontextprotocol/tasks": {} },
        }));
    });
    of(true, "a progress token", |sketch| sketch.put("/params/_meta", "progressToken", json!("p\"1")));
    of(true, "a number for a progress token", |sketch| sketch.put("/params/_meta", "progressToken", json!(4)));
    of(true, "a useless progress token", |sketch| sketch.put("/params/_meta", "progressToken", json!({ "a": 1 })));
    of(true, "a log level", |sketch| sketch.put("/params/_meta", LOG_LEVEL_META, json!("info")));
    of(true, "an unknown log level", |sketch| sketch.put("/params/_meta", LOG_LEVEL_META, json!("loud")));
    of(true, "a useless client", |sketch| {
        sketch.put("/params/_meta", "io.modelcontextprotocol/clientInfo", json!("someone"));
    });
    all
}

#[tokio::test]
async fn every_outcome_is_told_in_the_librarys_own_bytes() {
    for tool in TOOLS {
        for (has_token, log_level) in [(false, None), (true, None), (false, Some("error")), (true, Some("debug"))] {
            for capabilities in [json!({}), json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })] {
                let mut sketch = Sketch::of(tool);
                sketch.declare(capabilities);
                if has_token {
                    sketch.put("/params/_meta", "progressToken", json!("p"));
                }
                if let Some(level) = log_level {
                    sketch.put("/params/_meta", LOG_LEVEL_META, json!(level));
                }
                let direct = directly(&sketch).await.unwrap();
                assert_eq!(direct, by_the_library(&sketch).await, "{tool}: {}", sketch.message);
                assert!(!String::from_utf8_lossy(&direct.body).contains("elicitationId"), "{tool}");
                let is_told = match tool {
                    "floods" => has_token,
                    "loud" | "loud_and_undeclared" => has_token || log_level.is_some(),
                    _ => false,
                };
                assert_eq!(direct.headers[CONTENT_TYPE] == "text/event-stream", is_told, "{tool}");
            }
        }
    }
}

#[tokio::test]
async fn only_plain_calls_are_taken_and_any_other_message_stays_as_it_is() {
    for Variation { what, stays_plain, vary } in variations() {
        let mut sketch = Sketch::of("loud");
        vary(&mut sketch);
        match taken(&sketch, &Schemas::new()) {
            Ok(_) => assert!(stays_plain, "{what}: taken"),
            Err(message) => {
                assert!(!stays_plain, "{what}: not taken");
                assert_eq!(message.and_then(Message::into_members).map(Json::Object), Some(sketch.message), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn whatever_is_taken_the_library_answers_with_the_same_bytes() {
    let variations = variations();
    let mut taken = 0;
    for first in &variations {
        for second in &variations {
            let mut sketch = Sketch::of("loud");
            (first.vary)(&mut sketch);
            (second.vary)(&mut sketch);
            if let Some(direct) = directly(&sketch).await {
                taken += 1;
                assert_eq!(direct, by_the_library(&sketch).await, "{}, then {}", first.what, second.what);
            }
        }
    }
    let plain = variations.iter().filter(|variation| variation.stays_plain).count();
    assert!(taken >= plain * plain / 2, "{taken} of {plain} times {plain}");
}

#[test]
fn a_call_whose_arguments_stand_in_headers_too_is_left_to_the_library() {
    let schemas = Schemas::from([("loud".to_owned(), Arc::new(object(json!({}))))]);
    assert!(taken(&Sketch::of("loud"), &schemas).is_err());
    assert!(taken(&Sketch::of("echo"), &schemas).is_ok());
    let mut request = Sketch::of("echo").request();
    *request.method_mut() = Method::PUT;
    let (parts, _) = request.into_parts();
    let hosts = Hosts::new(&["localhost".to_owned()]);
    assert!(DirectCall::take(&hosts, &schemas, &parts, None).is_err());
    let message = Message::read(Sketch::of("echo").message.to_string().as_bytes()).ok();
    assert!(DirectCall::take(&hosts, &schemas, &parts, message).is_err());
}

/// A call that ends never, after it has said something or without; and a word of whether it is still there.
fn endless(says_something: bool, aside: Aside) -> (impl Future<Output = Outcome> + Send, oneshot::Receiver<()>) {
    let (held, is_dropped) = oneshot::channel::<()>();
    let calling = async move {
        let _held = held;
        if says_something {
            let note = CustomNotification::new("notifications/message", None);
            aside.say(ServerNotification::CustomNotification(note)).await;
        }
        pending().await
    };
    (calling, is_dropped)
}

type Outcome = Result<CallToolResponse, ErrorData>;

#[tokio::test]
async fn a_call_goes_with_its_connection() {
    let shutdown = CancellationToken::new();
    let (aside, said) = Aside::channel();
    let (calling, mut is_dropped) = endless(false, aside);
    let mut responding = Box::pin(respond(RequestId::Number(1), calling, said, &shutdown));
    tokio::select! {
        biased;
        _ = &mut responding => panic!("it cannot have ended"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(is_dropped.try_recv(), Err(TryRecvError::Empty));
    drop(responding);
    assert_eq!(is_dropped.try_recv(), Err(TryRecvError::Closed));

    let (aside, said) = Aside::channel();
    let (calling, mut is_dropped) = endless(true, aside);
    let response = respond(RequestId::Number(1), calling, said, &shutdown).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    assert_eq!(is_dropped.try_recv(), Err(TryRecvError::Empty));
    drop(response);
    assert_eq!(is_dropped.try_recv(), Err(TryRecvError::Closed));
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_call() {
    let shutdown = CancellationToken::new();
    let (aside, said) = Aside::channel();
    let streamed = respond(RequestId::Number(1), endless(true, aside).0, said, &shutdown).await;
    let (aside, said) = Aside::channel();
    let calling = endless(false, aside).0;
    let (stopped, ()) =
        tokio::join!(respond(RequestId::Number(1), calling, said, &shutdown), async { shutdown.cancel() });
    assert_eq!(stopped.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let told = answer(streamed).await;
    assert_eq!((told.status, told.body.is_empty()), (StatusCode::OK, true));
}
