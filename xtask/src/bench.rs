//! `cargo xtask bench`: builds the measurements of `benches/` and runs one of them.
//!
//! `policy` is built in release, without the query engine. `knowledge` runs in the build that the demo and the tests
//! use, where no dependency but SQLite is optimised: an optimised query engine takes long to compile, and an unoptimised
//! one only makes Writ's own part of the ratio worse than it is. `gateway` is built as it is released.
//! The figures are theirs; nothing is judged here. Each measures Writ beside the obvious way in one run, since on a
//! shared machine only such ratios can be compared.

use clap::{Args, Subcommand};

use crate::command::{cargo, run as run_command, workspace};

/// What `cargo xtask bench` takes.
#[derive(Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    /// Deciding a call, beside Cedar's own authorizer, at 10 to 10,000 policies
    Policy(Style),
    /// Reading a slice of 10 rows out of 1,000,000, beside the query written by hand
    Knowledge(Style),
    /// A tool call through Writ, beside the same call directly and through two other gateways
    Gateway(GatewayArgs),
}

#[derive(Args)]
struct GatewayArgs {
    #[command(flatten)]
    style: Style,
    /// Measure these targets alone, separated by commas
    #[arg(long)]
    only: Option<String>,
}

#[derive(Args)]
struct Style {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &BenchArgs) -> Result<(), String> {
    let (arguments, style): (&[&str], _) = match &args.what {
        Measurement::Policy(style) => (
            &[
                "run",
                "--release",
                "--locked",
                "--package",
                "writ-bench",
                "--bin",
                "policy",
                "--no-default-features",
                "--",
            ],
            style,
        ),
        Measurement::Knowledge(style) => (&["run", "--locked", "--bin", "knowledge", "--"], style),
        Measurement::Gateway(args) => return gateway(args),
    };
    let mut command = cargo(&workspace()?, arguments);
    if style.json {
        command.arg("--json");
    }
    run_command(&mut command)
}

/// Builds the server as it is released, and measures it beside others.
fn gateway(args: &GatewayArgs) -> Result<(), String> {
    let workspace = workspace()?;
    let server = ["build", "--release", "--locked", "--package", "writ", "--bin", "writ"];
    run_command(&mut cargo(&workspace, server))?;
    let features = ["--no-default-features", "--features", "gateway", "--"];
    let bench = ["run", "--release", "--locked", "--package", "writ-bench", "--bin", "gateway"];
    let mut command = cargo(&workspace, bench.into_iter().chain(features));
    if args.style.json {
        command.arg("--json");
    }
    if let Some(only) = &args.only {
        command.args(["--only", only]);
    }
    run_command(&mut command)
}
