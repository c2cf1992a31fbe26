//! `cargo xtask model`: builds the model of `model/` and visits every state within its bounds.
//!
//! The everyday bounds run in the build of the tests, which holds to them too; the deep ones want an optimised build.

use clap::Args;

use crate::command::{cargo, run as run_command, workspace};

/// What `cargo xtask model` takes.
#[derive(Args)]
pub(crate) struct ModelArgs {
    /// Go further than the tests do: minutes, in an optimised build
    #[arg(long)]
    deep: bool,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ModelArgs) -> Result<(), String> {
    let everyday: &[&str] = &["run", "--locked", "--bin", "writ-model", "--"];
    let deep: &[&str] =
        &["run", "--release", "--locked", "--package", "writ-model", "--bin", "writ-model", "--", "--deep"];
    let mut command = cargo(&workspace()?, if args.deep { deep } else { everyday });
    if args.json {
        command.arg("--json");
    }
    run_command(&mut command)
}
