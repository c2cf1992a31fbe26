//! ContextForge with a database file, memory as its cache, an administrator's token, and no limit on rates.

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::call::{Lane, Revision, TOOL};
use super::http::once;
use super::program::{Program, free_port, output};
use super::stage::{CONTEXTFORGE, Place, Target};
use super::{install, upstream};

/// The name under which it knows the server; its tools are called `bench-…`.
const GATEWAY: &str = "bench";
const ADMINISTRATOR: &str = "admin@example.com";
const PATH: &str = "/mcp/";
/// It makes its database first, and its libraries take a while to load.
const START_SECONDS_MAX: u64 = 180;
const TOKEN_MINUTES: &str = "720";
const SECRET_BYTES: usize = 32;

pub(super) fn start(place: &Place<'_>) -> Result<Target, String> {
    let environment = install::contextforge(place.cache, place.report)?;
    let folder = place.folder.join("contextforge");
    std::fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let settings = settings(&folder)?;
    let command = |program: &str| {
        let mut command = Command::new(environment.join("bin").join(program));
        command.envs(settings.iter().map(|(name, value)| (name, value))).current_dir(&folder);
        command
    };
    let port = free_port()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut server = command("mcpgateway");
    server.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    let mut program = Program::start(server, place.folder.join("contextforge.log"))?;
    let limit = Duration::from_secs(START_SECONDS_MAX);
    program.until(limit, || asked("GET", address, "/health", "", &Json::Null).map(drop))?;
    let mut token = command("python");
    token.args(["-m", "mcpgateway.utils.create_jwt_token", "--username", ADMINISTRATOR, "--admin"]);
    token.args(["--exp", TOKEN_MINUTES]).env("LOG_LEVEL", "CRITICAL");
    let said = output(&mut token)?;
    let bearer = format!("Bearer {}", said.lines().last().unwrap_or_default().trim());
    let gateway = json!({
        "name": GATEWAY,
        "url": format!("http://{}{}", place.upstream, upstream::PATH),
        "transport": "STREAMABLEHTTP",
    });
    asked("POST", address, "/gateways", &bearer, &gateway).map_err(|why| program.explain(&why))?;
    let tool = format!("{GATEWAY}-{TOOL}");
    program.until(limit, || {
        let tools = asked("GET", address, "/tools", &bearer, &Json::Null)?;
        let named = |known: &Json| known.get("name").and_then(Json::as_str) == Some(tool.as_str());
        let is_there = tools.as_array().is_some_and(|tools| tools.iter().any(named));
        if is_there { Ok(()) } else { Err(format!("there is no tool `{tool}`")) }
    })?;
    let idle_mib = program.resident_mib()?;
    let headers = [("authorization", bearer.as_str())];
    let lanes = (0..place.lanes).map(|_| Lane::new(address, PATH, Revision::Sessions, &tool, &headers)).collect();
    Ok(Target { name: CONTEXTFORGE, revision: Revision::Sessions, address, lanes, idle_mib, program: Some(program) })
}

/// One request of its own interface, and its answer.
fn asked(method: &str, address: SocketAddr, path: &str, bearer: &str, body: &Json) -> Result<Json, String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let authorized = [("authorization", bearer)];
    let headers: &[(&str, &str)] = if bearer.is_empty() { &[] } else { &authorized };
    let answer = once(method, address, path, headers, &body).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&answer.body);
    if !(200..300).contains(&answer.status) {
        return Err(format!("{method} {path}: status {}: {text}", answer.status));
    }
    serde_json::from_str(&text).map_err(|error| format!("{method} {path}: {error}"))
}

fn settings(folder: &Path) -> Result<Vec<(&'static str, String)>, String> {
    let fixed = [
        ("CACHE_TYPE", "memory"),
        ("LOG_LEVEL", "ERROR"),
        ("PLATFORM_ADMIN_EMAIL", ADMINISTRATOR),
        ("RATE_LIMITING_ENABLED", "false"),
        ("TOOL_RATE_LIMIT", "1000000000"),
        // The server that is called is on this machine.
        ("SSRF_ALLOW_LOCALHOST", "true"),
        ("SSRF_ALLOW_PRIVATE_NETWORKS", "true"),
    ];
    let mut settings: Vec<(&str, String)> = fixed.map(|(name, value)| (name, value.to_owned())).to_vec();
    settings.push(("DATABASE_URL", format!("sqlite:///{}", folder.join("mcp.db").display())));
    // It looks at how random its secrets are, and does not start with those of an example.
    for name in ["AUTH_ENCRYPTION_SECRET", "BASIC_AUTH_PASSWORD", "JWT_SECRET_KEY", "PLATFORM_ADMIN_PASSWORD"] {
        settings.push((name, secret()?));
    }
    Ok(settings)
}

fn secret() -> Result<String, String> {
    let mut bytes = [0; SECRET_BYTES];
    let read = File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    read.map_err(|error| format!("/dev/urandom: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
