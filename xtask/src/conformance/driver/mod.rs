//! `cargo xtask conformance-client URL`: what the suite starts as the client under test.
//!
//! It is not the client itself: that is Writ. It gives Writ the suite's server as an integration, starts it, and plays
//! the worker, the person who starts the run, and in the `auth/*` scenarios that person's browser. Nothing here talks
//! to the suite's server; the browser alone talks to the suite's authorization server, as browsers do.

mod answers;
mod browser;
mod parameter_headers;
mod plan;
mod worker;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use self::browser::Browser;
use self::plan::{Plan, Step};
use self::worker::Worker;
use super::workspace::{self, INTEGRATION, MISSION, PERSON};
use crate::command::binary;
use crate::tau::client::Writ;
use crate::tau::server::{self, Server};

/// The verb, as the suite calls it.
pub(super) const COMMAND: &str = "conformance-client";

/// Less than the suite waits, so that Writ is ended in good order.
const SECONDS_MAX: u64 = 75;
/// How often a person links again what has stopped to answer: more would be a loop.
const LINKS_AGAIN_MAX: u32 = 2;

/// What the suite says on the command line; the rest stands in the environment.
#[derive(Debug, clap::Args)]
pub(crate) struct DriverArgs {
    /// The address of the suite's server
    url: String,
}

/// Carries out the scenario that the environment names.
pub(super) async fn play(args: &DriverArgs) -> Result<(), String> {
    let said = |name: &str| std::env::var(name).map_err(|_| format!("the suite does not say `{name}`"));
    let (scenario, revision) = (said("MCP_CONFORMANCE_SCENARIO")?, said("MCP_CONFORMANCE_PROTOCOL_VERSION")?);
    let context = match said("MCP_CONFORMANCE_CONTEXT") {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("the suite's context: {error}"))?,
        Err(_) => Value::Null,
    };
    let plan = Plan::of(&scenario, &revision, &args.url, &context)?;
    let limit = Duration::from_secs(SECONDS_MAX);
    let carried_out = tokio::time::timeout(limit, carry_out(&plan, &revision)).await;
    carried_out.unwrap_or_else(|_| Err(format!("the scenario did not end within {SECONDS_MAX} s")))
}

async fn carry_out(plan: &Plan, revision: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let desk = folder.path().join("desk");
    workspace::write(&desk, &plan.desk)?;
    let program = binary("writ")?;
    let server = Server::start(&program, &desk, folder.path().join("writ.log")).await?;
    let carried_out = act(plan, revision, &program, &desk, server.address()).await;
    let carried_out = carried_out.map_err(|error| server.explain(&error));
    server.stop().await?;
    carried_out
}

async fn act(plan: &Plan, revision: &str, program: &Path, desk: &Path, address: &str) -> Result<(), String> {
    let browser = if plan.is_personal {
        let browser = Browser::signed_in(program, desk, address, PERSON).await?;
        browser.link(INTEGRATION).await?;
        Some(browser)
    } else {
        None
    };
    let person = server::token(program, desk, PERSON).await?;
    let writ = Writ::at(address)?;
    let started = writ.post(&person, "/api/runs", &json!({ "mission": MISSION, "params": {} })).await?;
    let token = started.get("token").and_then(Value::as_str).ok_or("the started run has no `token`")?;
    let mut worker = Worker::open(address, token, revision).await?;
    worker.list_tools().await?;
    for step in &plan.steps {
        take(&mut worker, step, browser.as_ref()).await?;
    }
    Ok(())
}

/// Takes one step. Where a person's own link is what stands in the way, the person links again, and it is tried anew.
async fn take(worker: &mut Worker, step: &Step, browser: Option<&Browser>) -> Result<(), String> {
    let mut links_again = 0;
    loop {
        let error = match step_once(worker, step).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match browser {
            Some(browser) if links_again < LINKS_AGAIN_MAX => browser.link(INTEGRATION).await?,
            _ => return Err(error),
        }
        links_again += 1;
    }
}

async fn step_once(worker: &mut Worker, step: &Step) -> Result<(), String> {
    match step {
        Step::Call { tool, arguments } => worker.call_tool(tool, arguments, None).await,
        Step::CallWithAnotherBetween { tool, other } => worker.call_tool(tool, &json!({}), Some(other)).await,
        Step::Prompt(name) => worker.ask("prompts/get", json!({ "name": name })).await.map(drop),
        Step::Resource(uri) => worker.ask("resources/read", json!({ "uri": uri })).await.map(drop),
    }
}
