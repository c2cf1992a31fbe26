//! Other programs, started in the workspace folder.
//!
//! Cargo itself is the one that started this program; the project's binaries are found beside it, so that a target
//! folder in another place needs no setting.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The binaries that make up the demo, and that the black-box tests start.
pub(crate) const DEMO_BINARIES: [&str; 3] = ["writ", "shop", "worker"];

/// The workspace folder.
pub(crate) fn workspace() -> Result<PathBuf, String> {
    // Cargo says at run time where this package is, so that a checkout may move within one target folder.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_path_buf)
        .ok_or_else(|| "run this as `cargo xtask` in the workspace folder".to_owned())
}

/// Cargo, in the workspace folder.
pub(crate) fn cargo<I>(workspace: &Path, arguments: I) -> Command
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace);
    command
}

/// Cargo, asked to build the binaries of the demo. Taking the whole workspace's features makes this the same build as
/// that of the tests.
pub(crate) fn build_demo_binaries(workspace: &Path) -> Command {
    let mut command = cargo(workspace, ["build", "--workspace"]);
    for binary in DEMO_BINARIES {
        command.args(["--bin", binary]);
    }
    command
}

/// A binary of this workspace, in the folder where this program is.
pub(crate) fn binary(name: &str) -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| format!("the folder of the binaries is not known: {error}"))?;
    Ok(here.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Runs a command with its output shown, without input. Fails where the command does.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| could_not_start(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed: {status}", shown(command))) }
}

/// Runs a command and takes its standard output; standard error is shown. Fails where the command does.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| could_not_start(command, &error))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("`{}` failed: {}", shown(command), output.status))
    }
}

/// The text of a command, as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem();
    let words = program.into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

fn could_not_start(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` could not be started: {error}", shown(command))
}
