//! What one round plays on: a workspace of its own, its server through all its lives, and its integration.
//!
//! Everything runs in one task, so that nothing of a round outlives it. Whoever asks a server that is gone gets no
//! answer, and asks again at the address of the next one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::{Mutex, watch};

use super::Store;
use super::ledger::{self, Entry, What};
use super::notes::Notes;
use super::upstream::Upstream;
use super::workspace::{self, PERSON, VOTERS};
use crate::tau::client::Writ;
use crate::tau::server::{self, Server, Starting, serve};

/// How long anything is waited for.
const WAIT_SECONDS_MAX: u64 = 60;
const PAUSE: Duration = Duration::from_millis(3);
/// The key with which tokens are issued, in a workspace folder.
const TOKEN_KEY: &str = "data/keys/token.key";

/// A person with a token.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) token: String,
}

/// What all rounds share: the program, and people with tokens that are good in each of them.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) writ: PathBuf,
    pub(super) person: Person,
    pub(super) voters: Vec<Person>,
    pub(super) store: Store,
    /// Where the key lies with which the tokens were issued.
    folder: TempDir,
}

impl Cast {
    /// Issues the tokens.
    pub(super) async fn gather(writ: PathBuf, store: Store) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
        workspace::write(folder.path(), "http://127.0.0.1:1", store)?;
        let person = person(&writ, folder.path(), PERSON).await?;
        let mut voters = Vec::new();
        for voter in VOTERS {
            voters.push(self::person(&writ, folder.path(), voter).await?);
        }
        Ok(Self { writ, person, voters, store, folder })
    }

    /// The voter of a number; the first one after the last.
    pub(super) fn voter(&self, number: usize) -> Result<&Person, String> {
        self.voters.iter().cycle().nth(number).ok_or_else(|| "there are no voters".to_owned())
    }
}

async fn person(writ: &Path, folder: &Path, name: &str) -> Result<Person, String> {
    Ok(Person { name: name.to_owned(), token: server::token(writ, folder, name).await? })
}

/// How large the files of a server may become.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileLimit {
    pub(super) bytes: u64,
    /// Whether a write beyond it fails; otherwise it ends the server.
    pub(super) fails: bool,
}

/// The stage.
#[derive(Debug)]
pub(super) struct Stage<'c> {
    pub(super) cast: &'c Cast,
    pub(super) desk: PathBuf,
    pub(super) upstream: Mutex<Upstream>,
    pub(super) notes: Notes,
    server: Mutex<Option<Server>>,
    reached: watch::Sender<Arc<Writ>>,
    folder: TempDir,
    lives: AtomicU64,
}

impl<'c> Stage<'c> {
    /// Sets it up, with a server that answers.
    pub(super) async fn open(cast: &'c Cast) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("writ-chaos-").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder can be made: {error}"))?;
        let desk = folder.path().join("desk");
        let upstream = Upstream::start(folder.path().join("ledger")).await?;
        workspace::write(&desk, upstream.address(), cast.store)?;
        let key = desk.join(TOKEN_KEY);
        key.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::copy(cast.folder.path().join(TOKEN_KEY), &key))
            .map_err(|error| format!("{}: {error}", key.display()))?;
        let nowhere = Arc::new(Writ::at("http://127.0.0.1:1")?);
        let stage = Self {
            cast,
            desk,
            upstream: Mutex::new(upstream),
            notes: Notes::default(),
            server: Mutex::new(None),
            reached: watch::Sender::new(nowhere),
            folder,
            lives: AtomicU64::new(0),
        };
        stage.start_server(None).await?;
        Ok(stage)
    }

    /// The server as it is reached now, or was last.
    pub(super) fn writ(&self) -> Arc<Writ> {
        Arc::clone(&self.reached.borrow())
    }

    /// A place for the files of this round.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives the round's files up, to be looked at by a person.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// Starts the server; one that is there still is killed first.
    pub(super) async fn start_server(&self, limit: Option<FileLimit>) -> Result<(), String> {
        let mut server = self.server.lock().await;
        if let Some(before) = server.take() {
            before.stop().await?;
        }
        let started = self.begin(limit)?.listening().await?;
        self.reached.send_replace(Arc::new(Writ::at(started.address())?));
        *server = Some(started);
        Ok(())
    }

    /// Begins to start the server.
    pub(super) fn begin(&self, limit: Option<FileLimit>) -> Result<Starting, String> {
        let life = self.lives.fetch_add(1, Ordering::Relaxed);
        let served = serve(&self.cast.writ, &self.desk);
        let command = match limit {
            None => served,
            Some(limit) => limited(&served, limit),
        };
        Starting::spawn(command, self.beside(&format!("writ-{life}.log")))
    }

    /// Kills the server: no goodbye, nothing written after this moment.
    pub(super) async fn kill_server(&self) -> Result<(), String> {
        let Some(server) = self.server.lock().await.take() else { return Ok(()) };
        self.notes.kill();
        server.stop().await
    }

    /// Kills the server a little later.
    pub(super) async fn kill_server_after(&self, milliseconds: u64) -> Result<(), String> {
        pause(milliseconds).await;
        self.kill_server().await
    }

    /// Ends the server in order.
    pub(super) async fn end_server(&self) -> Result<(), String> {
        match self.server.lock().await.take() {
            Some(server) => server.end().await,
            None => Ok(()),
        }
    }

    /// Sends the server a signal.
    pub(super) async fn signal(&self, signal: Signal) -> Result<(), String> {
        match self.server.lock().await.as_ref() {
            Some(server) => server.signal(signal),
            None => Err("there is no server".to_owned()),
        }
    }

    /// Whether the server has ended by itself.
    pub(super) async fn server_has_ended(&self) -> bool {
        self.server.lock().await.as_mut().is_none_or(Server::has_ended)
    }

    /// An error with what the server said last.
    pub(super) async fn explain(&self, error: &str) -> String {
        match self.server.lock().await.as_ref() {
            Some(server) => server.explain(error),
            None => error.to_owned(),
        }
    }

    /// Everything that the integration has written down.
    pub(super) fn ledger(&self) -> Result<Vec<Entry>, String> {
        ledger::read(&self.beside("ledger"))
    }

    /// Waits until the integration has written this down of a request.
    pub(super) async fn until_written(&self, what: What, key: &str) -> Result<(), String> {
        until(&format!("`{key}` is {what:?} in the ledger"), async || {
            let entries = self.ledger().ok()?;
            entries.iter().any(|entry| entry.is(what, key)).then_some(())
        })
        .await
    }
}

/// A command with a limit on its files. A process gets a signal at its first write beyond the limit, which it may ignore
/// from its start; then the write fails.
fn limited(command: &Command, limit: FileLimit) -> Command {
    let ignoring = if limit.fails { "trap '' XFSZ; " } else { "" };
    let script = format!("{ignoring}exec prlimit --fsize=\"$0\" \"$@\"");
    let command = command.as_std();
    let mut limited = Command::new("sh");
    limited.args(["-c", &script, &limit.bytes.to_string()]).arg(command.get_program()).args(command.get_args());
    limited
}

/// Asks again and again until there is an answer. `what` says what was waited for, where it never comes.
pub(super) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> Result<T, String> {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return Ok(found);
        }
        if begun.elapsed() > Duration::from_secs(WAIT_SECONDS_MAX) {
            return Err(format!("not within {WAIT_SECONDS_MAX} s: {what}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Lets some milliseconds pass, where chance decides when something is to happen.
pub(super) async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
