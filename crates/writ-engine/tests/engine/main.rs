//! The engine from outside, on a small real workspace and integrations that do what a test tells them to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod approved;
mod carried;
mod concurrency;
mod consulting;
mod desk;
mod endings;
mod fake_upstream;
mod labels;
mod linked;
mod narrowed;
mod outcomes;
mod personal;
mod play;
mod prompts;
mod quarantined;
mod questions;
mod quorum;
mod records;
mod refusals;
mod reload;
mod resources;
mod restart;
mod results;
mod revocation;
mod rounds;
mod sign_in;
mod snapshot;
mod tasks;
mod time;
mod voided;
mod workspace;
