//! An SQLite connection that gives up when a [`Stop`] is reached.
//!
//! Connections to sources are read-only twice over: the file is opened so, and the connection refuses to
//! write. The only connection that writes is to a database in memory, which a search fills with the rows of
//! its own slice.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::clock::Stop;

/// How long a locked database is waited for.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(1);
/// How many instructions of SQLite's run between two looks at the stop.
const INSTRUCTIONS_BETWEEN_LOOKS: i32 = 2_000;
const STATEMENTS_CACHED: usize = 64;

/// A connection and the stop of whoever uses it now.
#[derive(Debug)]
pub(crate) struct GuardedConnection {
    connection: Connection,
    stop: Arc<Mutex<Option<Arc<Stop>>>>,
}

impl GuardedConnection {
    /// Opens a database file for reading alone.
    pub(crate) fn open_read_only(path: &Path) -> Result<Self, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_WAIT_MAX)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
        Self::guard(connection)
    }

    /// Opens an empty database in memory.
    pub(crate) fn open_in_memory() -> Result<Self, rusqlite::Error> {
        Self::guard(Connection::open_in_memory()?)
    }

    fn guard(mut connection: Connection) -> Result<Self, rusqlite::Error> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        let stop: Arc<Mutex<Option<Arc<Stop>>>> = Arc::default();
        let watched = Arc::clone(&stop);
        connection.progress_handler(
            INSTRUCTIONS_BETWEEN_LOOKS,
            Some(move || {
                let current = watched.lock().unwrap_or_else(PoisonError::into_inner);
                current.as_ref().is_some_and(|stop| stop.is_reached())
            }),
        )?;
        Ok(Self { connection, stop })
    }

    /// Runs `work` on the connection, which is interrupted once `stop` is reached.
    pub(crate) fn until<T>(&mut self, stop: &Arc<Stop>, work: impl FnOnce(&mut Connection) -> T) -> T {
        self.watch(Some(Arc::clone(stop)));
        let outcome = work(&mut self.connection);
        self.watch(None);
        outcome
    }

    fn watch(&self, stop: Option<Arc<Stop>>) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
    }
}

/// Whether an error means that the stop was reached.
pub(crate) fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}
