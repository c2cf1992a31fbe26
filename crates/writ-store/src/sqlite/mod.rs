//! The embedded database: one file in the store's folder, in WAL mode, synced at every commit.
//!
//! That one process at a time writes it is for the lock in the folder to see to.

mod read;
mod schema;
mod write;

use std::path::Path;

use rusqlite::Connection;
use writ_trail::hash::Hash;

use crate::backend::Opened;
use crate::open::{OpenError, leaf};

pub(crate) use read::SqliteReads;

const FILE: &str = "writ.db";
/// How many connections read at the same time.
const READERS: usize = 2;

/// Opens the database in a store's folder, or makes it.
pub(crate) fn open(folder: &Path) -> Result<Opened, OpenError> {
    let file = folder.join(FILE);
    let mut connection = Connection::open(&file)?;
    schema::configure(&connection)?;
    let version = schema::create(&mut connection)?;
    if version != schema::SCHEMA_VERSION {
        return Err(OpenError::Newer { found: version, known: schema::SCHEMA_VERSION });
    }
    Ok(Opened {
        leaves: leaves(&connection)?,
        counted: None,
        open_runs: states(&connection, "SELECT run, state FROM runs WHERE status IN ('running', 'waiting')")?,
        open_decisions: states(&connection, "SELECT decision, state FROM decisions WHERE final = 0")?,
        reads: Box::new(SqliteReads::open(&file, READERS)?),
        writes: Box::new(write::SqliteWrites::new(connection)),
    })
}

fn leaves(connection: &Connection) -> Result<Vec<Hash>, OpenError> {
    let mut statement = connection.prepare("SELECT seq, leaf FROM events ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        leaves.push(leaf(leaves.len(), row.get(0)?, row.get(1)?)?);
    }
    Ok(leaves)
}

fn states(connection: &Connection, sql: &str) -> Result<Vec<(String, String)>, OpenError> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
