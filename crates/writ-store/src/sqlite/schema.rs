//! The tables, and the settings under which a commit is a sync.

use rusqlite::Connection;

/// The version of the tables below. A newer store is refused by an older program.
pub(super) const SCHEMA_VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE events (
  seq      INTEGER PRIMARY KEY,
  run      TEXT,
  decision TEXT,
  kind     TEXT NOT NULL,
  at       INTEGER NOT NULL,
  body     BLOB NOT NULL,
  salt     BLOB NOT NULL,
  leaf     BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_run ON events (run, seq) WHERE run IS NOT NULL;
CREATE INDEX events_by_decision ON events (decision, seq) WHERE decision IS NOT NULL;
CREATE INDEX events_epochs ON events (kind, seq) WHERE kind = 'epoch_opened';
CREATE TABLE runs (
  run        TEXT PRIMARY KEY,
  status     TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  state      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_start ON runs (started_at DESC, run);
CREATE TABLE decisions (
  decision    TEXT PRIMARY KEY,
  status      TEXT NOT NULL,
  final       INTEGER NOT NULL,
  proposed_at INTEGER NOT NULL,
  state       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_by_time ON decisions (final, proposed_at DESC, decision DESC);
CREATE INDEX decisions_all_by_time ON decisions (proposed_at DESC, decision DESC);
CREATE TABLE effect_keys (
  effect_key TEXT PRIMARY KEY,
  decision   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Settings of every connection. With `synchronous = FULL` in WAL mode a commit returns after an fsync.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Makes the tables in an empty database. Tells the version found.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<i64> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != 0 {
        return Ok(version);
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(SCHEMA_VERSION)
}
