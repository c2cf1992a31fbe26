//! The store: the trail's events, durable and in order, and the tables made from them.
//!
//! One thread writes. It takes whatever has been asked for since the last sync, puts each request to the state
//! machines of `writ-core`, appends the events to the log, brings the projections up to date, and syncs once for
//! all: many writers share one sync. A request that the state machines refuse changes nothing. What was
//! acknowledged is durable, and [`Durable`] is the proof of it.
//!
//! Architecture invariants: this is the only crate that holds our SQL; it has no policy; state is what the
//! events say, so every table but `events` can be made again by [`replay`]; after a failed write nothing more is
//! written until a person has looked.

mod account;
mod archive;
mod commit;
mod links;
mod open;
mod projection;
mod read;
mod schema;
mod tiles;
mod writer;

pub use account::{Account, Entry, Flaw, Runs};
pub use archive::Archive;
pub use commit::{Commit, CommitError, Durable};
pub use links::Links;
pub use open::{OpenError, Options, Store};
pub use projection::{Projections, replay};
pub use read::ReadError;
