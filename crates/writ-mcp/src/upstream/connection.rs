//! Where an integration is, what opens it and what it may cost: what the operator configured.
//!
//! Plain data. What may be a credential (a header's value, the environment of a child process, its arguments, an
//! address) is not printed by `Debug`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use writ_core::definition::Ask;

use crate::Secret;
use crate::credential::CredentialSource;

/// How long an integration may take to answer one call, where the operator says nothing.
pub const ANSWER_SECONDS_MAX: u64 = 60;
/// How many calls one connection works on at a time, where the operator says nothing.
pub const CALLS_IN_FLIGHT_MAX: usize = 64;

/// One integration's connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The integration's name, as missions use it.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// What its server may ask a worker while a read is under way.
    pub asks: BTreeSet<Ask>,
    /// What the connection may cost.
    pub limits: Limits,
}

/// What one connection may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long one answer may take. The time for which the server waits for a worker's answer does not count.
    pub answer: Duration,
    /// How many calls are under way at a time; more wait their turn.
    pub calls_in_flight: usize,
    /// How many calls are made in a minute, of all people together: a bucket of as many calls, filled again evenly.
    /// Any number, where nothing is said.
    pub calls_per_minute: Option<u32>,
    /// The address space of a child process, in mebibytes.
    pub memory_mib: Option<u64>,
    /// The processor time of a child process, in seconds.
    pub processor_seconds: Option<u64>,
    /// How many files a child process may hold open.
    pub open_files: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(ANSWER_SECONDS_MAX),
            calls_in_flight: CALLS_IN_FLIGHT_MAX,
            calls_per_minute: None,
            memory_mib: None,
            processor_seconds: None,
            open_files: None,
        }
    }
}

/// How an MCP server is reached.
#[derive(Clone)]
pub enum Transport {
    /// A child process that speaks on its standard input and output.
    Stdio {
        /// The program: a path, or a name that is looked for in `PATH`.
        command: PathBuf,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment, beside `PATH`.
        env: BTreeMap<String, String>,
        /// The part of its environment that is secret.
        secrets: BTreeMap<String, Secret>,
        /// Its working directory; Writ's own where there is none.
        cwd: Option<PathBuf>,
    },
    /// A server that speaks Streamable HTTP.
    Http {
        /// The endpoint.
        url: String,
        /// The connection's own credential.
        credential: CredentialSource,
    },
}

impl Transport {
    /// Whether each person has a connection of their own.
    pub(super) fn is_personal(&self) -> bool {
        match self {
            Self::Stdio { .. } => false,
            Self::Http { credential, .. } => credential.is_personal(),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { command, args, env, secrets, cwd } => f
                .debug_struct("Stdio")
                .field("command", command)
                .field("args", &args.len())
                .field("env", &env.keys())
                .field("secrets", &secrets.keys())
                .field("cwd", cwd)
                .finish(),
            Self::Http { credential, .. } => {
                f.debug_struct("Http").field("personal", &credential.is_personal()).finish_non_exhaustive()
            }
        }
    }
}
