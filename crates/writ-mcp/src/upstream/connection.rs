//! Where an integration is and what opens it: what the operator configured.
//!
//! Plain data. What may be a credential (a header's value, the environment of a child process, its arguments) is
//! not printed by `Debug`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::Secret;

/// One integration's connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The integration's name, as missions use it.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
}

/// How an MCP server is reached.
#[derive(Clone)]
pub enum Transport {
    /// A child process that speaks on its standard input and output.
    Stdio {
        /// The program.
        command: PathBuf,
        /// Its arguments.
        args: Vec<String>,
        /// Its whole environment, beside `PATH`.
        env: BTreeMap<String, String>,
        /// Its working directory; Writ's own where there is none.
        cwd: Option<PathBuf>,
    },
    /// A server that speaks Streamable HTTP.
    Http {
        /// The endpoint.
        url: String,
        /// A header that carries the connection's own credential: its name and value.
        header: Option<(String, Secret)>,
    },
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { command, args, env, cwd } => f
                .debug_struct("Stdio")
                .field("command", command)
                .field("args", &args.len())
                .field("env", &env.keys())
                .field("cwd", cwd)
                .finish(),
            Self::Http { header, .. } => {
                f.debug_struct("Http").field("header", &header.as_ref().map(|(name, _)| name)).finish_non_exhaustive()
            }
        }
    }
}
