//! The one session that writes, and the fence around it.
//!
//! Two things keep a second process out. A lock is held by the session (an advisory lock of the database): whoever does
//! not get it does not open the store. And every append names the epoch in which its session took over, in the
//! statement that writes: a session that has lost the lock without noticing, or whose last words arrive late, changes
//! nothing, because by then the epoch is another one.
//!
//! Taking over waits for the row that appends touch first. What an earlier session sent is therefore either in the log
//! or without effect once the new epoch is committed; and as a commit is acknowledged in the order of the server's own
//! log, what is read after it has been made as durable as the server was told to make it.

use std::time::Duration;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use writ_trail::hash::Hash;

use super::append::{APPEND, Chunk};
use super::read::{DECISION, EFFECT_KEY, RUN};
use super::schema;
use super::url::PostgresUrl;
use super::wire::{Failure, connect};
use crate::backend::LogEnd;
use crate::open::OpenError;

/// What is locked: a number that nothing else in this database uses.
const LOCK: i64 = i64::from_be_bytes(*b"writ.log");
/// How often the lock is asked for, and how long between. A process that was killed has let go of it by then.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Commits wait for the disk, and as the server says for its standbys; nothing ends them before. (A commit that is
/// cancelled while it waits for a standby counts as made, although it may be lost with this server.) A client that has
/// vanished is noticed, so that its lock does not outlive it for long.
const SETTINGS: &str = "
SET search_path = writ, pg_temp;
SET synchronous_commit = on;
SET default_transaction_isolation = 'read committed';
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = '60s';
SET tcp_keepalives_idle = 5;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 15000";

/// A session that holds the lock, and the epoch in which it writes.
pub(super) struct Session {
    client: Client,
    epoch: i64,
    backend: Backend,
    append: Statement,
    pub(super) run: Statement,
    pub(super) decision: Statement,
    pub(super) effect_key: Statement,
}

/// The process of the server that serves a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backend {
    number: i32,
    started: i64,
}

impl Session {
    /// Takes the store over for a holder that has not had it, where nobody else has it. Tells how many leaves there are.
    pub(super) async fn open(url: PostgresUrl, holder: String) -> Result<(Self, i64), OpenError> {
        let mut client = connect(&url, SETTINGS).await?;
        schema::check_server(&client).await?;
        if !locked(&client).await? {
            return Err(OpenError::InUse(url.to_string()));
        }
        schema::migrate(&mut client).await?;
        let sql = "UPDATE sequencer SET epoch = epoch + 1, holder = $1 RETURNING epoch, leaves";
        let row = client.query_one(sql, &[&holder]).await.map_err(Failure::from)?;
        let (epoch, leaves) = (row.try_get(0).map_err(Failure::from)?, row.try_get(1).map_err(Failure::from)?);
        Ok((Self::prepared(client, epoch).await?, leaves))
    }

    /// Takes the store up again for the holder that had it, and tells where the log ends.
    pub(super) async fn again(
        url: PostgresUrl,
        holder: String,
        earlier: Option<Backend>,
    ) -> Result<(Self, LogEnd), Failure> {
        let client = connect(&url, SETTINGS).await?;
        if let Some(Backend { number, started }) = earlier {
            // The server may not have noticed yet that the session is gone.
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE pid = $1 AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2";
            client.query(sql, &[&number, &started]).await?;
        }
        let taken = || Failure::lasting("another process has taken the store over");
        if !locked(&client).await? {
            let sql = "SELECT holder FROM sequencer";
            let present: String = client.query_one(sql, &[]).await?.try_get(0)?;
            let waiting = || Failure::passing("the lock of the store is not free yet");
            return Err(if present == holder { waiting() } else { taken() });
        }
        let sql = "UPDATE sequencer SET epoch = epoch + 1 WHERE holder = $1 RETURNING epoch, leaves";
        let row = client.query_opt(sql, &[&holder]).await?.ok_or_else(taken)?;
        let (epoch, leaves): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let sql = "SELECT leaf FROM events WHERE seq = $1::bigint - 1";
        let last = client.query_opt(sql, &[&leaves]).await?;
        let last: Option<Vec<u8>> = last.map(|row| row.try_get(0)).transpose()?;
        let damaged = || Failure::lasting("the end of the log is damaged");
        let last = last.map(<[u8; 32]>::try_from).transpose().map_err(|_| damaged())?;
        let leaves = u64::try_from(leaves).map_err(|_| damaged())?;
        Ok((Self::prepared(client, epoch).await?, LogEnd { leaves, last: last.map(Hash::from_bytes) }))
    }

    async fn prepared(client: Client, epoch: i64) -> Result<Self, Failure> {
        let sql = "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint FROM pg_stat_activity
                   WHERE pid = pg_backend_pid()";
        let row = client.query_one(sql, &[]).await?;
        Ok(Self {
            epoch,
            backend: Backend { number: row.try_get(0)?, started: row.try_get(1)? },
            append: client.prepare(APPEND).await?,
            run: client.prepare(RUN).await?,
            decision: client.prepare(DECISION).await?,
            effect_key: client.prepare(EFFECT_KEY).await?,
            client,
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn backend(&self) -> Backend {
        self.backend
    }

    /// Appends a group. Tells whether the store still is this session's; where it is not, nothing was written.
    ///
    /// A group of usual size is one statement, which is its own transaction.
    pub(super) async fn append(&self, group: Vec<Chunk>) -> Result<bool, Failure> {
        if let [chunk] = group.as_slice() {
            return self.write(chunk).await;
        }
        self.client.batch_execute("BEGIN").await?;
        for chunk in &group {
            if !self.write(chunk).await? {
                self.client.batch_execute("ROLLBACK").await?;
                return Ok(false);
            }
        }
        self.client.batch_execute("COMMIT").await?;
        Ok(true)
    }

    async fn write(&self, chunk: &Chunk) -> Result<bool, Failure> {
        let Chunk { first, next, events, runs, decisions, effect_keys } = chunk;
        let parameters: [&(dyn ToSql + Sync); 23] = [
            &self.epoch,
            first,
            next,
            &events.seq,
            &events.run,
            &events.decision,
            &events.kind,
            &events.at,
            &events.body,
            &events.salt,
            &events.leaf,
            &runs.run,
            &runs.status,
            &runs.started_at,
            &runs.state,
            &decisions.decision,
            &decisions.status,
            &decisions.is_final,
            &decisions.proposed_at,
            &decisions.state,
            &effect_keys.taken,
            &effect_keys.holder,
            &effect_keys.given_back,
        ];
        Ok(self.client.query_opt(&self.append, &parameters).await?.is_some())
    }

    /// Lets go of the lock, so that the next process need not wait until the server has noticed the end of this one.
    pub(super) async fn release(&self) -> Result<(), Failure> {
        Ok(self.client.batch_execute("SELECT pg_advisory_unlock_all()").await?)
    }
}

/// Whether the lock could be had within a while.
async fn locked(client: &Client) -> Result<bool, Failure> {
    for _ in 0..LOCK_TRIES {
        let is_locked: bool =
            client.query_one("SELECT pg_try_advisory_lock($1::bigint)", &[&LOCK]).await?.try_get(0)?;
        if is_locked {
            return Ok(true);
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Ok(false)
}
