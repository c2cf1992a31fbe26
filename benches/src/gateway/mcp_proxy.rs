//! `mcp-proxy`, with the middleware that its own measurement of overhead switches on: time limit, retries, circuit
//! breaker, cache and joining of equal calls. Every call here is another one, so the last two never answer themselves.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::call::{Lane, Revision, TOOL, introduction, message, session_message};
use super::http::Connection;
use super::program::{Program, free_port};
use super::stage::{MCP_PROXY, Place, Target};
use super::{install, upstream};

/// The name under which it knows the server; its tools are called `bench/…`.
const BACKEND: &str = "bench";
const PATH: &str = "/";
const START_SECONDS_MAX: u64 = 60;

pub(super) fn start(place: &Place<'_>) -> Result<Target, String> {
    let program = install::mcp_proxy(place.cache, place.report)?;
    let port = free_port()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let file = place.folder.join("mcp-proxy.toml");
    fs::write(&file, configuration(port, place.upstream)).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = Command::new(program);
    command.arg("--config").arg(&file).current_dir(place.folder);
    let mut program = Program::start(command, place.folder.join("mcp-proxy.log"))?;
    let limit = Duration::from_secs(START_SECONDS_MAX);
    // It listens before anything is weighed.
    program.until(limit, || TcpStream::connect(address).map(drop).map_err(|error| error.to_string()))?;
    let idle_mib = program.resident_mib()?;
    // One session for each connection. One that does not come up is given up and opened again, as a client would.
    let lanes: Result<Vec<Lane>, String> =
        (0..place.lanes).map(|_| program.until(limit, || session(address))).collect();
    Ok(Target {
        name: MCP_PROXY,
        revision: Revision::Sessions,
        address,
        lanes: lanes?,
        idle_mib,
        program: Some(program),
    })
}

fn session(address: SocketAddr) -> Result<Lane, String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut connection = Connection::open(address).map_err(failed)?;
    let opened = connection.ask(&session_message(address, PATH, &[], &introduction())).map_err(failed)?;
    message(&opened)?;
    let session = opened.session.ok_or("it opens no session")?;
    let headers = [("mcp-session-id", session.as_str())];
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let told = connection.ask(&session_message(address, PATH, &headers, &ready)).map_err(failed)?;
    if told.status >= 300 {
        return Err(format!("status {} instead of a session", told.status));
    }
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let listed = message(&connection.ask(&session_message(address, PATH, &headers, &list)).map_err(failed)?)?;
    let tool = format!("{BACKEND}/{TOOL}");
    let tools = listed.pointer("/result/tools").and_then(Json::as_array);
    if tools
        .is_some_and(|tools| tools.iter().any(|known| known.get("name").and_then(Json::as_str) == Some(tool.as_str())))
    {
        Ok(Lane::new(address, PATH, Revision::Sessions, &tool, &headers))
    } else {
        Err(format!("there is no tool `{tool}`: {listed}"))
    }
}

fn configuration(port: u16, server: SocketAddr) -> String {
    format!(
        r#"[proxy]
name = "bench-proxy"

[proxy.listen]
host = "127.0.0.1"
port = {port}

[performance]
coalesce_requests = true

[observability]
log_level = "warn"

[[backends]]
name = "{BACKEND}"
transport = "http"
url = "http://{server}{path}"

[backends.timeout]
seconds = 5

[backends.retry]
max_retries = 2
initial_backoff_ms = 10
max_backoff_ms = 100

[backends.circuit_breaker]
failure_rate_threshold = 0.5
minimum_calls = 100
wait_duration_seconds = 5

[backends.cache]
tool_ttl_seconds = 60
max_entries = 10000
"#,
        path = upstream::PATH,
    )
}
