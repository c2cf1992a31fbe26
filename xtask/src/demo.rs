//! `cargo demo`: builds the three programs of the demo and becomes the first of them.
//!
//! Cargo's progress goes to standard error, so that with `--json` standard output holds what the demo says and nothing
//! else.

use std::process::Command;

use crate::command::{binary, build_demo_binaries, run as run_command, shown, workspace};

/// What `cargo demo` takes.
#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// Arguments of `writ demo`, such as `--decide approve --json`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(args: &DemoArgs) -> Result<(), String> {
    run_command(&mut build_demo_binaries(&workspace()?))?;
    let mut demo = Command::new(binary("writ")?);
    demo.arg("demo").args(&args.arguments);
    become_it(&mut demo)
}

/// Signals, standard streams and the exit status are the demo's own from here on.
#[cfg(unix)]
fn become_it(command: &mut Command) -> Result<(), String> {
    let error = std::os::unix::process::CommandExt::exec(command);
    Err(format!("`{}` could not be started: {error}", shown(command)))
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` failed: {status}", shown(command))),
        Err(error) => Err(format!("`{}` could not be started: {error}", shown(command))),
    }
}
