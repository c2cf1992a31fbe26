//! What the black-box tests are made of: a workspace folder in a temporary place, the real programs as processes of
//! their own, and clients that know Writ by its protocols alone.
//!
//! The store is SQLite, or with `WRIT_TEST_STORE=postgres` a database of a PostgreSQL server that the tests start.
//!
//! Nothing here reaches into the product. A workspace is a copy of `examples/acme` with a shop of its own, a server is
//! `writ serve` on a free port, a worker speaks MCP with its run token, a person uses the JSON API, the console or the
//! command line. What really happened is counted in the shop's own ledger. Whatever does not go as it must is a
//! panic with the reason: these are tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

pub mod acme;
pub mod console;
pub mod desk;
pub mod dice;
pub mod forge;
pub mod person;
pub mod postgres;
pub mod program;
pub mod server;
pub mod story;
pub mod trail;
pub mod wait;
pub mod worker;

pub use acme::Acme;
pub use console::Console;
pub use desk::Desk;
pub use person::Person;
pub use postgres::Postgres;
pub use server::Server;
pub use worker::Worker;

use std::time::Duration;

/// Longer than anything here may take, an answer that waits for a decision included.
const ANSWER_SECONDS_MAX: u64 = 60;

/// A client for a server on this machine, where a proxy has no part, and where a redirect is something to look at.
fn http() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.timeout(Duration::from_secs(ANSWER_SECONDS_MAX)).build().expect("an HTTP client")
}
