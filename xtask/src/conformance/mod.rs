//! `cargo xtask conformance`: the official MCP conformance suite, through Writ, on both of its sides.
//!
//! As a server, Writ stands between the suite and a fixture integration (`examples/conformance`); as a client, between
//! a worker of ours and the suite ([`driver`]). What fails is held against a baseline beside the fixture. Everything is
//! a process of its own on a free port, and gone afterwards. README.md there says what counts and what is scored.

mod approver;
mod baseline;
mod client_side;
mod driver;
mod fixture;
mod outcome;
mod proxy;
mod report;
mod server_side;
mod sets;
mod suite;
mod workspace;

use std::path::Path;

use crate::command;
use crate::progress::say;
use baseline::Baseline;
pub(crate) use driver::DriverArgs;
use outcome::Outcome;
use report::Row;
use sets::{Set, Side};
use suite::Suite;

/// The programs that stand between the suite and itself.
const BINARIES: [&str; 2] = ["writ", "conformance-fixture"];
/// Where the baselines are, seen from the workspace folder.
const BASELINES: &str = "examples/conformance";

/// What `cargo xtask conformance` takes.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ConformanceArgs {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
    /// Run Writ on one side alone
    #[arg(long, value_enum, value_name = "SIDE")]
    side: Option<Side>,
    /// Run one set alone
    #[arg(long, value_enum, value_name = "SET")]
    set: Option<Set>,
    /// Run one scenario alone
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
}

pub(crate) fn run(args: &ConformanceArgs) -> Result<(), String> {
    let workspace = command::workspace()?;
    let mut build = command::cargo(&workspace, ["build", "--workspace"]);
    for binary in BINARIES {
        build.args(["--bin", binary]);
    }
    command::run(&mut build)?;
    let suite = Suite::installed()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime can be made: {error}"))?;
    let (rows, wrong) = runtime.block_on(play(args, &suite, &workspace.join(BASELINES)))?;
    report::print(&rows, args.json)?;
    if wrong.is_empty() { Ok(()) } else { Err(format!("the baselines do not hold:\n  {}", wrong.join("\n  "))) }
}

/// Plays the worker for one scenario of the suite's client half.
pub(crate) fn drive(args: &DriverArgs) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime can be made: {error}"))?;
    runtime.block_on(driver::play(args))
}

async fn play(args: &ConformanceArgs, suite: &Suite, baselines: &Path) -> Result<(Vec<Row>, Vec<String>), String> {
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for (set, side) in sets::chosen(args.set, args.side) {
        let scenarios = wanted(args, suite, set, side)?;
        if scenarios.is_empty() {
            continue;
        }
        let name = format!("{side} {set}");
        say(&format!("{name}: {} scenarios", scenarios.len()));
        let baseline = Baseline::load(baselines, set, side)?;
        let outcomes: Vec<Outcome> = match side {
            Side::Server => server_side::play(suite, set, &scenarios).await?,
            Side::Client => client_side::play(suite, set, &scenarios).await?,
        };
        let judged = baseline.judge(&outcomes);
        wrong.extend(judged.wrong.into_iter().map(|what| format!("{name}: {what}")));
        rows.push(Row {
            set,
            side,
            passed: outcomes.iter().filter(|outcome| outcome.passed()).count(),
            total: outcomes.len(),
            expected_failures: judged.expected,
        });
    }
    if rows.is_empty() {
        return Err("there is nothing to run: no set has this scenario on this side".to_owned());
    }
    Ok((rows, wrong))
}

/// The scenarios of a set to run. One that is named together with its set and its side need not be required by the
/// set: so the optional ones can be tried.
fn wanted(args: &ConformanceArgs, suite: &Suite, set: Set, side: Side) -> Result<Vec<String>, String> {
    let required = suite.required(set, side)?;
    Ok(match &args.scenario {
        None => required,
        Some(named) if required.contains(named) || args.set.is_some() && args.side.is_some() => vec![named.clone()],
        Some(_) => Vec::new(),
    })
}
