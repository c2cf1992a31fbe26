//! `writ check DIR`: everything that can be found wrong before a worker starts.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use writ_core::definition::{Problem, Severity};
use writ_engine::workspace::{Workspace, check};

use crate::{output, wiring};

/// Check a workspace folder against its real tables and tools.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workspace folder.
    folder: PathBuf,
    /// Print one JSON object a problem, and one at the end.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    let problems = match Workspace::load(&args.folder) {
        Err(problems) => problems,
        Ok(workspace) => {
            let upstream = wiring::upstream(&workspace)?;
            check(&workspace, &upstream).await.unwrap_or_else(|problems| problems)
        }
    };
    let errors = problems.iter().filter(|problem| problem.severity > Severity::Warning).count();
    report(&problems, errors, args.json);
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(problems: &[Problem], errors: usize, json: bool) {
    let warnings = problems.len().saturating_sub(errors);
    if json {
        problems.iter().for_each(|problem| output::json(&json!(problem)));
        output::json(&json!({ "errors": errors, "warnings": warnings }));
        return;
    }
    problems.iter().for_each(|problem| output::note(&problem.to_string()));
    output::note(&format!("{errors} errors, {warnings} warnings"));
}
