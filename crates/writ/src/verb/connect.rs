//! `writ connect RUN`: for agents that speak MCP over stdio alone.

use std::path::PathBuf;
use std::process::ExitCode;

use writ_mcp::Secret;
use writ_mcp::bridge::bridge_stdio;

use crate::{client, wiring};

/// Bridge an agent that speaks MCP over stdio to its run. The run's token is read from `WRIT_TOKEN`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run.
    run: String,
    /// The address of the server, instead of the workspace's running one.
    #[arg(long)]
    url: Option<String>,
    /// The workspace folder of the running server.
    #[arg(long, default_value = ".")]
    workspace: PathBuf,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    let token =
        std::env::var("WRIT_TOKEN").map_err(|_| format!("set WRIT_TOKEN to the token of run `{}`", args.run))?;
    let address = match args.url {
        Some(url) => url,
        None => client::address(&wiring::load(&args.workspace)?)?,
    };
    let url = format!("{}{}", address.trim_end_matches('/'), writ_mcp::server::PATH);
    bridge_stdio(&url, Secret::new(token)).await.map_err(|error| wiring::chain(&error))?;
    Ok(ExitCode::SUCCESS)
}
