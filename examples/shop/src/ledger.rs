//! The effects ledger: one row for every change that a tool made, written in the change's own transaction.
//!
//! It is what a test counts to know how often something really happened, and what a repeated call with the same
//! idempotency key is answered from. Never holds a refused call: that changed nothing.

use rusqlite::{Connection, OptionalExtension, Result, params};
use serde::Serialize;
use serde_json::Value;

use crate::ShopError;

/// One change that a tool made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Counts up from one.
    pub effect_id: i64,
    /// The tool's name.
    pub tool: String,
    /// The arguments it was called with.
    pub arguments: Value,
    /// The caller's key, where one was sent.
    pub idempotency_key: Option<String>,
    /// When, in RFC 3339, by the database's clock.
    pub at: String,
}

/// Every change, oldest first.
///
/// # Errors
///
/// When the database cannot be read.
pub fn entries(conn: &Connection) -> Result<Vec<Entry>, ShopError> {
    let mut statement =
        conn.prepare("SELECT effect_id, tool, arguments, idempotency_key, at FROM effects ORDER BY effect_id")?;
    let found = statement.query_and_then([], |row| -> Result<Entry, ShopError> {
        let arguments: String = row.get(2)?;
        Ok(Entry {
            effect_id: row.get(0)?,
            tool: row.get(1)?,
            arguments: serde_json::from_str(&arguments)?,
            idempotency_key: row.get(3)?,
            at: row.get(4)?,
        })
    })?;
    found.collect()
}

/// What the ledger remembers of one idempotency key, still as JSON text.
pub(crate) struct Recorded {
    pub(crate) effect_id: i64,
    pub(crate) tool: String,
    pub(crate) arguments: String,
    pub(crate) result: String,
}

/// Finds the change that was made under this key.
pub(crate) fn recorded(conn: &Connection, idempotency_key: &str) -> Result<Option<Recorded>> {
    conn.prepare_cached("SELECT effect_id, tool, arguments, result FROM effects WHERE idempotency_key = ?1")?
        .query_row([idempotency_key], |row| {
            Ok(Recorded { effect_id: row.get(0)?, tool: row.get(1)?, arguments: row.get(2)?, result: row.get(3)? })
        })
        .optional()
}

/// Writes one change down, `arguments` and `result` as JSON text, and returns its number.
pub(crate) fn record(
    conn: &Connection,
    tool: &str,
    arguments: &str,
    idempotency_key: Option<&str>,
    result: &str,
) -> Result<i64> {
    conn.prepare_cached(
        "INSERT INTO effects (tool, arguments, idempotency_key, result, at)
         VALUES (?1, ?2, ?3, ?4, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
    )?
    .insert(params![tool, arguments, idempotency_key, result])
}
