//! The tables in PostgreSQL, and how a database of an earlier program becomes one of this.
//!
//! All tables are in a schema of their own, and every connection looks nowhere else. Migrations run forward, each in a
//! transaction with the record of it, under the lock that keeps every other process from writing the store. A migration
//! that has been released is never changed.

use tokio_postgres::Client;

use super::wire::Failure;
use crate::open::OpenError;

/// From an empty database to this program's tables, one version after the other.
const MIGRATIONS: [&str; 1] = ["
CREATE SCHEMA IF NOT EXISTS writ;
CREATE TABLE schema_versions (
  version INTEGER PRIMARY KEY,
  since   TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE sequencer (
  one    BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
  holder TEXT NOT NULL,
  epoch  BIGINT NOT NULL,
  leaves BIGINT NOT NULL
);
INSERT INTO sequencer (holder, epoch, leaves) VALUES ('', 0, 0);
CREATE TABLE events (
  seq      BIGINT PRIMARY KEY,
  run      TEXT COLLATE \"C\",
  decision TEXT COLLATE \"C\",
  kind     TEXT COLLATE \"C\" NOT NULL,
  at       BIGINT NOT NULL,
  body     BYTEA NOT NULL,
  salt     BYTEA NOT NULL,
  leaf     BYTEA NOT NULL
);
CREATE INDEX events_by_run ON events (run, seq) WHERE run IS NOT NULL;
CREATE INDEX events_by_decision ON events (decision, seq) WHERE decision IS NOT NULL;
CREATE INDEX events_epochs ON events (seq) WHERE kind = 'epoch_opened';
CREATE TABLE runs (
  run        TEXT COLLATE \"C\" PRIMARY KEY,
  status     TEXT COLLATE \"C\" NOT NULL,
  started_at BIGINT NOT NULL,
  state      TEXT NOT NULL
);
CREATE INDEX runs_by_start ON runs (started_at DESC, run);
CREATE INDEX runs_open ON runs (run) WHERE status IN ('running', 'waiting');
CREATE TABLE decisions (
  decision    TEXT COLLATE \"C\" PRIMARY KEY,
  status      TEXT COLLATE \"C\" NOT NULL,
  final       BOOLEAN NOT NULL,
  proposed_at BIGINT NOT NULL,
  state       TEXT NOT NULL
);
CREATE INDEX decisions_by_time ON decisions (final, proposed_at DESC, decision DESC);
CREATE INDEX decisions_all_by_time ON decisions (proposed_at DESC, decision DESC);
-- A key is a worker's text: any bytes, and longer than an index takes.
CREATE TABLE effect_keys (
  effect_key BYTEA NOT NULL,
  decision   TEXT COLLATE \"C\" NOT NULL
);
CREATE UNIQUE INDEX effect_keys_by_digest ON effect_keys (sha256(effect_key));
"];

/// The oldest server that will do, as `server_version_num` has it.
const SERVER_VERSION_MIN: i32 = 150_000;

/// Whether the server keeps what a store promises: an acknowledged commit on disk, any text whole.
pub(super) async fn check_server(client: &Client) -> Result<(), OpenError> {
    let sql = "SELECT current_setting('server_version_num')::integer, coalesce(current_setting('fsync', TRUE), 'on'),
                      coalesce(current_setting('full_page_writes', TRUE), 'on'), current_setting('server_encoding')";
    let row = client.query_one(sql, &[]).await.map_err(Failure::from)?;
    let version: i32 = row.try_get(0).map_err(Failure::from)?;
    let text = |column: usize| row.try_get::<_, String>(column).map_err(Failure::from);
    let (fsync, full_pages, encoding) = (text(1)?, text(2)?, text(3)?);
    if version < SERVER_VERSION_MIN {
        return Err(OpenError::Unfit(format!("it is PostgreSQL {}, and 15 is needed", version / 10_000)));
    }
    if fsync == "off" || full_pages == "off" {
        return Err(OpenError::Unfit(
            "its `fsync` or `full_page_writes` is off, so a crash can lose commits".to_owned(),
        ));
    }
    if encoding != "UTF8" {
        return Err(OpenError::Unfit(format!("its encoding is {encoding}, and UTF8 is needed")));
    }
    Ok(())
}

/// Brings the tables up to this program's version. Must run under the store's lock.
pub(super) async fn migrate(client: &mut Client) -> Result<(), OpenError> {
    let known = MIGRATIONS.len();
    let found = version(client).await?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    let Some(left) = MIGRATIONS.get(done..) else {
        return Err(OpenError::Newer { found, known: i64::try_from(known).unwrap_or(i64::MAX) });
    };
    for (migration, version) in left.iter().zip(found.saturating_add(1)..) {
        let transaction = client.transaction().await.map_err(Failure::from)?;
        transaction.batch_execute(migration).await.map_err(Failure::from)?;
        let sql = "INSERT INTO schema_versions (version) VALUES ($1::bigint)";
        transaction.execute(sql, &[&version]).await.map_err(Failure::from)?;
        transaction.commit().await.map_err(Failure::from)?;
    }
    Ok(())
}

/// The version of the tables; 0 where there are none.
async fn version(client: &Client) -> Result<i64, Failure> {
    let sql = "SELECT to_regclass('writ.schema_versions') IS NOT NULL";
    let there: bool = client.query_one(sql, &[]).await?.try_get(0)?;
    if !there {
        return Ok(0);
    }
    let sql = "SELECT coalesce(max(version), 0)::bigint FROM schema_versions";
    Ok(client.query_one(sql, &[]).await?.try_get(0)?)
}
