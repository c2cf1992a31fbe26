//! `writ demo`: one refund from start to verdict, with a real worker, a real shop and a person who decides.
//!
//! Everything is as in a company: the shop's MCP server and the worker are programs of their own, the worker
//! speaks MCP to Writ with a run token, the lead decides in the console or through the API. Only the folder is
//! temporary. With `--decide` the lead's part is played by this program, through the same API and with the lead's
//! own token.

mod lead;
mod summary;
mod workspace;

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use clap::ValueEnum;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use writ_core::visible::visible_whole;
use writ_engine::token::Audience;

use crate::client::Client;
use crate::verb::serve::{self, Running};
use crate::{output, wiring};

/// The person on whose behalf the run acts, and the one who decides.
const AGENT: &str = "ana";
const LEAD: &str = "lea";
const CASE: &str = "C-1044";
const TOKEN_MILLISECONDS: i64 = 3_600_000;

/// See one refund from start to verdict.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Decide by itself instead of waiting for you.
    #[arg(long, value_enum)]
    decide: Option<Decide>,
    /// Print one JSON object at the end.
    #[arg(long)]
    json: bool,
    /// The address to listen on; any free port where nothing is said.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// The folder to work in; it must not exist. A temporary one where nothing is said.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What the lead does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Decide {
    Approve,
    Reject,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    if std::env::var_os("WRIT_LOG").is_some() {
        output::log();
    }
    let folder = args.folder.clone().unwrap_or_else(temporary_folder);
    workspace::write(&folder)?;
    seed(&folder).await?;
    output::note(&format!("the workspace is {}", folder.display()));
    let workspace = wiring::load(&folder)?;
    let key = wiring::signer(&workspace)?.verifier().to_string();
    let running = serve::start(workspace.clone(), Some(&args.listen)).await?;
    output::note(&format!("Writ listens on {}", running.address));

    let token = |person: &str, audience| {
        wiring::person_token(&workspace, person, audience, TOKEN_MILLISECONDS).map(|(token, _)| token)
    };
    let agent = Client::with(running.address.clone(), token(AGENT, Audience::Api)?)?;
    let lead = Client::with(running.address.clone(), token(LEAD, Audience::Api)?)?;
    let started = agent.post("/api/runs", &json!({ "mission": "refund", "params": { "case": CASE } })).await?;
    let run = started.get("run").and_then(Json::as_str).unwrap_or_default().to_owned();
    output::note(&format!("run {run}: mission refund for case {CASE}, on behalf of {AGENT}, by worker support-desk"));
    if args.decide.is_none() {
        let ticket = token(LEAD, Audience::SignIn)?;
        output::note("");
        output::note("Open this address as the support lead, look at what would happen, and decide:");
        output::note(&format!("  {}{}", running.address, writ_web::sign_in_with(&ticket, None)));
        output::note("");
    }
    let mut worker = worker(&running, started.get("token").and_then(Json::as_str).unwrap_or_default())?;
    let decided = tokio::select! {
        ended = follow(&mut worker) => ended,
        failed = lead::decide(&lead, args.decide) => Err(failed),
        _ = tokio::signal::ctrl_c() => Err("interrupted; nothing more is sent".to_owned()),
    };
    let result = match decided {
        Ok(()) => summary::make(&lead, &run, &folder, &key).await,
        Err(error) => Err(error),
    };
    _ = worker.kill().await;
    running.stop().await?;
    let summary = result?;
    if args.json {
        output::json(&summary.json);
    } else {
        summary.tell(&folder);
    }
    let complete = summary.is_complete(args.decide);
    if args.folder.is_none() && args.decide.is_some() {
        _ = std::fs::remove_dir_all(&folder);
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn temporary_folder() -> PathBuf {
    std::env::temp_dir().join(format!("writ-demo-{}", std::process::id()))
}

/// A program that is built together with this one.
fn sibling(name: &str) -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let path = own.parent().map(|folder| folder.join(name)).unwrap_or_default();
    if path.is_file() { Ok(path) } else { Err(format!("`{}` is not there; `cargo demo` builds it", path.display())) }
}

async fn seed(folder: &Path) -> Result<(), String> {
    let database = folder.join("data/shop.db");
    let status = Command::new(sibling("shop")?)
        .arg("seed")
        .arg("--db")
        .arg(&database)
        .stdout(Stdio::null())
        .status()
        .await
        .map_err(|error| format!("the shop cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err("the shop's data could not be made".to_owned()) }
}

fn worker(running: &Running, token: &str) -> Result<Child, String> {
    Command::new(sibling("worker")?)
        .args(["--url", &format!("{}{}", running.address, writ_mcp::server::PATH), "--case", CASE, "--json"])
        .env("WRIT_TOKEN", token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("the worker cannot be started: {error}"))
}

/// Shows the worker's progress until it ends.
async fn follow(worker: &mut Child) -> Result<(), String> {
    if let Some(stdout) = worker.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.map_err(|error| error.to_string())? {
            output::note(&format!("  worker: {}", visible_whole(&told(&line))));
        }
    }
    let status = worker.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("the worker failed: {status}")) }
}

/// One of the worker's JSON lines, in words.
fn told(line: &str) -> String {
    let step: Json = serde_json::from_str(line).unwrap_or_default();
    step.get("text").and_then(Json::as_str).map_or_else(|| line.to_owned(), str::to_owned)
}
