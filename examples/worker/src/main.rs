//! The demo's agent: a program of its own that speaks MCP to Writ as any agent would.
//!
//! It settles one case of the shop: reads, reasons aloud, tries three things that it may not do, proposes a refund
//! and a note, waits for a person and concludes. No model is involved, so that the demo is the same each time; what
//! it does is what an agent with a model would be made to do. It knows nothing of Writ but the protocol, takes its
//! token from the environment alone, and may be killed and started again at any point.

#![cfg_attr(test, allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used))]

mod answer;
mod decisions;
mod error;
mod facts;
mod forbidden;
mod mission;
mod money;
mod report;
mod session;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use error::WorkerError;
use report::{Report, Step};
use session::Session;

/// Where the run's token is looked for. An argument would show it to everybody on the machine.
const TOKEN_VARIABLE: &str = "WRIT_TOKEN";

/// Settles one case of the demo's shop, through Writ. The run's token is taken from WRIT_TOKEN.
#[derive(Parser)]
#[command(name = "worker", version)]
struct Cli {
    /// Writ's MCP endpoint
    #[arg(long, value_name = "URL")]
    url: String,
    /// The case to settle
    #[arg(long, value_name = "CASE")]
    case: String,
    /// Write one JSON object a line to standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// Pause this long after each step
    #[arg(long, value_name = "N", default_value_t = 0)]
    delay_ms: u64,
    /// End at once after this step, as if killed
    #[arg(long, value_enum, value_name = "STEP")]
    kill_after: Option<Step>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed, nobody is left to be told.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), WorkerError> {
    let token = std::env::var(TOKEN_VARIABLE).map_err(|_| WorkerError::NoToken(TOKEN_VARIABLE))?;
    let report = Report::new(cli.json, Duration::from_millis(cli.delay_ms), cli.kill_after);
    let session = Session::connect(&cli.url, &token).await?;
    let verdict = mission::settle(&session, &report, &cli.case).await?;
    session.close().await;
    report.verdict(&verdict)
}
