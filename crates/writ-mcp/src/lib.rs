//! Everything of Writ that speaks the Model Context Protocol, in three directions.
//!
//! [`server`] is what workers connect to; [`upstream`] reaches integrations; [`bridge`] joins a worker that only
//! knows standard input and output to a server that only knows HTTP. The crate relies on `writ-engine` for every
//! decision: it carries names, arguments and answers, and never allows, refuses or remembers anything of its own.
//!
//! Architecture invariants: no other crate knows JSON-RPC; a worker's request reaches the engine only with the
//! access that its token proved in that very request; a call leaves for an integration only with a permit.

#![cfg_attr(test, allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used))]

pub mod bridge;
pub mod credential;
mod lanes;
mod outbound;
mod pieces;
mod revision;
mod secret;
pub mod server;
#[cfg(test)]
mod testing;
pub mod upstream;

pub use secret::Secret;
