//! What the shop promises, tried through its library and, where a process matters, through the real binary.
//!
//! Data that the tests need is made in a folder of their own. Only the tests over tau-retail read from elsewhere, and
//! say so where it is not there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

mod amounts;
mod arguments;
mod bench;
mod catalogue;
mod delivered;
mod idempotency;
mod pending;
mod refunds;
mod seeded;
mod served;
mod tau;
