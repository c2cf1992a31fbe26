//! `writ serve` as a process: started on a free port, told things by signals, killed.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::{Acme, program};

const START_SECONDS_MAX: u64 = 60;
const END_SECONDS_MAX: u64 = 30;
const LOG: &str = "serve.log";

/// A server that has been started and may not listen yet.
#[derive(Debug)]
pub struct Starting {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
    /// How long the log was before.
    logged: usize,
}

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    log: PathBuf,
    /// Kept open, so that the server may go on writing.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Serves a workspace, and waits until it answers.
    pub async fn start(acme: &Acme) -> Self {
        Self::spawn(acme).listening().await.unwrap_or_else(|why| panic!("the server does not start: {why}"))
    }

    /// Starts to serve a workspace.
    #[must_use]
    pub fn spawn(acme: &Acme) -> Starting {
        acme.choose_store();
        let log = acme.beside(LOG);
        let logged = std::fs::read(&log).map_or(0, |text| text.len());
        let file = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = program::command("writ");
        command.arg("serve").arg(acme.folder()).args(["--listen", "127.0.0.1:0", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().expect("`writ serve` starts");
        let said = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        Starting { child, said, log, logged }
    }

    /// Where it listens: `http://127.0.0.1:…`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Everything that servers of this workspace have logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().expect("the server runs");
        let told = std::process::Command::new("sh").args(["-c", &format!("kill -s {name} {id}")]).status();
        assert!(told.is_ok_and(|status| status.success()), "the signal {name} could not be sent");
    }

    /// Kills it: no goodbye, nothing written after this moment.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the server can be killed");
    }

    /// Asks it to end, and gives its exit code.
    pub async fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        let ended = tokio::time::timeout(Duration::from_secs(END_SECONDS_MAX), self.child.wait()).await;
        ended.expect("the server ends when asked to").unwrap().code()
    }
}

impl Starting {
    /// The server, once it answers.
    ///
    /// # Errors
    /// What it said, where it ended instead.
    pub async fn listening(mut self) -> Result<Server, String> {
        let line = tokio::time::timeout(Duration::from_secs(START_SECONDS_MAX), self.said.next_line()).await;
        let Some(line) = line.expect("the server says something in time").unwrap() else {
            let code = self.child.wait().await.unwrap().code();
            let log = std::fs::read(&self.log).unwrap();
            return Err(format!("exit code {code:?}: {}", String::from_utf8_lossy(&log[self.logged..])));
        };
        let told: Json = serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}`: {error}"));
        let address = told["listening"].as_str().expect("the address").to_owned();
        Ok(Server { child: self.child, address, log: self.log, _said: self.said })
    }

    /// Kills it, wherever it is by now.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the server can be killed");
    }
}
