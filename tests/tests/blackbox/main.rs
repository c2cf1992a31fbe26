//! Writ from outside: the real programs on real ports, with real clients, held to what was promised.
//!
//! Each module is one promise, each test one way in which it could be broken. Every test has a workspace, a shop and a
//! server of its own, so that they run side by side in any order. The workspace is `examples/acme`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod api;
mod backup;
mod canaries;
mod changing_server;
mod check;
mod clients;
mod command_line;
mod connect;
mod console;
mod drill;
mod effect_keys;
mod fuzzed;
mod golden_path;
mod hostile_text;
mod integration_verbs;
mod leaks;
mod limits;
mod lost_answer;
mod malformed;
mod protocol;
mod published_servers;
mod quarantine;
mod rejection;
mod reload;
mod repetition;
mod revocation;
mod schema;
mod server_killed;
mod slow_clients;
mod store_away;
mod streamable_http;
mod tlog;
mod tokens;
mod trail;
mod voting;
mod waiting;
mod watch;
mod worker_killed;
