//! `cargo xtask bench`: builds the measurements of `benches/` in release and runs one of them.
//!
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
}

#[derive(Args)]
struct Style {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &BenchArgs) -> Result<(), String> {
    // Policy alone needs no query engine, whose release build takes the longest.
    let (binary, features, style) = match &args.what {
        Measurement::Policy(style) => ("policy", "", style),
        Measurement::Knowledge(style) => ("knowledge", "knowledge", style),
    };
    let arguments = ["run", "--release", "--locked", "--package", "writ-bench", "--bin", binary];
    let mut command = cargo(&workspace()?, arguments);
    command.args(["--no-default-features", "--features", features, "--"]);
    if style.json {
        command.arg("--json");
    }
    run_command(&mut command)
}
