//! Connections to PostgreSQL, for callers that wait.
//!
//! The store is asked from threads of all kinds, from within async code too. So connections live on a thread of their
//! own, and whoever asks waits for the answer without touching a socket. Every wait has an end.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio_postgres::{Client, NoTls};

use super::url::PostgresUrl;
use crate::backend::WriteError;
use crate::open::OpenError;
use crate::read::ReadError;

/// The thread on which connections live.
#[derive(Debug)]
pub(super) struct Wire {
    /// Taken when the last user is gone.
    runtime: Option<Runtime>,
}

/// Why the server did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    /// Whether it may go well later, with nothing changed but time.
    pub(super) is_passing: bool,
    pub(super) why: String,
}

impl Wire {
    pub(super) fn new() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("writ-store-postgres").enable_all().build();
        Ok(Self { runtime: Some(runtime?) })
    }

    /// Has something done over there, and waits for it, but not longer than this.
    pub(super) fn wait<T, E, F>(&self, limit: Duration, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Failure> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let Some(runtime) = &self.runtime else { return Err(Failure::passing("the store is closed").into()) };
        let (answer, answered) = sync_channel(1);
        runtime.spawn(async move {
            let late = || Err(Failure::passing(format!("no answer within {} s", limit.as_secs())).into());
            _ = answer.send(tokio::time::timeout(limit, work).await.unwrap_or_else(|_| late()));
        });
        let gone = || Err(Failure::passing("the connection's thread has ended").into());
        blocking(|| answered.recv()).unwrap_or_else(|_| gone())
    }
}

/// A runtime must not be waited for where async code runs, which may be where the store is dropped.
impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits, and lets the async work of this thread go on elsewhere meanwhile.
fn blocking<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}

/// A new connection with these settings, to be called on the wire's thread.
pub(super) async fn connect(url: &PostgresUrl, settings: &str) -> Result<Client, Failure> {
    // Whatever keeps a connection from being made can be mended at the other end.
    let connected = url.config().connect(NoTls).await;
    let (client, connection) = connected.map_err(|error| Failure::passing(told(&error)))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = told(&error), "a connection to the store's database has ended");
        }
    });
    client.batch_execute(settings).await?;
    Ok(client)
}

impl Failure {
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self { is_passing: true, why: why.into() }
    }

    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self { is_passing: false, why: why.into() }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let is_passing = match error.code() {
            Some(code) => is_passing(code.code()),
            None => error.is_closed() || std::error::Error::source(&error).is_some_and(|cause| cause.is::<io::Error>()),
        };
        Self { is_passing, why: told(&error) }
    }
}

impl From<Failure> for WriteError {
    fn from(failure: Failure) -> Self {
        if failure.is_passing { Self::Lost(failure.why) } else { Self::Failed(failure.why) }
    }
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        Self(failure.why)
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Unreachable(failure.why)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// Whether a state (PostgreSQL, appendix A) is one that passes: the connection, a rollback for the sake of others, a lack
/// of resources, an operator's intervention, a server that takes no writes at present.
fn is_passing(state: &str) -> bool {
    ["08", "40", "53", "57"].iter().any(|class| state.starts_with(class)) || ["25006", "55P03"].contains(&state)
}

/// What the server or the connection said. A server's own detail may hold values, and is left out.
fn told(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    let text = error.to_string();
    match std::error::Error::source(error).map(ToString::to_string) {
        Some(cause) if !text.contains(&cause) => format!("{text}: {cause}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for state in ["08006", "40P01", "53100", "57P01", "57P03", "25006", "55P03"] {
            assert!(is_passing(state), "{state}");
        }
        for state in ["23505", "42P01", "22021", "58030", "XX001", "P0001", "25001"] {
            assert!(!is_passing(state), "{state}");
        }
    }

    #[test]
    fn a_wait_has_an_end() {
        let wire = Wire::new().unwrap();
        let never = async { std::future::pending::<Result<(), Failure>>().await };
        let failure = wire.wait(Duration::from_millis(20), never).unwrap_err();
        assert!(failure.is_passing && failure.why.starts_with("no answer"), "{failure}");
        assert_eq!(wire.wait(Duration::from_secs(10), async { Ok::<_, Failure>(7) }).unwrap(), 7);
    }

    #[tokio::test]
    async fn it_may_be_waited_for_and_dropped_within_async_code() {
        let wire = Wire::new().unwrap();
        assert_eq!(wire.wait(Duration::from_secs(10), async { Ok::<_, Failure>(7) }).unwrap(), 7);
        drop(wire);
    }
}
