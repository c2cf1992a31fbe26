//! The fixture integration as a process of its own.

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::command::binary;

const START_SECONDS_MAX: u64 = 30;

/// The fixture, serving.
#[derive(Debug)]
pub(super) struct Fixture {
    child: Child,
    pub(super) offers: Offers,
}

/// What the fixture says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Offers {
    /// Its address.
    #[serde(rename = "listening")]
    pub(super) url: String,
    pub(super) tools: Vec<String>,
    pub(super) prompts: Vec<String>,
}

impl Fixture {
    /// Starts it on a free port.
    pub(super) async fn start() -> Result<Self, String> {
        let program = binary("conformance-fixture")?;
        let failed = |why: &str| format!("`{}`: {why}", program.display());
        let mut command = Command::new(&program);
        command.args(["--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
        let stdout = child.stdout.take().ok_or_else(|| failed("it has no standard output"))?;
        let mut said = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(Duration::from_secs(START_SECONDS_MAX), said.next_line()).await;
        let line =
            line.map_err(|_| failed("it does not listen in time"))?.map_err(|error| failed(&error.to_string()))?;
        let line = line.ok_or_else(|| failed("it ended before it listened"))?;
        let offers = serde_json::from_str(&line).map_err(|error| failed(&error.to_string()))?;
        Ok(Self { child, offers })
    }

    /// Ends it.
    pub(super) async fn stop(mut self) -> Result<(), String> {
        self.child.kill().await.map_err(|error| format!("the fixture does not end: {error}"))
    }
}
