//! The engine: runs, the Decision Queue, the executor and the Explain rail.
//!
//! It puts the pure rules of `writ-core` to work on real data ([`writ_knowledge`]), a durable trail
//! ([`writ_store`]) and integrations (an [`upstream::Upstream`], given by whoever speaks their protocol). Every
//! way in is a method of [`Engine`]: for workers, who are never trusted, and for people.
//!
//! Architecture invariants: this crate alone makes a [`permit::Permit`], and only from a durable record; it knows
//! no JSON-RPC, no HTML and no status codes; every refusal that concerns a run is recorded before it is answered.

pub mod clock;
mod decide;
mod engine;
mod epoch;
mod executor;
mod lifecycle;
mod narrowing;
pub mod people;
pub mod permit;
pub mod pin;
pub mod quarantine;
mod result;
mod scope;
pub mod token;
pub mod upstream;
pub mod view;
mod worker;
pub mod workspace;

pub use engine::{Engine, EngineOptions, StartError};
