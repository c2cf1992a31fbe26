//! Writ itself, as a program of its own: started on a free port, and gone when this one ends.
//!
//! The binary is the one beside this program. What the server has to say goes to a file, whose end is shown where
//! something failed. Any program is started so that says where it is `listening`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const START_SECONDS_MAX: u64 = 120;
const PROGRAM_SECONDS_MAX: u64 = 60;
const END_SECONDS_MAX: u64 = 30;
/// How many lines of the server's log are shown where something failed.
const LOG_LINES_SHOWN: usize = 12;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: String,
    log: PathBuf,
    /// Kept open, so that the server may go on writing.
    _said: Lines<BufReader<ChildStdout>>,
}

/// A server that has been started and may not listen yet.
#[derive(Debug)]
pub(crate) struct Starting {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

/// The command that serves a workspace folder.
pub(crate) fn serve(writ: &Path, workspace: &Path) -> Command {
    let mut command = Command::new(writ);
    command.arg("serve").arg(workspace).arg("--json");
    command
}

impl Starting {
    /// Starts a command that serves.
    pub(crate) fn spawn(mut command: Command, log: PathBuf) -> Result<Self, String> {
        let file = std::fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("the server does not start: {error}"))?;
        let stdout = child.stdout.take().ok_or("the server has no standard output")?;
        Ok(Self { child, said: BufReader::new(stdout).lines(), log })
    }

    /// The server, once it answers.
    pub(crate) async fn listening(mut self) -> Result<Server, String> {
        let limit = Duration::from_secs(START_SECONDS_MAX);
        let log = &self.log;
        let address = match tokio::time::timeout(limit, listening(&mut self.said)).await {
            Ok(Some(address)) => address,
            Ok(None) => return Err(format!("the server ended before it listened{}", end_of(log))),
            Err(_) => return Err(format!("the server did not listen within {START_SECONDS_MAX} s{}", end_of(log))),
        };
        Ok(Server { child: self.child, address, log: self.log, _said: self.said })
    }

    /// Kills it, wherever it is by now.
    pub(crate) async fn kill(mut self) -> Result<(), String> {
        self.child.kill().await.map_err(|error| format!("the server does not end: {error}"))
    }
}

impl Server {
    /// Serves a workspace folder, and waits until it answers.
    pub(crate) async fn start(writ: &Path, workspace: &Path, log: PathBuf) -> Result<Self, String> {
        Starting::spawn(serve(writ, workspace), log)?.listening().await
    }

    /// Where it listens: `http://127.0.0.1:…`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// An error with what the server said last.
    pub(crate) fn explain(&self, error: &str) -> String {
        format!("{error}{}", end_of(&self.log))
    }

    /// Ends it: no goodbye, nothing written after this moment.
    pub(crate) async fn stop(mut self) -> Result<(), String> {
        self.child.kill().await.map_err(|error| format!("the server does not end: {error}"))
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn end(mut self) -> Result<(), String> {
        self.signal(Signal::TERM)?;
        match tokio::time::timeout(Duration::from_secs(END_SECONDS_MAX), self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.explain(&format!("the server ended with {status}"))),
            Ok(Err(error)) => Err(format!("the server's end cannot be waited for: {error}")),
            Err(_) => Err(self.explain(&format!("the server did not end within {END_SECONDS_MAX} s"))),
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), String> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let id = id.ok_or("the server has ended")?;
        kill_process(id, signal).map_err(|error| format!("the server cannot be sent a signal: {error}"))
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// A personal token, from the program itself.
pub(crate) async fn token(writ: &Path, workspace: &Path, person: &str) -> Result<String, String> {
    let failed = |why: &str| format!("`writ person token {person}`: {why}");
    let mut command = Command::new(writ);
    command.args(["person", "token", person, "--workspace"]).arg(workspace).arg("--json");
    let said = said(command).await.map_err(|why| failed(&why))?;
    let said: Value = serde_json::from_slice(&said).map_err(|error| failed(&error.to_string()))?;
    said.get("token").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| failed("it says no token"))
}

/// What a command says on standard output, until it has ended well.
pub(crate) async fn said(mut command: Command) -> Result<Vec<u8>, String> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(PROGRAM_SECONDS_MAX), command.output()).await;
    let output = output.map_err(|_| "it does not end")?.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(output.stdout)
}

/// The address, once the server says it; nothing where it ends before.
async fn listening(said: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    while let Ok(Some(line)) = said.next_line().await {
        let address = serde_json::from_str::<Value>(&line).ok();
        let address = address.as_ref().and_then(|line| line.get("listening")).and_then(Value::as_str);
        if let Some(address) = address {
            return Some(address.to_owned());
        }
    }
    None
}

fn end_of(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.get(lines.len().saturating_sub(LOG_LINES_SHOWN)..).unwrap_or_default();
    if shown.is_empty() { String::new() } else { format!("; it said last:\n  {}", shown.join("\n  ")) }
}
