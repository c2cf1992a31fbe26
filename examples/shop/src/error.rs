//! What can go wrong around a shop's database file, told to whoever runs the program.
//!
//! Refusals of a tool are not here: they are answers to a caller, and live with the tools.

use thiserror::Error;

/// A failure of a whole command, such as a file that is not there.
#[derive(Debug, Error)]
pub enum ShopError {
    /// SQLite refused a statement or could not reach the file.
    #[error("the database could not be read or written")]
    Database(#[from] rusqlite::Error),
    /// A value of ours could not be written as JSON, or a stored one could not be read.
    #[error("the database holds JSON that cannot be read")]
    Json(#[from] serde_json::Error),
    /// There is no shop at the given path.
    #[error("`{0}` holds no shop; make one with `shop seed --db {0}`")]
    NoShop(String),
    /// The path already has a shop in it, and a second one would mix with it.
    #[error("`{0}` already holds tables; delete the file to start again")]
    AlreadyThere(String),
    /// A data file could not be read.
    #[error("`{file}` could not be read")]
    File {
        /// The file, as it was named.
        file: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A data file is JSON of another form than tau-retail's.
    #[error("`{file}` does not have the form of tau-retail's data")]
    Form {
        /// The file, as it was named.
        file: String,
        /// Where and how it differs.
        source: serde_json::Error,
    },
    /// A data file has the right form and a value that cannot be.
    #[error("`{file}`: {problem}")]
    Content {
        /// The file, as it was named.
        file: String,
        /// What is wrong with which value.
        problem: String,
    },
    /// An address could not be bound, or a connection or standard output broke.
    #[error("the program could not listen, read or write")]
    Connection(#[from] std::io::Error),
    /// The client on standard input did not complete MCP's opening exchange.
    #[error("the client did not open an MCP session")]
    Opening(#[source] Box<rmcp::service::ServerInitializeError>),
}
