//! The promises of the knowledge layer, tested from outside: leaks first, then non-interference, then the rest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod facts;
mod files;
mod leaks;
mod limits;
mod masks;
mod non_interference;
#[cfg(feature = "parquet")]
mod parquet;
mod pushdown;
mod queries;
mod queries_of_all_kinds;
mod search;
mod statements;
mod support;
