//! Connections that read, beside the one that writes.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Params, Row, params};
use writ_core::event::Milliseconds;

use super::{FILE, schema};
use crate::backend::{Entry, Reads};
use crate::read::{ReadError, failed};

/// How long a reader waits for a lock in the database.
const BUSY: Duration = Duration::from_secs(10);

/// Some connections, used in turn.
#[derive(Debug)]
pub(crate) struct SqliteReads {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl SqliteReads {
    pub(super) fn open(file: &Path, readers: usize) -> rusqlite::Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..readers {
            let connection = Connection::open(file)?;
            schema::configure(&connection)?;
            connection.pragma_update(None, "query_only", "ON")?;
            connections.push(Mutex::new(connection));
        }
        Ok(Self { connections, next: AtomicUsize::new(0) })
    }

    /// Reads a store's database beside the process that writes it. Never makes one.
    pub(crate) fn beside(folder: &Path) -> Result<Self, ReadError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join(FILE), flags).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        Ok(Self { connections: vec![Mutex::new(connection)], next: AtomicUsize::new(0) })
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(self.connections.len());
        let connection = number.and_then(|number| self.connections.get(number)).ok_or_else(|| failed("no reader"))?;
        read(&connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn one<T: rusqlite::types::FromSql>(&self, sql: &str, parameters: impl Params) -> Result<Option<T>, ReadError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(sql).map_err(failed)?;
            statement.query_row(parameters, |row| row.get(0)).optional().map_err(failed)
        })
    }

    fn many<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ReadError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(sql).map_err(failed)?;
            let rows = statement.query_map(parameters, read).map_err(failed)?;
            rows.collect::<rusqlite::Result<_>>().map_err(failed)
        })
    }

    fn many_entries(&self, sql: &str, parameters: impl Params) -> Result<Vec<Entry>, ReadError> {
        let entry = |row: &Row<'_>| Ok(Entry::new(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        self.many(sql, parameters, entry)?.into_iter().collect()
    }
}

impl Reads for SqliteReads {
    fn run(&self, id: &str) -> Result<Option<String>, ReadError> {
        self.one("SELECT state FROM runs WHERE run = ?1", [id])
    }

    fn decision(&self, id: &str) -> Result<Option<String>, ReadError> {
        self.one("SELECT state FROM decisions WHERE decision = ?1", [id])
    }

    fn effect_key(&self, key: &str) -> Result<Option<String>, ReadError> {
        self.one("SELECT decision FROM effect_keys WHERE effect_key = ?1", [key])
    }

    fn recorded_at(&self, seq: i64) -> Result<Option<Milliseconds>, ReadError> {
        self.one("SELECT at FROM events WHERE seq = ?1", [seq])
    }

    fn runs(&self, limit: i64) -> Result<Vec<String>, ReadError> {
        self.many("SELECT state FROM runs ORDER BY started_at DESC, run LIMIT ?1", [limit], |row| row.get(0))
    }

    fn decisions(&self, is_final: Option<bool>, before: Option<&str>, limit: i64) -> Result<Vec<String>, ReadError> {
        let after = "(?1 IS NULL OR (proposed_at, decision) < (SELECT proposed_at, decision FROM decisions WHERE decision = ?1))";
        let order = "ORDER BY proposed_at DESC, decision DESC LIMIT ?2";
        match is_final {
            Some(is_final) => {
                let sql = format!("SELECT state FROM decisions WHERE final = ?3 AND {after} {order}");
                self.many(&sql, params![before, limit, is_final], |row| row.get(0))
            }
            None => {
                let sql = format!("SELECT state FROM decisions WHERE {after} {order}");
                self.many(&sql, params![before, limit], |row| row.get(0))
            }
        }
    }

    fn rail(&self, run: &str, from: i64, limit: i64) -> Result<Vec<Entry>, ReadError> {
        let sql = "SELECT seq, body, salt, leaf FROM events WHERE run = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        self.many_entries(sql, params![run, from, limit])
    }

    fn last_epoch(&self) -> Result<Option<Entry>, ReadError> {
        let sql = "SELECT seq, body, salt, leaf FROM events WHERE kind = 'epoch_opened' ORDER BY seq DESC LIMIT 1";
        Ok(self.many_entries(sql, [])?.pop())
    }

    fn entries(&self, from: i64, below: i64, limit: i64) -> Result<Vec<Entry>, ReadError> {
        let sql = "SELECT seq, body, salt, leaf FROM events WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3";
        self.many_entries(sql, params![from, below, limit])
    }

    fn entries_of_decision(&self, decision: &str, run: &str, below: i64) -> Result<Vec<Entry>, ReadError> {
        let sql = "SELECT seq, body, salt, leaf FROM events
                   WHERE seq < ?1 AND (decision = ?2 OR (run = ?3 AND kind = 'run_started')) ORDER BY seq";
        self.many_entries(sql, params![below, decision, run])
    }

    fn leaves(&self, from: i64, below: i64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>, ReadError> {
        let sql = "SELECT seq, leaf FROM events WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3";
        self.many(sql, params![from, below, limit], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}
