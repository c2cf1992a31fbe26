//! The tables of an SQLite store, read from the file alone.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};
use serde::de::DeserializeOwned;

use super::{Stored, StoredDecision, StoredRun};

/// Reads everything in a database.
pub(super) fn read(path: &Path) -> Result<Stored, String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(|error| failed(&error))?;
    let check: String =
        database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(|error| failed(&error))?;
    if check != "ok" {
        return Err(format!("the database is damaged: {check}"));
    }
    let events = rows(&database, "SELECT body FROM events ORDER BY seq", |row| row.get::<_, Vec<u8>>(0))?;
    let runs = rows(&database, "SELECT run, status, state FROM runs", |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let decisions = rows(&database, "SELECT decision, status, final, state FROM decisions", |row| {
        let state = row.get::<_, String>(3)?;
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?, state))
    })?;
    let effect_keys = rows(&database, "SELECT effect_key, decision FROM effect_keys", |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut stored = Stored { effect_keys: BTreeMap::from_iter(effect_keys), ..Stored::default() };
    for body in events {
        stored.events.push(understood("an event", &body)?);
    }
    for (run, status, state) in runs {
        let state = understood(&run, state.as_bytes())?;
        stored.runs.insert(run, StoredRun { status, state });
    }
    for (decision, status, is_final, state) in decisions {
        let state = understood(&decision, state.as_bytes())?;
        stored.decisions.insert(decision, StoredDecision { status, is_final, state });
    }
    Ok(stored)
}

fn rows<T>(
    database: &Connection,
    sql: &str,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, String> {
    let mut statement = database.prepare(sql).map_err(|error| failed(&error))?;
    let rows = statement.query_map([], row).map_err(|error| failed(&error))?;
    rows.collect::<Result<Vec<T>, _>>().map_err(|error| failed(&error))
}

fn understood<T: DeserializeOwned>(what: &str, text: &[u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("the row of {what} is not understood: {error}"))
}

fn failed(error: &rusqlite::Error) -> String {
    format!("the database cannot be read: {error}")
}
