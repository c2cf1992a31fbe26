//! The connection that writes: one transaction for a group, an fsync at its end.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::backend::{LogEnd, Row, WriteError, Writes};
use crate::projection::Projections;

pub(super) struct SqliteWrites {
    connection: Connection,
}

impl SqliteWrites {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    fn look_up(&self, sql: &str, key: &str) -> Result<Option<String>, WriteError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(refused)?;
        statement.query_row([key], |row| row.get(0)).optional().map_err(refused)
    }

    fn persist(&mut self, rows: &[Row], staged: &Projections) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO events (seq, run, decision, kind, at, body, salt, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for Row { recorded, body, salt, leaf } in rows {
                let seq = i64::try_from(recorded.seq).unwrap_or(i64::MAX);
                let event = &recorded.event;
                insert.execute(params![
                    seq,
                    recorded.run,
                    event.decision(),
                    event.kind(),
                    recorded.at,
                    body,
                    salt,
                    leaf.as_bytes()
                ])?;
            }
            write_projections(&transaction, staged)?;
        }
        transaction.commit()
    }
}

impl Writes for SqliteWrites {
    fn run(&mut self, id: &str) -> Result<Option<String>, WriteError> {
        self.look_up("SELECT state FROM runs WHERE run = ?1", id)
    }

    fn decision(&mut self, id: &str) -> Result<Option<String>, WriteError> {
        self.look_up("SELECT state FROM decisions WHERE decision = ?1", id)
    }

    fn effect_key(&mut self, key: &str) -> Result<Option<String>, WriteError> {
        self.look_up("SELECT decision FROM effect_keys WHERE effect_key = ?1", key)
    }

    fn append(&mut self, rows: &[Row], staged: &Projections) -> Result<(), WriteError> {
        self.persist(rows, staged).map_err(refused)
    }

    fn regain(&mut self) -> Result<LogEnd, WriteError> {
        // A file is never away: whatever fails here fails for good.
        Err(WriteError::Failed("an embedded database is not lost and found".to_owned()))
    }
}

fn refused(error: rusqlite::Error) -> WriteError {
    WriteError::Failed(error.to_string())
}

fn write_projections(connection: &Connection, staged: &Projections) -> rusqlite::Result<()> {
    let json = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    let mut upsert = connection.prepare_cached(
        "INSERT INTO runs (run, status, started_at, state) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (run) DO UPDATE SET status = ?2, state = ?4",
    )?;
    for (id, run) in &staged.runs {
        let state = serde_json::to_string(&**run).map_err(json)?;
        upsert.execute(params![id, run.status.name(), run.started_at, state])?;
    }
    let mut upsert = connection.prepare_cached(
        "INSERT INTO decisions (decision, status, final, proposed_at, state) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (decision) DO UPDATE SET status = ?2, final = ?3, state = ?5",
    )?;
    for (id, decision) in &staged.decisions {
        let state = serde_json::to_string(&**decision).map_err(json)?;
        upsert.execute(params![id, decision.status.name(), decision.status.is_final(), decision.proposed_at, state])?;
    }
    for (key, holder) in &staged.effect_keys {
        match holder {
            Some(holder) => connection
                .prepare_cached("INSERT OR REPLACE INTO effect_keys (effect_key, decision) VALUES (?1, ?2)")?
                .execute(params![key, holder])?,
            None => {
                connection.prepare_cached("DELETE FROM effect_keys WHERE effect_key = ?1")?.execute(params![key])?
            }
        };
    }
    Ok(())
}
