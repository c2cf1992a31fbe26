//! The integration as a program: an MCP server of revision 2026-07-28 that acts, and then behaves as badly as it is
//! asked to.
//!
//! How it behaves stands in the call's own arguments (`manner`), so that it is part of what people approve, and holds
//! for the first request with a key: a repeated one is answered plainly. It honours keys under the path of the `keyed`
//! integration alone; under the others each request is an effect of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::manner::Manner;
use crate::chaos::ledger::{Entry, Ledger, What};
use crate::chaos::workspace::{ANSWER_SECONDS, LOOK, PAY, Profile};
use crate::progress::tell;

/// The member of `_meta` that names an effect.
const KEY: &str = "writ.dev/idempotency-key";
/// How long a slow request takes until it acts: long enough to kill somebody meanwhile.
const SLOW_MILLISECONDS: u64 = 400;

/// What the integration takes.
#[derive(Debug, clap::Args)]
pub(crate) struct UpstreamArgs {
    /// The file to keep the ledger in
    #[arg(long)]
    ledger: PathBuf,
    /// The address to listen on
    #[arg(long)]
    listen: String,
}

type Shared = Arc<Mutex<Ledger>>;

/// Serves until it is killed.
pub(crate) fn serve(args: &UpstreamArgs) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime can be made: {error}"))?;
    runtime.block_on(async {
        let ledger: Shared = Arc::new(Mutex::new(Ledger::open(&args.ledger)?));
        let failed = |error: std::io::Error| format!("{}: {error}", args.listen);
        let listener = TcpListener::bind(&args.listen).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        tell(&json!({ "listening": format!("http://{bound}") }).to_string())?;
        let routes = Router::new().route("/{integration}/mcp", post(answer)).with_state(ledger);
        axum::serve(listener, routes).await.map_err(failed)
    })
}

async fn answer(State(ledger): State<Shared>, Path(integration): Path<String>, body: Bytes) -> Response {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = message.get("id").cloned().unwrap_or_default();
    if id.is_null() {
        return StatusCode::ACCEPTED.into_response();
    }
    match message.get("method").and_then(Value::as_str).unwrap_or_default() {
        "server/discover" => result(
            &id,
            json!({
                "supportedVersions": ["2026-07-28"],
                "capabilities": { "tools": {} },
                "ttlMs": 0,
                "cacheScope": "private",
                "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "till", "version": "1" } }
            }),
        ),
        "tools/list" => result(&id, json!({ "tools": tools(), "ttlMs": 0, "cacheScope": "private" })),
        "tools/call" => {
            // Whoever asked may be gone before this is done: it is done all the same.
            let call = tokio::spawn(called(ledger, integration, id.clone(), message));
            call.await.unwrap_or_else(|error| fault(&error.to_string()))
        }
        _ => Json(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no such method" } }))
            .into_response(),
    }
}

fn tools() -> Value {
    json!([
        {
            "name": PAY,
            "description": "Pays an amount into an account.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "account": { "type": "string" },
                    "amount": { "type": "integer" },
                    "manner": { "type": "string" }
                },
                "required": ["account", "amount", "manner"]
            }
        },
        {
            "name": LOOK,
            "description": "Looks at a note.",
            "inputSchema": {
                "type": "object",
                "properties": { "note": { "type": "string" } },
                "required": ["note"]
            }
        }
    ])
}

async fn called(ledger: Shared, integration: String, id: Value, message: Value) -> Response {
    let parameters = message.get("params").unwrap_or(&Value::Null);
    let tool = parameters.get("name").and_then(Value::as_str).unwrap_or_default();
    let arguments = parameters.get("arguments").and_then(Value::as_object).cloned().unwrap_or_default();
    if tool != PAY {
        return done(&id, &json!({ "looked": arguments.get("note") }), false);
    }
    let key = parameters.get("_meta").and_then(|meta| meta.get(KEY)).and_then(Value::as_str).map(str::to_owned);
    let manner = arguments.get("manner").and_then(Value::as_str).and_then(Manner::of_name).unwrap_or(Manner::Plain);
    let paid = json!({ "paid": arguments.get("amount"), "into": arguments.get("account") });
    let entry = Entry { what: What::Arrived, key, action: format!("{integration}.{PAY}"), arguments };
    let is_first = match written(&ledger, |ledger| ledger.arrive(&entry)) {
        Ok(is_first) => is_first,
        Err(why) => return fault(&why),
    };
    let manner = if is_first { manner } else { Manner::Plain };
    match manner {
        Manner::Refuse => return done(&id, &json!("this account takes nothing"), true),
        Manner::LoseBefore => return broken(),
        Manner::Slow => tokio::time::sleep(Duration::from_millis(SLOW_MILLISECONDS)).await,
        _ => {}
    }
    if let Err(why) = written(&ledger, |ledger| ledger.act(&entry, integration == Profile::Keyed.name())) {
        return fault(&why);
    }
    match manner {
        Manner::Lose => broken(),
        Manner::Late => {
            tokio::time::sleep(Duration::from_secs(ANSWER_SECONDS + 1)).await;
            done(&id, &paid, false)
        }
        Manner::Never => std::future::pending().await,
        Manner::Twice => {
            let once = format!("data: {}\n\n", message_of(&id, &tool_result(&paid, false)));
            ([("content-type", "text/event-stream")], once.repeat(2)).into_response()
        }
        Manner::Error => done(&id, &json!("something went wrong after it was paid"), true),
        Manner::Fault => fault("out of order"),
        Manner::Plain | Manner::Slow | Manner::Refuse | Manner::LoseBefore => done(&id, &paid, false),
    }
}

fn written<T>(ledger: &Shared, write: impl FnOnce(&mut Ledger) -> Result<T, String>) -> Result<T, String> {
    write(&mut ledger.lock().unwrap_or_else(PoisonError::into_inner))
}

fn tool_result(content: &Value, is_error: bool) -> Value {
    let text = json!({ "type": "text", "text": content.to_string() });
    json!({ "resultType": "complete", "content": [text], "isError": is_error })
}

fn message_of(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn done(id: &Value, content: &Value, is_error: bool) -> Response {
    Json(message_of(id, &tool_result(content, is_error))).into_response()
}

fn result(id: &Value, mut result: Value) -> Response {
    if let Some(result) = result.as_object_mut() {
        result.insert("resultType".to_owned(), json!("complete"));
    }
    Json(message_of(id, &result)).into_response()
}

fn fault(why: &str) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "said": why }))).into_response()
}

/// An answer whose connection breaks before anything of it has come.
fn broken() -> Response {
    let breaks = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the connection breaks")) });
    ([("content-type", "application/json")], Body::from_stream(breaks)).into_response()
}
