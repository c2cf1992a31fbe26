//! Opening a store: keys, lock, database, and the check that the log still is what was signed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{oneshot, watch};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::hash::Hash;
use writ_trail::note::{Signer, Verifier};
use writ_trail::tree::Tree;

use crate::backend::{Database, Reads};
use crate::commit::{Commit, CommitError, Durable};
use crate::front::Front;
use crate::shown::{Ending, Shared};
use crate::tiles::Upper;
use crate::writer::{Message, Reply, Request, Writer, replace_file};

/// How many requests may wait for the writer.
const WAITING_REQUESTS_MAX: usize = 8192;

/// How to open a store.
#[derive(Debug)]
pub struct Options {
    /// The folder: `checkpoint` and `lock` live in it, and `writ.db` where the database is SQLite.
    pub folder: PathBuf,
    /// Signs the log's checkpoints; its name is the log's origin.
    pub signer: Signer,
    /// Where events and tables are.
    pub database: Database,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    /// Taken when the store is dropped, which ends the writer.
    requests: Option<SyncSender<Message>>,
    front: Arc<Mutex<Front>>,
    writer: Option<std::thread::JoinHandle<()>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) reads: Box<dyn Reads>,
    pub(crate) verifier: Verifier,
    pub(crate) upper: Mutex<Upper>,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open. Names the folder, or the server and its database.
    #[error("the store in `{0}` is in use by another process")]
    InUse(String),
    /// The database server cannot be reached, or refuses.
    #[error("the database: {0}")]
    Unreachable(String),
    /// The database server could not keep what a store promises.
    #[error("the database cannot hold a store: {0}")]
    Unfit(String),
    /// The tables were made by a newer program.
    #[error("the store has schema version {found}, this program knows {known}; use the newer program")]
    Newer {
        /// The store's version.
        found: i64,
        /// This program's version.
        known: i64,
    },
    /// The log and its last signed checkpoint do not go together: the database is older than what was signed, or
    /// was changed.
    #[error("the log does not match its last signed checkpoint: {0}; do not go on with a restored or altered database")]
    Forked(String),
    /// The database failed.
    #[error("the database")]
    Database(#[from] rusqlite::Error),
    /// A file failed.
    #[error("the file `{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something stored cannot be read.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

impl Store {
    /// Opens a store, or makes a new one in an empty folder.
    ///
    /// # Errors
    /// [`OpenError`]; above all [`OpenError::Forked`] where the log is not the one that was signed.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options { folder, signer, database } = options;
        let file_error = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::File { path, source }
        };
        std::fs::create_dir_all(&folder).map_err(file_error(&folder))?;
        let lock_path = folder.join("lock");
        let lock = std::fs::File::create(&lock_path).map_err(file_error(&lock_path))?;
        lock.try_lock().map_err(|_| OpenError::InUse(folder.display().to_string()))?;

        let opened = match &database {
            Database::Sqlite => crate::sqlite::open(&folder)?,
            Database::Postgres(url) => crate::postgres::open(url)?,
        };
        let checkpoint_file = folder.join("checkpoint");
        let verifier = signer.verifier();
        let (note, signed_size) = signed(&checkpoint_file, &signer, &verifier, &opened.leaves)?;
        let found = opened.leaves.len();
        if let Some(counted) = opened.counted
            && usize::try_from(counted).ok() != Some(found)
        {
            return Err(OpenError::Forked(format!("{counted} leaves were counted, {found} are there")));
        }
        let last_leaf = opened.leaves.last().copied();
        let tree = Tree::from_leaves(opened.leaves);
        let shared = Arc::new(Shared {
            runs: RwLock::new(states(opened.open_runs)?),
            decisions: RwLock::new(states(opened.open_decisions)?),
            leaves: watch::Sender::new(tree.len()),
            checkpoint: RwLock::new(note),
            stopped: RwLock::new(None),
            unavailable: RwLock::new(None),
        });
        let (requests, receiver) = sync_channel(WAITING_REQUESTS_MAX);
        let front = Arc::new(Mutex::new(Front::new(tree.len())));
        let work = Writer {
            database: opened.writes,
            shared: shared.clone(),
            tree,
            last_leaf,
            signer,
            checkpoint_file,
            signed_size,
            front: Arc::clone(&front),
            lost: None,
            in_doubt: None,
            _lock: lock,
        };
        let writer = std::thread::Builder::new()
            .name("writ-store-writer".to_owned())
            .spawn(move || {
                let _ending = Ending(Arc::clone(&work.shared));
                work.serve(&receiver);
            })
            .map_err(file_error(&folder))?;
        Ok(Self {
            requests: Some(requests),
            front,
            writer: Some(writer),
            shared,
            reads: opened.reads,
            verifier,
            upper: Mutex::default(),
        })
    }

    /// Records events. The answer comes once they are synced, together with whatever else was waiting.
    ///
    /// # Errors
    /// [`CommitError`]: nothing was recorded, except that after [`CommitError::Stopped`] and [`CommitError::InDoubt`]
    /// nobody knows.
    pub async fn commit(&self, commit: Commit) -> Result<Durable, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Message::Request(Request { commit, reply: Reply::Durable(answer) }))?;
        answered.await.unwrap_or_else(|_| Err(CommitError::Stopped("the writer has ended".to_owned())))
    }

    /// Records events without waiting for the sync, which follows within 50 ms. The answer comes once the events were
    /// found legal, have their place in the log, and the run's state holds them. It proves nothing that an effect may
    /// rest on, which is why it holds no [`Durable`].
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_buffered(&self, commit: Commit) -> Result<(), CommitError> {
        let placed = self.front.lock().unwrap_or_else(PoisonError::into_inner).place(commit, &self.shared)?;
        let commit = match placed {
            Ok(is_to_be_told) => {
                // A writer that has much to do looks at what has been placed by itself.
                if is_to_be_told && let Err(CommitError::Stopped(why)) = self.tell(Message::Placed) {
                    return Err(CommitError::Stopped(why));
                }
                return Ok(());
            }
            Err(commit) => commit,
        };
        let (answer, answered) = oneshot::channel();
        self.tell(Message::Request(Request { commit, reply: Reply::Placed(answer) }))?;
        answered.await.unwrap_or_else(|_| Err(CommitError::Stopped("the writer has ended".to_owned())))
    }

    fn tell(&self, message: Message) -> Result<(), CommitError> {
        let Some(requests) = &self.requests else {
            return Err(CommitError::Stopped("the store is closed".to_owned()));
        };
        if let Some(refusal) = self.shared.refusal() {
            return Err(refusal);
        }
        requests.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => CommitError::Busy,
            TrySendError::Disconnected(_) => CommitError::Stopped("the writer has ended".to_owned()),
        })
    }

    /// The key with which the log's checkpoints are verified.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The last signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        self.shared.checkpoint.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows the number of durable leaves.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.shared.leaves.subscribe()
    }

    /// Why nothing is accepted any more, if so.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        self.shared.stopped()
    }

    /// Why nothing is accepted at present, while the database is away. It ends by itself.
    #[must_use]
    pub fn unavailable(&self) -> Option<String> {
        self.shared.unavailable()
    }
}

/// Waits for the writer: what was taken on is written, and the last checkpoint signed, before the lock is free.
impl Drop for Store {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer did not end in order");
        }
    }
}

/// A leaf as it is stored, which must be the next one.
pub(crate) fn leaf(number: usize, seq: i64, leaf: Vec<u8>) -> Result<Hash, OpenError> {
    let leaf: [u8; 32] = leaf.try_into().map_err(|_| OpenError::Damaged(format!("leaf {seq}")))?;
    if usize::try_from(seq).ok() != Some(number) {
        return Err(OpenError::Forked(format!("leaf {number} is missing")));
    }
    Ok(Hash::from_bytes(leaf))
}

/// The last signed checkpoint, and its size. A new log starts with a signed checkpoint of size 0.
fn signed(path: &Path, signer: &Signer, verifier: &Verifier, leaves: &[Hash]) -> Result<(String, u64), OpenError> {
    let note = match std::fs::read_to_string(path) {
        Ok(note) => note,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && leaves.is_empty() => {
            let empty = Checkpoint { origin: signer.name().to_owned(), size: 0, root: Tree::new().root() };
            let note = empty.sign(signer).map_err(|error| OpenError::Damaged(error.to_string()))?;
            replace_file(path, &note).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
            return Ok((note, 0));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(OpenError::Forked("there are leaves, but no checkpoint file".to_owned()));
        }
        Err(source) => return Err(OpenError::File { path: path.to_owned(), source }),
    };
    let checkpoint = Checkpoint::open(&note, verifier)
        .map_err(|error| OpenError::Forked(format!("the checkpoint file: {error}")))?;
    let size = usize::try_from(checkpoint.size).unwrap_or(usize::MAX);
    let Some(signed) = leaves.get(..size) else {
        return Err(OpenError::Forked(format!("{} leaves were signed, {} are there", checkpoint.size, leaves.len())));
    };
    if Tree::from_leaves(signed.iter().copied()).root() != checkpoint.root {
        return Err(OpenError::Forked(format!("the first {size} leaves have another root")));
    }
    Ok((note, checkpoint.size))
}

fn states<T: serde::de::DeserializeOwned>(stored: Vec<(String, String)>) -> Result<HashMap<String, Arc<T>>, OpenError> {
    let read = |(id, state): (String, String)| match serde_json::from_str(&state) {
        Ok(state) => Ok((id, Arc::new(state))),
        Err(error) => Err(OpenError::Damaged(format!("`{id}`: {error}"))),
    };
    stored.into_iter().map(read).collect()
}
