//! A PostgreSQL server as the store's database.
//!
//! One session writes (`session.rs`), behind a fence that lets one process do so at a time. A group is one statement and
//! so one transaction (`append.rs`). Reads have connections of their own (`read.rs`). Callers wait on their own threads
//! for what a thread with the connections does (`wire.rs`).
//!
//! Relies on: an acknowledged commit is durable; a row that one transaction has changed is not changed by another before
//! the first has ended. Read committed is enough for both. Never: two sessions that write at once, a write outside the
//! fence, a decision on what a standby says, a password in anything that is shown.

mod append;
mod read;
mod schema;
mod session;
mod url;
mod wire;
mod write;

use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Opened, Reads as _};
use crate::open::{OpenError, leaf};
use crate::read::ReadError;
use read::{Pool, PostgresReads};
use session::Session;
use wire::Wire;
use write::PostgresWrites;

pub use url::{PostgresUrl, UrlError};

/// How long taking a store over may take, its tables' migration included.
const OPEN: Duration = Duration::from_secs(300);
/// How many leaves are fetched at a time.
const LEAVES_AT_ONCE: i64 = 16_384;

/// Takes the store in a database over, or makes one there.
pub(crate) fn open(url: &PostgresUrl) -> Result<Opened, OpenError> {
    let wire = Arc::new(started()?);
    let holder = holder()?;
    let (session, counted) = wire.wait(OPEN, Session::open(url.clone(), holder.clone()))?;
    let pool = Arc::new(Pool::new(url.clone()));
    let reads = PostgresReads { wire: wire.clone(), pool: pool.clone() };
    let backend = Some(session.backend());
    // From here on the lock is given back on any way out.
    let writes = PostgresWrites { wire, url: url.clone(), holder, session: Some(Arc::new(session)), backend, pool };
    let unreadable = |error: ReadError| OpenError::Unreachable(error.0);
    let mut leaves = Vec::new();
    loop {
        let next = i64::try_from(leaves.len()).unwrap_or(i64::MAX);
        let page = reads.leaves(next, i64::MAX, LEAVES_AT_ONCE).map_err(unreadable)?;
        if page.is_empty() {
            break;
        }
        for (seq, stored) in page {
            leaves.push(leaf(leaves.len(), seq, stored)?);
        }
    }
    let open_runs = "SELECT run, state FROM runs WHERE status IN ('running', 'waiting')";
    let open_decisions = "SELECT decision, state FROM decisions WHERE NOT final";
    Ok(Opened {
        leaves,
        counted: Some(counted),
        open_runs: reads.states(open_runs).map_err(unreadable)?,
        open_decisions: reads.states(open_decisions).map_err(unreadable)?,
        writes: Box::new(writes),
        reads: Box::new(reads),
    })
}

/// Reads a store's database beside the process that writes it.
pub(crate) fn beside(url: &PostgresUrl) -> Result<PostgresReads, ReadError> {
    let wire = Wire::new().map_err(crate::read::failed)?;
    Ok(PostgresReads { wire: Arc::new(wire), pool: Arc::new(Pool::new(url.clone())) })
}

fn started() -> Result<Wire, OpenError> {
    Wire::new().map_err(|error| OpenError::Unreachable(format!("its connections have no thread: {error}")))
}

/// A name that no other process has had.
fn holder() -> Result<String, OpenError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| OpenError::Unreachable(format!("no random numbers: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
