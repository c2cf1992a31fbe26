//! `writ drill DIR`: what Writ promises, tried out on a workspace.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use writ_core::visible::visible_whole;
use writ_drill::{DrillError, Finding, Outcome, Sabotage, drill};

use crate::{output, wiring};

/// Try what Writ promises on a workspace, with stub integrations and a store of its own.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workspace folder.
    folder: PathBuf,
    /// Print one JSON object a guarantee, and one at the end.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    if std::env::var_os("WRIT_LOG").is_some() {
        output::log();
    }
    let workspace = wiring::load(&args.folder)?;
    let told = |finding: &Finding| {
        if args.json {
            output::json(&json!(finding));
        } else {
            output::data(&line(finding));
        }
    };
    let summary = drill(&workspace, Sabotage::Nothing, told).await.map_err(|error| match error {
        DrillError::Problems(problems) => wiring::listed(&problems),
        DrillError::Scratch(_) => wiring::chain(&error),
    })?;
    if args.json {
        output::json(&json!(summary));
    } else {
        output::note(&format!(
            "{} guarantees: {} passed, {} failed, {} not applicable",
            summary.guarantees, summary.passed, summary.failed, summary.not_applicable
        ));
    }
    Ok(if summary.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One guarantee, for a person. What others have named is kept from steering the terminal.
fn line(finding: &Finding) -> String {
    let outcome = match finding.outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::NotApplicable => "not applicable",
    };
    let why = visible_whole(&finding.why);
    let line = format!("{outcome:<14}  {:<36}  {why}", finding.guarantee);
    match finding.outcome {
        Outcome::Fail => format!("{line}\n{:<14}  invariant: {}", "", finding.invariant),
        _ => line,
    }
}
