//! The integration as a process: started on a free port, killed, and started again on the same one.

mod manner;
mod program;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

pub(super) use manner::Manner;
pub(crate) use program::{UpstreamArgs, serve};

/// The task of this program that the integration is.
const TASK: &str = "chaos-upstream";

const START_SECONDS_MAX: u64 = 30;
/// How long to wait before a port that is still in use is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// The integration, or the place where it was.
#[derive(Debug)]
pub(super) struct Upstream {
    ledger: PathBuf,
    /// Where it listens: `http://127.0.0.1:…`.
    address: String,
    life: Option<Life>,
}

#[derive(Debug)]
struct Life {
    child: Child,
    /// Kept open, so that it may go on writing.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Upstream {
    /// Starts it on a free port.
    pub(super) async fn start(ledger: PathBuf) -> Result<Self, String> {
        let (address, life) = begin(&ledger, "127.0.0.1:0").await?;
        Ok(Self { ledger, address, life: Some(life) })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Kills it.
    pub(super) async fn kill(&mut self) -> Result<(), String> {
        let Some(mut life) = self.life.take() else { return Ok(()) };
        life.child.kill().await.map_err(|error| format!("the integration does not end: {error}"))
    }

    /// Starts it again where it was, unless it is there.
    pub(super) async fn be_there(&mut self) -> Result<(), String> {
        if self.life.as_mut().is_some_and(|life| matches!(life.child.try_wait(), Ok(None))) {
            return Ok(());
        }
        let begun = Instant::now();
        let listen = self.address.trim_start_matches("http://").to_owned();
        loop {
            match begin(&self.ledger, &listen).await {
                Ok((_, life)) => {
                    self.life = Some(life);
                    return Ok(());
                }
                // Somebody else may have had the port for a moment.
                Err(why) if begun.elapsed() > Duration::from_secs(START_SECONDS_MAX) => return Err(why),
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }
}

async fn begin(ledger: &Path, listen: &str) -> Result<(String, Life), String> {
    let failed = |why: &str| format!("the integration on {listen}: {why}");
    let program = std::env::current_exe().map_err(|error| failed(&error.to_string()))?;
    let mut command = Command::new(program);
    command.arg(TASK).arg("--ledger").arg(ledger).args(["--listen", listen]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
    let stdout = child.stdout.take().ok_or_else(|| failed("it has no standard output"))?;
    let mut said = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(Duration::from_secs(START_SECONDS_MAX), said.next_line()).await;
    let line = line.map_err(|_| failed("it does not listen in time"))?.map_err(|error| failed(&error.to_string()))?;
    let line = line.ok_or_else(|| failed("it ended before it listened"))?;
    let told: Value = serde_json::from_str(&line).map_err(|error| failed(&error.to_string()))?;
    let address = told.get("listening").and_then(Value::as_str).ok_or_else(|| failed("it says no address"))?;
    Ok((address.to_owned(), Life { child, _said: said }))
}
