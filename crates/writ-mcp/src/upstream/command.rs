//! The command that starts a child process, with what it may use and with whom it ends.
//!
//! The child sees nothing of Writ's environment but `PATH`, and is in a process group of its own, so that a
//! terminal's interrupt is Writ's to handle. Its limits are set by `prlimit` and its death with Writ's by
//! `setpriv`, which become the program itself: both belong to util-linux, since this program has no unsafe code to
//! set them between fork and exec. A limit that cannot be set is an error; where `setpriv` is missing, a child
//! still ends with its connection.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::connection::Limits;

const BYTES_PER_MEBIBYTE: u64 = 1024 * 1024;

/// The command for a program, with no environment but `PATH` yet.
pub(super) fn command(program: &Path, args: &[String], cwd: Option<&Path>, limits: &Limits) -> Result<Command, String> {
    let path = std::env::var_os("PATH");
    let Some(program) = find(program, path.as_deref()) else {
        return Err(format!("`{}` cannot be started: there is no such program", program.display()));
    };
    let mut words = limited(limits, path.as_deref())?;
    if let Some(setpriv) = find(Path::new("setpriv"), path.as_deref()) {
        words.extend([setpriv.into_os_string(), "--pdeathsig".into(), "KILL".into(), "--".into()]);
    }
    words.push(program.into_os_string());
    words.extend(args.iter().map(OsString::from));

    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).env_clear().kill_on_drop(true);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    if let Some(cwd) = cwd {
        command.current_dir(cwd);
    }
    #[cfg(unix)]
    command.process_group(0);
    Ok(command)
}

/// The words in front of a program that limit it.
fn limited(limits: &Limits, path: Option<&OsStr>) -> Result<Vec<OsString>, String> {
    let memory_bytes = limits.memory_mib.map(|mebibytes| mebibytes.saturating_mul(BYTES_PER_MEBIBYTE));
    let asked = [("as", memory_bytes), ("cpu", limits.processor_seconds), ("nofile", limits.open_files)];
    let asked: Vec<String> =
        asked.into_iter().filter_map(|(name, limit)| Some(format!("--{name}={}", limit?))).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let Some(prlimit) = find(Path::new("prlimit"), path) else {
        return Err("the limits of its process cannot be set: the program `prlimit` is not installed".to_owned());
    };
    let mut words = vec![prlimit.into_os_string()];
    words.extend(asked.into_iter().map(OsString::from));
    words.push("--".into());
    Ok(words)
}

/// Where a program is: at its path, or by its name in one of the search path's folders.
fn find(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return std::path::absolute(program).ok().filter(|program| program.is_file());
    }
    std::env::split_paths(path?).map(|folder| folder.join(program)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(limits: &Limits) -> Vec<String> {
        let command = command(Path::new("sh"), &["-c".to_owned(), "true".to_owned()], None, limits).unwrap();
        let command = command.as_std();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_program_that_is_not_there_is_said_so() {
        let error = command(Path::new("no-such-program-here"), &[], None, &Limits::default()).unwrap_err();
        assert!(error.contains("`no-such-program-here` cannot be started"), "{error}");
        assert!(command(Path::new("/no/such/program"), &[], None, &Limits::default()).is_err());
    }

    #[test]
    fn the_program_comes_last_and_its_environment_is_empty() {
        let limits = Limits { memory_mib: Some(64), open_files: Some(32), ..Limits::default() };
        let words = words(&limits);
        assert!(words.iter().any(|word| word == "--as=67108864") && words.iter().any(|word| word == "--nofile=32"));
        assert!(words.ends_with(&["-c".to_owned(), "true".to_owned()]));
        let command = command(Path::new("sh"), &[], None, &limits).unwrap();
        let names: Vec<&OsStr> = command.as_std().get_envs().map(|(name, _)| name).collect();
        assert_eq!(names, ["PATH"]);
    }

    #[tokio::test]
    async fn a_limit_holds_in_the_process() {
        let limits = Limits { open_files: Some(33), processor_seconds: Some(7), ..Limits::default() };
        let script = ["-c".to_owned(), "ulimit -n; ulimit -t; env".to_owned()];
        let output = command(Path::new("sh"), &script, None, &limits).unwrap().output().await.unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines[..2], ["33", "7"]);
        assert!(lines.iter().any(|line| line.starts_with("PATH=")), "{output}");
        assert!(!lines.iter().any(|line| line.starts_with("HOME=") || line.starts_with("CARGO")), "{output}");
    }
}
