//! `cargo xtask test`: everything that must hold, in one order, stopping at the first thing that does not.
//!
//! Cheap checks come first. All steps share one target folder and one set of features, so that nothing is compiled
//! twice. What happens is said on standard error; the last line of standard output counts the steps.

mod demo;
mod prerequisites;

use std::ffi::OsStr;
use std::path::Path;

use clap::Parser as _;

use crate::command::{build_demo_binaries, cargo, run as run_command, workspace};
use crate::progress::{readable, say, tell, timed};
use crate::{Cli, chaos, conformance, tidy};

/// Where the recorded tasks are, seen from the workspace folder. They come with a checkout of the project's shared
/// folder, which a plain clone does not have.
const TAU_DATA: &str = "../shared/data/tau-retail";

/// What became of a step that did not fail.
enum Outcome {
    Passed,
    Skipped(String),
}

struct Step {
    name: &'static str,
    run: fn(&Path) -> Result<Outcome, String>,
}

const STEPS: [Step; 12] = [
    Step { name: "prerequisites", run: |_| passed(prerequisites::install()) },
    Step { name: "formatting", run: |workspace| cargo_passes(workspace, ["fmt", "--all", "--check"]) },
    Step { name: "lints", run: lints },
    Step { name: "tidy", run: |workspace| passed(tidy::run(workspace)) },
    Step { name: "documentation", run: documentation },
    Step { name: "binaries", run: |workspace| passed(run_command(&mut build_demo_binaries(workspace))) },
    Step { name: "tests", run: |workspace| cargo_passes(workspace, ["test", "--workspace", "--locked"]) },
    Step { name: "tests on PostgreSQL", run: on_postgresql },
    Step { name: "demo", run: |workspace| passed(demo::check(workspace)) },
    Step { name: "conformance", run: |_| passed(conformance::run(&conformance::ConformanceArgs::default())) },
    Step { name: "chaos", run: |_| passed(chaos::run(&chaos::ChaosArgs::default())) },
    Step { name: "tau-retail", run: tau },
];

pub(crate) fn run() -> Result<(), String> {
    let workspace = workspace()?;
    let (mut done, mut skipped) = (0, 0);
    for Step { name, run } in STEPS {
        say(&format!("==> {name}"));
        let (outcome, duration) = timed(|| run(&workspace));
        let duration = readable(duration);
        match outcome {
            Ok(Outcome::Passed) => {
                say(&format!("    {name} passed in {duration}"));
                done += 1;
            }
            Ok(Outcome::Skipped(why)) => {
                say(&format!("    {name} SKIPPED: {why}"));
                skipped += 1;
            }
            Err(why) => {
                tell(&summary(done, 1, skipped))?;
                return Err(format!("{name} failed after {duration}: {why}"));
            }
        }
    }
    tell(&summary(done, 0, skipped))
}

/// The closing line, in a form that scripts look for.
fn summary(passed: usize, failed: usize, skipped: usize) -> String {
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    format!("{passed} passed, {failed} failed{skipped}")
}

fn passed(outcome: Result<(), String>) -> Result<Outcome, String> {
    outcome.map(|()| Outcome::Passed)
}

fn cargo_passes<I>(workspace: &Path, arguments: I) -> Result<Outcome, String>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    passed(run_command(&mut cargo(workspace, arguments)))
}

fn lints(workspace: &Path) -> Result<Outcome, String> {
    cargo_passes(workspace, ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

fn documentation(workspace: &Path) -> Result<Outcome, String> {
    let mut command = cargo(workspace, ["doc", "--workspace", "--no-deps", "--locked"]);
    passed(run_command(command.env("RUSTDOCFLAGS", "-D warnings")))
}

/// The tests of the store and those from outside once more, with the store on a server that they start.
fn on_postgresql(workspace: &Path) -> Result<Outcome, String> {
    let mut command = cargo(workspace, ["test", "--workspace", "--locked", "--test", "store", "--test", "blackbox"]);
    passed(run_command(command.env("WRIT_TEST_STORE", "postgres")))
}

fn tau(workspace: &Path) -> Result<Outcome, String> {
    let data = workspace.join(TAU_DATA);
    if !data.is_dir() {
        let missing = format!("there is no `{TAU_DATA}`");
        return if std::env::var_os("CI").is_some() { Err(missing) } else { Ok(Outcome::Skipped(missing)) };
    }
    let words: [&OsStr; 4] = ["xtask".as_ref(), "tau".as_ref(), "--data".as_ref(), data.as_os_str()];
    let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    passed(crate::run(cli.task))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_counts_steps() {
        assert_eq!(summary(9, 0, 0), "9 passed, 0 failed");
        assert_eq!(summary(3, 1, 1), "3 passed, 1 failed, 1 skipped");
    }
}
