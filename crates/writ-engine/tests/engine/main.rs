//! The engine from outside, on a small real workspace and an integration that does what a test tells it to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod approved;
mod concurrency;
mod desk;
mod fake_upstream;
mod outcomes;
mod quorum;
mod refusals;
mod restart;
mod revocation;
mod sign_in;
mod time;
mod voided;
mod workspace;
