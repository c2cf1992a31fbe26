//! The `conformance-fixture` command: an MCP server with everything that the official conformance suite asks a server
//! for, to stand behind Writ while the suite talks to Writ.
//!
//! It offers the tools, prompts and resources that the suite's server scenarios name, in both protocol eras, and
//! nothing else. It keeps nothing of value, trusts everybody and listens on loopback addresses alone. Standard output
//! carries one line of JSON (where it listens and what it offers), or the protocol.

#![expect(deprecated, reason = "the suite asks for logging, sampling and roots, which 2026-07-28 deprecates")]

mod catalogue;
mod fixture;
mod listeners;
mod prompts;
mod questions;
mod resources;
mod tools;

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use fixture::Fixture;
use rmcp::ServiceExt;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;

/// What the conformance suite asks an MCP server for
#[derive(Parser)]
#[command(name = "conformance-fixture", version)]
struct Cli {
    /// Serve Streamable HTTP at /mcp of this address instead of standard input and output; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed, nobody is left to be told.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Box<dyn Error>> {
    let fixture = Fixture::new()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match cli.listen {
            Some(listen) => serve_http(fixture, listen).await,
            None => serve_stdio(fixture).await,
        }
    })
}

async fn serve_stdio(fixture: Fixture) -> Result<(), Box<dyn Error>> {
    fixture.serve(rmcp::transport::stdio_pipes()).await?.waiting().await?;
    Ok(())
}

/// Serves sessions to clients of the older revisions, and requests that stand for themselves to those of 2026-07-28.
async fn serve_http(fixture: Fixture, listen: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let service = StreamableHttpService::new(
        move || Ok(fixture.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let router = axum::Router::new().nest_service("/mcp", service);
    announce(address)?;
    axum::serve(listener, router).await?;
    Ok(())
}

fn announce(address: SocketAddr) -> io::Result<()> {
    let tools: Vec<String> = catalogue::tools().into_iter().map(|tool| tool.name.into_owned()).collect();
    let prompts: Vec<String> = prompts::list().into_iter().map(|prompt| prompt.name).collect();
    let mut out = io::stdout().lock();
    writeln!(out, "{}", json!({ "listening": format!("http://{address}/mcp"), "tools": tools, "prompts": prompts }))?;
    out.flush()
}
