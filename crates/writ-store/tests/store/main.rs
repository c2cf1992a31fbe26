//! The store from outside: what was acknowledged is there, once and in order, whatever fails.
//!
//! The same tests run on both databases: on SQLite, and with `WRIT_TEST_STORE=postgres` on a PostgreSQL server that they
//! start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod account;
mod archive;
mod away;
mod buffered;
mod effect_keys;
mod failed_write;
mod fence;
mod fixture;
mod forked;
mod group_commit;
#[allow(unreachable_pub, dead_code)]
#[path = "../../../../tests/src/postgres.rs"]
mod postgres;
mod reopen;
mod replay;
mod tables;
mod tiles;
