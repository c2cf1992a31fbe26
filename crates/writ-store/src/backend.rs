//! What the store needs of a database, whichever it is.
//!
//! Staging, order, tree and checkpoints are the same for every database and know none. A database keeps rows, gives them
//! back, and says honestly when it does not know whether it has them. Nothing here decides what may be recorded.

use std::fmt;
use std::time::Duration;

use writ_core::event::{Milliseconds, Recorded};
use writ_trail::commitment::{ENTRY_BYTES, commit as commitment};
use writ_trail::hash::{Hash, leaf_hash};
use writ_trail::leaf::Disclosed;

use crate::postgres::PostgresUrl;
use crate::projection::Projections;
use crate::read::{ReadError, failed};

/// Which database a store is kept in. What is kept beside it in the store's folder is the same for each.
#[derive(Debug, Clone, Default)]
pub enum Database {
    /// SQLite, in the store's folder.
    #[default]
    Sqlite,
    /// A PostgreSQL server, version 15 or later.
    Postgres(Box<PostgresUrl>),
}

/// A database that is open, and that no other process can write from now on.
pub(crate) struct Opened {
    /// Every leaf of the log, in order.
    pub(crate) leaves: Vec<Hash>,
    /// How many leaves there should be, where the database counts them.
    pub(crate) counted: Option<i64>,
    /// Runs that are open, by id, as JSON.
    pub(crate) open_runs: Vec<(String, String)>,
    /// Decisions that are not final, by id, as JSON.
    pub(crate) open_decisions: Vec<(String, String)>,
    pub(crate) writes: Box<dyn Writes>,
    pub(crate) reads: Box<dyn Reads>,
}

/// One event on its way into the log.
pub(crate) struct Row {
    pub(crate) recorded: Recorded,
    pub(crate) body: Vec<u8>,
    pub(crate) salt: [u8; 32],
    pub(crate) leaf: Hash,
}

/// Where the log in the database ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogEnd {
    pub(crate) leaves: u64,
    pub(crate) last: Option<Hash>,
}

/// Why a database did not do what the writer asked of it.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// It refused, or the store is another process's by now. A person has to look.
    Failed(String),
    /// It cannot be reached. Whether it has what was asked of it last is not known before [`Writes::regain`].
    Lost(String),
}

/// The one connection that writes, and from which the writer looks up what it decides on.
pub(crate) trait Writes: Send {
    /// A run's state, as JSON.
    fn run(&mut self, id: &str) -> Result<Option<String>, WriteError>;
    /// A decision's state, as JSON.
    fn decision(&mut self, id: &str) -> Result<Option<String>, WriteError>;
    /// The decision that holds an effect key.
    fn effect_key(&mut self, key: &str) -> Result<Option<String>, WriteError>;
    /// Adds at least one row to the log, and brings the projections up to date: all of it durable, or none of it there.
    fn append(&mut self, rows: &[Row], staged: &Projections) -> Result<(), WriteError>;
    /// How often [`Writes::is_closed`] is worth asking for; never where there is no connection that could be closed.
    fn look_every(&self) -> Option<Duration> {
        None
    }
    /// Whether the connection was closed from the other side since it was used last.
    fn is_closed(&self) -> bool {
        false
    }
    /// After [`WriteError::Lost`]: reaches the database again, makes sure that nothing sent earlier can still take effect,
    /// and tells where the log ends. `Lost` where it is still away.
    fn regain(&mut self) -> Result<LogEnd, WriteError>;
}

/// Connections that only read. What they give may be shown; the writer decides on nothing of it.
pub(crate) trait Reads: fmt::Debug + Send + Sync {
    /// A run's state, as JSON.
    fn run(&self, id: &str) -> Result<Option<String>, ReadError>;
    /// A decision's state, as JSON.
    fn decision(&self, id: &str) -> Result<Option<String>, ReadError>;
    /// The decision that holds an effect key.
    fn effect_key(&self, key: &str) -> Result<Option<String>, ReadError>;
    /// When an event was recorded.
    fn recorded_at(&self, seq: i64) -> Result<Option<Milliseconds>, ReadError>;
    /// The latest runs, newest first.
    fn runs(&self, limit: i64) -> Result<Vec<String>, ReadError>;
    /// A page of decisions, newest first, after the one named.
    fn decisions(&self, is_final: Option<bool>, before: Option<&str>, limit: i64) -> Result<Vec<String>, ReadError>;
    /// A run's events from a sequence number on.
    fn rail(&self, run: &str, from: i64, limit: i64) -> Result<Vec<Entry>, ReadError>;
    /// The last event that opened an epoch.
    fn last_epoch(&self) -> Result<Option<Entry>, ReadError>;
    /// Events from one sequence number on and below another.
    fn entries(&self, from: i64, below: i64, limit: i64) -> Result<Vec<Entry>, ReadError>;
    /// The events of a decision and the start of its run, below a sequence number.
    fn entries_of_decision(&self, decision: &str, run: &str, below: i64) -> Result<Vec<Entry>, ReadError>;
    /// Leaves, with their sequence numbers, from one on and below another.
    fn leaves(&self, from: i64, below: i64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>, ReadError>;
}

/// One event of the log as it is stored. What its body says is to be believed only as [`Entry::recorded`] gives it.
pub(crate) struct Entry {
    pub(crate) seq: i64,
    body: Vec<u8>,
    salt: [u8; 32],
    leaf: Vec<u8>,
}

impl Entry {
    pub(crate) fn new(seq: i64, body: Vec<u8>, salt: Vec<u8>, leaf: Vec<u8>) -> Result<Self, ReadError> {
        let salt = salt.try_into().map_err(|_| failed("a salt is damaged"))?;
        Ok(Self { seq, body, salt, leaf })
    }

    /// The event as the log holds it: a body that is not what its leaf commits to is not given out.
    pub(crate) fn recorded(&self) -> Result<Recorded, ReadError> {
        self.committed()?;
        serde_json::from_slice(&self.body).map_err(failed)
    }

    /// The commitment to salt and body, which is what the leaf is the hash of.
    pub(crate) fn committed(&self) -> Result<[u8; ENTRY_BYTES], ReadError> {
        let commitment = commitment(&self.salt, &self.body);
        if leaf_hash(&commitment).as_bytes().as_slice() != self.leaf {
            return Err(failed("an event's body is not what its leaf commits to; the database was altered"));
        }
        Ok(commitment)
    }

    /// What opens the leaf's commitment.
    pub(crate) fn disclosed(self) -> Result<Disclosed, ReadError> {
        Ok(Disclosed { seq: u64::try_from(self.seq).map_err(failed)?, salt: self.salt, body: self.body })
    }
}
