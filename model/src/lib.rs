//! The protocol of decisions, looked at in every state that it can reach.
//!
//! What may be recorded is said by `writ-core`'s state machines and by `writ-store`'s tables, and what is done next by
//! `writ-core` as well: the same code that the server runs. This crate adds what stands around that code and can go
//! wrong: people who vote at the same time, two servers that act on what they saw a while ago, time, new policies,
//! runs that end, servers that die at any step, requests that are lost, late or made twice, and answers that are lost
//! or wrong. `stateright` then visits every state that can follow, and holds each to the promises of [`promises`].
//!
//! A model that finds nothing proves little if it could find nothing. [`Broken`] therefore breaks each rule on purpose,
//! and a test for each sees to it that the model finds the promise that falls with it.
//!
//! Invariant: no rule is written here a second time. A broken rule is broken by what the state machines are told,
//! never by a copy of them that says something else.

mod bounds;
mod broken;
mod carrying_out;
mod ending;
mod explore;
mod integration;
mod people;
pub mod promises;
mod protocol;
mod replica;
mod step;
mod tables;
mod witness;
mod world;

pub use bounds::{Bounds, Planned};
pub use broken::Broken;
pub use explore::{Explored, explore, find};
pub use protocol::Protocol;
pub use step::{Arrival, RunEnd, Shown, Step};
pub use world::World;
