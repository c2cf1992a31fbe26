//! The integration as a process: started on a free port, killed, and started again on the same one.

mod manner;
mod program;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::tau::server::{Server, Starting};
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
    life: Option<Server>,
}

impl Upstream {
    /// Starts it on a free port.
    pub(super) async fn start(ledger: PathBuf) -> Result<Self, String> {
        let life = begin(&ledger, "127.0.0.1:0").await?;
        Ok(Self { ledger, address: life.address().to_owned(), life: Some(life) })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Kills it.
    pub(super) async fn kill(&mut self) -> Result<(), String> {
        let Some(life) = self.life.take() else { return Ok(()) };
        life.stop().await.map_err(|why| format!("the integration: {why}"))
    }

    /// Starts it again where it was, unless it is there.
    pub(super) async fn be_there(&mut self) -> Result<(), String> {
        if self.life.as_mut().is_some_and(|life| !life.has_ended()) {
            return Ok(());
        }
        let begun = Instant::now();
        let listen = self.address.trim_start_matches("http://").to_owned();
        loop {
            match begin(&self.ledger, &listen).await {
                Ok(life) => {
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

async fn begin(ledger: &Path, listen: &str) -> Result<Server, String> {
    let failed = |why: &str| format!("the integration on {listen}: {why}");
    let program = std::env::current_exe().map_err(|error| failed(&error.to_string()))?;
    let mut command = Command::new(program);
    command.arg(TASK).arg("--ledger").arg(ledger).args(["--listen", listen]);
    let starting = Starting::spawn(command, ledger.with_extension("log")).map_err(|why| failed(&why))?;
    let started = tokio::time::timeout(Duration::from_secs(START_SECONDS_MAX), starting.listening()).await;
    started.map_err(|_| failed("it does not listen in time"))?.map_err(|why| failed(&why))
}
