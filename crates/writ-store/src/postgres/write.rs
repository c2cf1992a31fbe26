//! The writer's side of PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::append::chunks;
use super::read::{Parameter, Pool};
use super::session::{Backend, Session};
use super::url::PostgresUrl;
use super::wire::{Failure, Wire};
use crate::backend::{LogEnd, Row, WriteError, Writes};
use crate::projection::Projections;

/// How long a group may take, and how long a look-up. After that the connection counts as lost.
const APPEND: Duration = Duration::from_secs(15);
const LOOK_UP: Duration = Duration::from_secs(5);
/// How often an idle connection is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long one try to reach the database again may take.
const REGAIN: Duration = Duration::from_secs(15);
/// How long a store that is closed waits for its lock to be free.
const RELEASE: Duration = Duration::from_secs(2);

pub(super) struct PostgresWrites {
    pub(super) wire: Arc<Wire>,
    pub(super) url: PostgresUrl,
    /// The name under which this process holds the store.
    pub(super) holder: String,
    /// Gone once anything went wrong with it: what it did not answer is not to be answered to the next.
    pub(super) session: Option<Arc<Session>>,
    /// The last session's place in the server.
    pub(super) backend: Option<Backend>,
    pub(super) pool: Arc<Pool>,
}

impl PostgresWrites {
    fn session(&self) -> Result<Arc<Session>, WriteError> {
        self.session.clone().ok_or_else(|| WriteError::Lost("there is no connection".to_owned()))
    }

    /// After whatever went wrong, the session is not used again.
    fn kept<T>(&mut self, outcome: Result<T, WriteError>) -> Result<T, WriteError> {
        if outcome.is_err() {
            self.session = None;
        }
        outcome
    }

    fn look_up(&mut self, statement: fn(&Session) -> &Statement, key: Parameter) -> Result<Option<String>, WriteError> {
        let session = self.session()?;
        let found = self.wire.wait(LOOK_UP, async move {
            let parameters: [&(dyn ToSql + Sync); 1] = [&*key];
            let row = session.client().query_opt(statement(&session), &parameters).await.map_err(Failure::from)?;
            let text: Option<String> = row.map(|row| row.try_get(0)).transpose().map_err(Failure::from)?;
            Ok::<_, WriteError>(text)
        });
        self.kept(found)
    }
}

impl Writes for PostgresWrites {
    fn run(&mut self, id: &str) -> Result<Option<String>, WriteError> {
        // Text in PostgreSQL has no NUL, so no such id is there.
        if id.contains('\0') { Ok(None) } else { self.look_up(|session| &session.run, Box::new(id.to_owned())) }
    }

    fn decision(&mut self, id: &str) -> Result<Option<String>, WriteError> {
        if id.contains('\0') { Ok(None) } else { self.look_up(|session| &session.decision, Box::new(id.to_owned())) }
    }

    fn effect_key(&mut self, key: &str) -> Result<Option<String>, WriteError> {
        self.look_up(|session| &session.effect_key, Box::new(key.as_bytes().to_vec()))
    }

    fn append(&mut self, rows: &[Row], staged: &Projections) -> Result<(), WriteError> {
        let session = self.session()?;
        let group = chunks(rows, staged)?;
        let written = self.wire.wait(APPEND, async move { session.append(group).await.map_err(WriteError::from) });
        if self.kept(written)? {
            return Ok(());
        }
        self.session = None;
        Err(WriteError::Failed("another process has taken the store over".to_owned()))
    }

    fn look_every(&self) -> Option<Duration> {
        Some(LOOK)
    }

    fn is_closed(&self) -> bool {
        self.session.as_ref().is_none_or(|session| session.client().is_closed())
    }

    fn regain(&mut self) -> Result<LogEnd, WriteError> {
        self.session = None;
        let again = Session::again(self.url.clone(), self.holder.clone(), self.backend);
        let (session, end) = self.wire.wait(REGAIN, async move { again.await.map_err(WriteError::from) })?;
        // What readers are connected to may be the server that was lost.
        self.pool.reconnect();
        self.backend = Some(session.backend());
        self.session = Some(Arc::new(session));
        Ok(end)
    }
}

/// The next process need not wait for the server to notice that this one is gone.
impl Drop for PostgresWrites {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            let released = self.wire.wait(RELEASE, async move { session.release().await });
            if let Err(failure) = released {
                tracing::debug!(%failure, "the lock of the store was not given back");
            }
        }
    }
}
