//! Writ, with everything on: a run for each connection, three policy sets, the trail.
//!
//! The mission allows one read tool for one account. Entitlements and guardrails have a condition on the arguments
//! each.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::call::{ACCOUNT, Lane, Revision};
use super::http::once;
use super::program::{Program, output};
use super::stage::{Place, Target};
use super::upstream;

const PERSON: &str = "ana";
/// The tool, as workers call it.
const WORKER_TOOL: &str = "bench_echo";
const PATH: &str = "/mcp";
const START_SECONDS_MAX: u64 = 60;

const PEOPLE: &str = "\
groups: { accounts: [] }
people:
  ana: { name: Ana Prieto, groups: [accounts] }
workers:
  clerk: { purpose: Looks accounts up. }
";

const MISSION: &str = "\
mission: lookup
purpose: Look one account up.
worker: clerk
params: { account: string }
act:
  - tool: bench.echo
    when: context.input.account == context.mission.account
verdict: { type: object }
limits: { for: 12h, reads: 1000000000, rows: 1000000000, proposals: 1 }
";

const ENTITLEMENTS: &str = r#"
@id("start-look-ups")
permit (principal in Group::"accounts", action == Action::"start", resource);

@id("look-accounts-up")
permit (principal in Group::"accounts", action == Action::"bench.echo", resource is Tool)
when { context.input.account like "acct-*" };
"#;

const GUARDRAILS: &str = r#"
@id("otherwise-allowed")
permit (principal, action, resource);

@id("never-below-zero")
forbid (principal, action == Action::"bench.echo", resource is Tool)
when { context.input.n < 0 };
"#;

const APPROVALS: &str = r#"
@id("accounts-see-and-stop-runs")
permit (principal in Group::"accounts", action in [Action::"see", Action::"stop"], resource is Mission);
"#;

/// Starts Writ under a target's name. `reads` says when a read's result is released: `buffered` or `durable`.
pub(super) fn start(place: &Place<'_>, name: &'static str, reads: &str) -> Result<Target, String> {
    let folder = place.folder.join(name);
    write_workspace(&folder, place.upstream, reads).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut command = Command::new(place.writ);
    command.arg("serve").arg(&folder).args(["--listen", "127.0.0.1:0", "--json"]);
    let program = Program::start_to_hear(command, place.folder.join(format!("{name}.log")))?;
    let line = program.first_line(Duration::from_secs(START_SECONDS_MAX))?;
    let said: Json = serde_json::from_str(&line).map_err(|_| program.explain(&line))?;
    let address = said.get("listening").and_then(Json::as_str).and_then(|address| address.strip_prefix("http://"));
    let address: Option<SocketAddr> = address.and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| program.explain(&line))?;
    let idle_mib = program.resident_mib()?;
    let bearer = bearer(place.writ, &folder)?;
    let lanes: Result<Vec<Lane>, String> =
        (0..place.lanes).map(|_| run(address, &bearer).map_err(|why| program.explain(&why))).collect();
    Ok(Target { name, revision: Revision::Stateless, address, lanes: lanes?, idle_mib, program: Some(program) })
}

/// The personal token of whoever starts the runs, as a header.
fn bearer(writ: &Path, folder: &Path) -> Result<String, String> {
    let mut command = Command::new(writ);
    command.args(["person", "token", PERSON, "--workspace"]).arg(folder).arg("--json");
    let said = output(&mut command)?;
    let said: Json = serde_json::from_str(&said).map_err(|error| format!("`writ person token`: {error}"))?;
    let token = said.get("token").and_then(Json::as_str).ok_or("`writ person token` says no token")?;
    Ok(format!("Bearer {token}"))
}

/// Starts a run, and gives the calls of its worker.
fn run(address: SocketAddr, bearer: &str) -> Result<Lane, String> {
    let start = json!({ "mission": "lookup", "params": { "account": ACCOUNT } }).to_string();
    let answer = once("POST", address, "/api/runs", &[("authorization", bearer)], &start);
    let answer = answer.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&answer.body);
    let started: Option<Json> = serde_json::from_str(&text).ok();
    let token = started.as_ref().and_then(|run| run.get("token")).and_then(Json::as_str);
    let token = token.ok_or_else(|| format!("no run starts: status {}: {text}", answer.status))?;
    let worker = format!("Bearer {token}");
    Ok(Lane::new(address, PATH, Revision::Stateless, WORKER_TOOL, &[("authorization", &worker)]))
}

fn write_workspace(folder: &Path, server: SocketAddr, reads: &str) -> std::io::Result<()> {
    for part in ["integrations", "missions", "policy"] {
        fs::create_dir_all(folder.join(part))?;
    }
    let configuration =
        format!("listen: 127.0.0.1:0\ndata: data\ntrail: {{ origin: bench.example/gateway, reads: {reads} }}\n");
    let url = format!("http://{server}{}", upstream::PATH);
    let integration =
        format!("integration: bench\nfrom:\n  http: {{ url: \"{url}\" }}\ntools:\n  echo: {{ class: read }}\n");
    fs::write(folder.join("writ.yaml"), configuration)?;
    fs::write(folder.join("people.yaml"), PEOPLE)?;
    fs::write(folder.join("integrations/bench.yaml"), integration)?;
    fs::write(folder.join("missions/lookup.yaml"), MISSION)?;
    fs::write(folder.join("policy/entitlements.cedar"), ENTITLEMENTS)?;
    fs::write(folder.join("policy/guardrails.cedar"), GUARDRAILS)?;
    fs::write(folder.join("policy/approvals.cedar"), APPROVALS)
}
