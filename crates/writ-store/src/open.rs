//! Opening a store: keys, lock, tables, and the check that the log still is what was signed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::hash::Hash;
use writ_trail::note::{Signer, Verifier};
use writ_trail::tree::Tree;

use crate::commit::{Commit, CommitError, Durable};
use crate::schema;
use crate::tiles::Upper;
use crate::writer::{Ending, Front, Message, Reply, Request, Shared, Writer, replace_file};

/// How many requests may wait for the writer.
const WAITING_REQUESTS_MAX: usize = 8192;
/// How many connections read at the same time.
const READERS: usize = 2;

/// How to open a store.
#[derive(Debug)]
pub struct Options {
    /// The folder: `writ.db`, `checkpoint` and `lock` live in it.
    pub folder: PathBuf,
    /// Signs the log's checkpoints; its name is the log's origin.
    pub signer: Signer,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    /// Taken when the store is dropped, which ends the writer.
    requests: Option<SyncSender<Message>>,
    front: Arc<Mutex<Front>>,
    writer: Option<std::thread::JoinHandle<()>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) readers: Vec<Mutex<Connection>>,
    pub(crate) next_reader: AtomicUsize,
    pub(crate) verifier: Verifier,
    pub(crate) upper: Mutex<Upper>,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the store in `{0}` is in use by another process")]
    InUse(PathBuf),
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
        let Options { folder, signer } = options;
        let file_error = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::File { path, source }
        };
        std::fs::create_dir_all(&folder).map_err(file_error(&folder))?;
        let lock_path = folder.join("lock");
        let lock = std::fs::File::create(&lock_path).map_err(file_error(&lock_path))?;
        lock.try_lock().map_err(|_| OpenError::InUse(folder.clone()))?;

        let database = folder.join("writ.db");
        let mut connection = Connection::open(&database)?;
        schema::configure(&connection)?;
        let version = schema::create(&mut connection)?;
        if version != schema::SCHEMA_VERSION {
            return Err(OpenError::Newer { found: version, known: schema::SCHEMA_VERSION });
        }
        let checkpoint_file = folder.join("checkpoint");
        let leaves = leaves(&connection)?;
        let verifier = signer.verifier();
        let (note, signed_size) = signed(&checkpoint_file, &signer, &verifier, &leaves)?;
        let tree = Tree::from_leaves(leaves);
        let shared = Arc::new(Shared {
            runs: RwLock::new(open_states(
                &connection,
                "SELECT run, state FROM runs WHERE status IN ('running', 'waiting')",
            )?),
            decisions: RwLock::new(open_states(&connection, "SELECT decision, state FROM decisions WHERE final = 0")?),
            leaves: watch::Sender::new(tree.len()),
            checkpoint: RwLock::new(note),
            stopped: RwLock::new(None),
        });
        let mut readers = Vec::new();
        for _ in 0..READERS {
            let reader = Connection::open(&database)?;
            schema::configure(&reader)?;
            reader.pragma_update(None, "query_only", "ON")?;
            readers.push(Mutex::new(reader));
        }
        let (requests, receiver) = sync_channel(WAITING_REQUESTS_MAX);
        let front = Arc::new(Mutex::new(Front::new(tree.len())));
        let work = Writer {
            connection,
            shared: shared.clone(),
            tree,
            signer,
            checkpoint_file,
            signed_size,
            front: Arc::clone(&front),
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
            readers,
            next_reader: AtomicUsize::new(0),
            verifier,
            upper: Mutex::default(),
        })
    }

    /// Records events. The answer comes once they are synced, together with whatever else was waiting.
    ///
    /// # Errors
    /// [`CommitError`]: nothing was recorded, except that after [`CommitError::Stopped`] nobody knows.
    pub async fn commit(&self, commit: Commit) -> Result<Durable, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Message::Request(Request { commit, reply: Reply::Durable(answer) }))?;
        answered.await.unwrap_or_else(|_| Err(CommitError::Stopped("the writer has ended".to_owned())))
    }

    /// Records events without waiting for the sync, which follows within 50 ms. The answer comes once the events were
    /// found legal, have their place in the log, and the run's state holds them. It proves nothing that an effect may rest on, which is why it
    /// holds no [`Durable`].
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

    pub(crate) fn reader(&self) -> Option<&Mutex<Connection>> {
        let number = self.next_reader.fetch_add(1, Ordering::Relaxed);
        self.readers.get(number.checked_rem(self.readers.len())?)
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

fn leaves(connection: &Connection) -> Result<Vec<Hash>, OpenError> {
    let mut statement = connection.prepare("SELECT seq, leaf FROM events ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        let (seq, leaf): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let leaf: [u8; 32] = leaf.try_into().map_err(|_| OpenError::Damaged(format!("leaf {seq}")))?;
        if u64::try_from(seq).ok() != Some(leaves.len() as u64) {
            return Err(OpenError::Forked(format!("leaf {} is missing", leaves.len())));
        }
        leaves.push(Hash::from_bytes(leaf));
    }
    Ok(leaves)
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

fn open_states<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    sql: &str,
) -> Result<HashMap<String, Arc<T>>, OpenError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut states = HashMap::new();
    while let Some(row) = rows.next()? {
        let (id, state): (String, String) = (row.get(0)?, row.get(1)?);
        let state = serde_json::from_str(&state).map_err(|error| OpenError::Damaged(format!("`{id}`: {error}")))?;
        states.insert(id, Arc::new(state));
    }
    Ok(states)
}
