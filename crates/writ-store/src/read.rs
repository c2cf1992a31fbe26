//! What is read back: runs, decisions, and the events of a run.

use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::DeserializeOwned;
use writ_core::decision::Decision;
use writ_core::event::{Milliseconds, Recorded};
use writ_core::run::Run;
use writ_trail::commitment::commit as commitment;
use writ_trail::hash::leaf_hash;

use crate::open::Store;

/// Why something cannot be read back. Nobody decides anything on such an error but to refuse.
#[derive(Debug, thiserror::Error)]
#[error("the store cannot be read: {0}")]
pub struct ReadError(pub String);

pub(crate) fn failed(error: impl std::fmt::Display) -> ReadError {
    ReadError(error.to_string())
}

impl Store {
    /// A run's present state.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn run(&self, id: &str) -> Result<Option<Arc<Run>>, ReadError> {
        if let Some(run) = self.shared.runs.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(run.clone()));
        }
        self.with_reader(|connection| one(connection, "SELECT state FROM runs WHERE run = ?1", id))
    }

    /// A decision's present state.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn decision(&self, id: &str) -> Result<Option<Arc<Decision>>, ReadError> {
        if let Some(decision) = self.shared.decisions.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(decision.clone()));
        }
        self.with_reader(|connection| one(connection, "SELECT state FROM decisions WHERE decision = ?1", id))
    }

    /// When the event of a sequence number was recorded.
    #[must_use]
    pub fn recorded_at(&self, seq: u64) -> Option<Milliseconds> {
        let seq = i64::try_from(seq).ok()?;
        let read = self.with_reader(|connection| {
            let mut statement = connection.prepare_cached("SELECT at FROM events WHERE seq = ?1").map_err(failed)?;
            statement.query_row([seq], |row| row.get(0)).optional().map_err(failed)
        });
        read.ok().flatten()
    }

    /// All decisions that are not final, from memory.
    #[must_use]
    pub fn open_decisions(&self) -> Vec<Arc<Decision>> {
        self.shared.decisions.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// All runs that are open, from memory.
    #[must_use]
    pub fn open_runs(&self) -> Vec<Arc<Run>> {
        self.shared.runs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A page of decisions, newest first: those that are final, those that are not, or all; `before` is the last
    /// decision of the page before.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn decisions(
        &self,
        is_final: Option<bool>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Arc<Decision>>, ReadError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.with_reader(|connection| {
            let after = "(?1 IS NULL OR (proposed_at, decision) < (SELECT proposed_at, decision FROM decisions WHERE decision = ?1))";
            let order = "ORDER BY proposed_at DESC, decision DESC LIMIT ?2";
            match is_final {
                Some(is_final) => {
                    let sql = format!("SELECT state FROM decisions WHERE final = ?3 AND {after} {order}");
                    many(connection, &sql, params![before, limit, is_final])
                }
                None => many(connection, &format!("SELECT state FROM decisions WHERE {after} {order}"), params![before, limit]),
            }
        })
    }

    /// The latest runs, newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn runs(&self, limit: usize) -> Result<Vec<Arc<Run>>, ReadError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.with_reader(|connection| {
            many(connection, "SELECT state FROM runs ORDER BY started_at DESC, run LIMIT ?1", params![limit])
        })
    }

    /// A run's events from a sequence number on, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn rail(&self, run: &str, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let (from, limit) = (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
        self.with_reader(|connection| {
            let sql = "SELECT body, salt, leaf FROM events WHERE run = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
            let mut statement = connection.prepare_cached(sql).map_err(failed)?;
            let mut rows = statement.query(params![run, from, limit]).map_err(failed)?;
            let mut events = Vec::new();
            while let Some(row) = rows.next().map_err(failed)? {
                events.push(event(row)?);
            }
            Ok(events)
        })
    }

    /// The last epoch's event, if there is one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn last_epoch(&self) -> Result<Option<Recorded>, ReadError> {
        self.with_reader(|connection| {
            let sql = "SELECT body, salt, leaf FROM events WHERE kind = 'epoch_opened' ORDER BY seq DESC LIMIT 1";
            let mut statement = connection.prepare_cached(sql).map_err(failed)?;
            let mut rows = statement.query([]).map_err(failed)?;
            rows.next().map_err(failed)?.map(event).transpose()
        })
    }

    /// The decision that holds an effect key.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn effect_key_holder(&self, key: &str) -> Result<Option<String>, ReadError> {
        self.with_reader(|connection| {
            let sql = "SELECT decision FROM effect_keys WHERE effect_key = ?1";
            connection
                .prepare_cached(sql)
                .map_err(failed)?
                .query_row([key], |row| row.get(0))
                .optional()
                .map_err(failed)
        })
    }

    pub(crate) fn with_reader<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let reader = self.reader().ok_or_else(|| failed("no reader"))?;
        read(&reader.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An event as the log holds it: a body that is not what its leaf commits to is not given out.
fn event(row: &rusqlite::Row<'_>) -> Result<Recorded, ReadError> {
    let body: Vec<u8> = row.get(0).map_err(failed)?;
    let salt: Vec<u8> = row.get(1).map_err(failed)?;
    let leaf: Vec<u8> = row.get(2).map_err(failed)?;
    let salt: [u8; 32] = salt.try_into().map_err(|_| failed("a salt is damaged"))?;
    if leaf_hash(&commitment(&salt, &body)).as_bytes().as_slice() != leaf {
        return Err(failed("an event's body is not what its leaf commits to; the database was altered"));
    }
    serde_json::from_slice(&body).map_err(failed)
}

pub(crate) fn one<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    id: &str,
) -> Result<Option<Arc<T>>, ReadError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let text: Option<String> = statement.query_row([id], |row| row.get(0)).optional().map_err(failed)?;
    text.map(|text| serde_json::from_str(&text).map(Arc::new).map_err(failed)).transpose()
}

fn many<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Arc<T>>, ReadError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map(parameters, |row| row.get::<_, String>(0)).map_err(failed)?;
    rows.map(|text| serde_json::from_str(&text.map_err(failed)?).map(Arc::new).map_err(failed)).collect()
}
