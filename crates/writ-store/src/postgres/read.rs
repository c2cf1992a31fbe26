//! Connections to PostgreSQL that read: a few, made when they are needed, and made anew when they have broken.
//!
//! They are to the server that takes writes, never to a standby.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{Client, Row, Statement};
use writ_core::event::Milliseconds;

use super::url::PostgresUrl;
use super::wire::{Failure, Wire, connect};
use crate::backend::{Entry, Reads};
use crate::read::{ReadError, failed};

/// How many connections read at the same time.
const READERS: usize = 4;
/// How long a reader waits, for its turn and for the answer.
const READ: Duration = Duration::from_secs(10);
/// How long reading everything that is open may take, once, when a store is opened.
const READ_ALL: Duration = Duration::from_secs(300);

/// A read does not write, and is not carried on for nobody.
const SETTINGS: &str = "
SET search_path = writ, pg_temp;
SET default_transaction_read_only = on;
SET statement_timeout = '300s'";

/// What a statement is asked with, on its way to the wire's thread.
pub(super) type Parameter = Box<dyn ToSql + Sync + Send>;

/// The look-ups by an id or a key, which the session that writes makes too.
pub(super) const RUN: &str = "SELECT state FROM runs WHERE run = $1";
pub(super) const DECISION: &str = "SELECT state FROM decisions WHERE decision = $1";
pub(super) const EFFECT_KEY: &str =
    "SELECT decision FROM effect_keys WHERE sha256(effect_key) = sha256($1::bytea) AND effect_key = $1";

/// A few connections.
pub(super) struct Pool {
    url: PostgresUrl,
    readers: Vec<Mutex<Option<Reader>>>,
    next: AtomicUsize,
    /// Connections of an earlier generation are not used again.
    generation: AtomicU64,
}

struct Reader {
    client: Client,
    generation: u64,
    statements: HashMap<&'static str, Statement>,
}

impl Pool {
    pub(super) fn new(url: PostgresUrl) -> Self {
        let readers = (0..READERS).map(|_| Mutex::new(None)).collect();
        Self { url, readers, next: AtomicUsize::new(0), generation: AtomicU64::new(0) }
    }

    /// Makes every connection anew before it is used again.
    pub(super) fn reconnect(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    async fn query(&self, sql: &'static str, parameters: &[Parameter]) -> Result<Vec<Row>, Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(self.readers.len());
        let place = number.and_then(|number| self.readers.get(number)).ok_or_else(|| Failure::lasting("no reader"))?;
        let mut place = place.lock().await;
        let generation = self.generation.load(Ordering::Acquire);
        let usable = |reader: &Reader| reader.generation == generation && !reader.client.is_closed();
        // Taken out of its place, so that a read that is given up takes its connection with it.
        if let Some(mut reader) = place.take().filter(usable) {
            match reader.query(sql, parameters).await {
                // It may have broken while nobody looked.
                Err(failure) if failure.is_passing => {}
                outcome => {
                    *place = Some(reader);
                    return outcome;
                }
            }
        }
        let client = connect(&self.url, SETTINGS).await?;
        let mut reader = Reader { client, generation, statements: HashMap::new() };
        let rows = reader.query(sql, parameters).await?;
        *place = Some(reader);
        Ok(rows)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Reader {
    async fn query(&mut self, sql: &'static str, parameters: &[Parameter]) -> Result<Vec<Row>, Failure> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.client.prepare(sql).await?;
                self.statements.insert(sql, statement.clone());
                statement
            }
        };
        let mut borrowed: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            borrowed.push(&**parameter);
        }
        Ok(self.client.query(&statement, &borrowed).await?)
    }
}

/// What a store reads, from the thread of whoever asks.
#[derive(Debug)]
pub(crate) struct PostgresReads {
    pub(super) wire: Arc<Wire>,
    pub(super) pool: Arc<Pool>,
}

impl PostgresReads {
    fn rows(&self, sql: &'static str, parameters: Vec<Parameter>, limit: Duration) -> Result<Vec<Row>, ReadError> {
        let pool = self.pool.clone();
        self.wire.wait(limit, async move { pool.query(sql, &parameters).await.map_err(ReadError::from) })
    }

    fn column<T: FromSqlOwned>(&self, sql: &'static str, parameters: Vec<Parameter>) -> Result<Vec<T>, ReadError> {
        let rows = self.rows(sql, parameters, READ)?;
        rows.iter().map(|row| row.try_get(0).map_err(failed)).collect()
    }

    fn many_entries(&self, sql: &'static str, parameters: Vec<Parameter>) -> Result<Vec<Entry>, ReadError> {
        let rows = self.rows(sql, parameters, READ)?;
        rows.iter().map(entry).collect()
    }

    /// Ids and states of everything that is open.
    pub(super) fn states(&self, sql: &'static str) -> Result<Vec<(String, String)>, ReadError> {
        let rows = self.rows(sql, Vec::new(), READ_ALL)?;
        rows.iter().map(|row| Ok((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?))).collect()
    }
}

fn entry(row: &Row) -> Result<Entry, ReadError> {
    let seq = row.try_get(0).map_err(failed)?;
    let bytes = |column: usize| row.try_get::<_, Vec<u8>>(column).map_err(failed);
    Entry::new(seq, bytes(1)?, bytes(2)?, bytes(3)?)
}

fn text(text: &str) -> Parameter {
    Box::new(text.to_owned())
}

fn number(number: i64) -> Parameter {
    Box::new(number)
}

impl Reads for PostgresReads {
    fn run(&self, id: &str) -> Result<Option<String>, ReadError> {
        // Text in PostgreSQL has no NUL, so no such id is there.
        if id.contains('\0') {
            return Ok(None);
        }
        Ok(self.column(RUN, vec![text(id)])?.pop())
    }

    fn decision(&self, id: &str) -> Result<Option<String>, ReadError> {
        if id.contains('\0') {
            return Ok(None);
        }
        Ok(self.column(DECISION, vec![text(id)])?.pop())
    }

    fn effect_key(&self, key: &str) -> Result<Option<String>, ReadError> {
        Ok(self.column(EFFECT_KEY, vec![Box::new(key.as_bytes().to_vec())])?.pop())
    }

    fn recorded_at(&self, seq: i64) -> Result<Option<Milliseconds>, ReadError> {
        Ok(self.column("SELECT at FROM events WHERE seq = $1", vec![number(seq)])?.pop())
    }

    fn runs(&self, limit: i64) -> Result<Vec<String>, ReadError> {
        self.column("SELECT state FROM runs ORDER BY started_at DESC, run LIMIT $1", vec![number(limit)])
    }

    fn decisions(&self, is_final: Option<bool>, before: Option<&str>, limit: i64) -> Result<Vec<String>, ReadError> {
        if before.is_some_and(|before| before.contains('\0')) {
            return Ok(Vec::new());
        }
        let mut parameters = vec![number(limit)];
        parameters.extend(before.map(text));
        parameters.extend(is_final.map(|is_final| -> Parameter { Box::new(is_final) }));
        let sql = match (is_final, before) {
            (None, None) => "SELECT state FROM decisions ORDER BY proposed_at DESC, decision DESC LIMIT $1",
            (None, Some(_)) => {
                "SELECT state FROM decisions
                 WHERE (proposed_at, decision) < (SELECT proposed_at, decision FROM decisions WHERE decision = $2)
                 ORDER BY proposed_at DESC, decision DESC LIMIT $1"
            }
            (Some(_), None) => {
                "SELECT state FROM decisions WHERE final = $2 ORDER BY proposed_at DESC, decision DESC LIMIT $1"
            }
            (Some(_), Some(_)) => {
                "SELECT state FROM decisions
                 WHERE final = $3
                   AND (proposed_at, decision) < (SELECT proposed_at, decision FROM decisions WHERE decision = $2)
                 ORDER BY proposed_at DESC, decision DESC LIMIT $1"
            }
        };
        self.column(sql, parameters)
    }

    fn rail(&self, run: &str, from: i64, limit: i64) -> Result<Vec<Entry>, ReadError> {
        if run.contains('\0') {
            return Ok(Vec::new());
        }
        let sql = "SELECT seq, body, salt, leaf FROM events WHERE run = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
        self.many_entries(sql, vec![text(run), number(from), number(limit)])
    }

    fn last_epoch(&self) -> Result<Option<Entry>, ReadError> {
        let sql = "SELECT seq, body, salt, leaf FROM events WHERE kind = 'epoch_opened' ORDER BY seq DESC LIMIT 1";
        Ok(self.many_entries(sql, Vec::new())?.pop())
    }

    fn entries(&self, from: i64, below: i64, limit: i64) -> Result<Vec<Entry>, ReadError> {
        let sql = "SELECT seq, body, salt, leaf FROM events WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3";
        self.many_entries(sql, vec![number(from), number(below), number(limit)])
    }

    fn entries_of_decision(&self, decision: &str, run: &str, below: i64) -> Result<Vec<Entry>, ReadError> {
        let sql = "SELECT seq, body, salt, leaf FROM events
                   WHERE seq < $1 AND (decision = $2 OR (run = $3 AND kind = 'run_started')) ORDER BY seq";
        self.many_entries(sql, vec![number(below), text(decision), text(run)])
    }

    fn leaves(&self, from: i64, below: i64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>, ReadError> {
        let sql = "SELECT seq, leaf FROM events WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3";
        let rows = self.rows(sql, vec![number(from), number(below), number(limit)], READ)?;
        rows.iter().map(|row| Ok((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?))).collect()
    }
}
