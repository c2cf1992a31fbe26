//! A small shop with an MCP server: the "upstream" of Writ's demo and tests.
//!
//! It stands for the system that a company already has. Its tools check the shop's own rules (what may be cancelled,
//! how much may be paid back) and nothing else: they take anybody's ids and never ask who is calling. Everything lives
//! in one SQLite file, which other programs may read beside it. The crate relies on nothing of Writ's.

mod arithmetic;
mod error;
mod ledger;
pub mod money;
mod records;
mod schema;
mod seed;
mod server;
mod state;
mod tau;
mod tools;

pub use error::ShopError;
pub use ledger::{Entry, entries};
pub use schema::{create, open};
pub use seed::seed;
pub use server::{Faults, IDEMPOTENCY_KEY, LOST_ANSWER_EXIT_CODE, ShopServer, serve_http, serve_stdio};
pub use state::{counts, dump};
pub use tau::load;
pub use tools::{ToolResult, ToolSpec, call, tools};
