//! The store: the trail's events, durable and in order, and the tables made from them.
//!
//! One thread writes. It takes whatever has been asked for since the last sync, puts each request to the state
//! machines of `writ-core`, appends the events to the log, brings the projections up to date, and syncs once for
//! all: many writers share one sync. A request that the state machines refuse changes nothing. What was
//! acknowledged is durable, and [`Durable`] is the proof of it.
//!
//! There are two databases behind it: SQLite in the store's folder, and a PostgreSQL server. Whatever decides, numbers
//! and signs is the same for both, and knows neither.
//!
//! Architecture invariants: this is the only crate that holds our SQL; it has no policy; state is what the
//! events say, so every table but `events` can be made again by [`replay`]; one process at a time writes a store;
//! after a failed write nothing more is written until a person has looked. A database that is away for a while is no
//! failed write: nothing is accepted until it is back and it is known what it has.

mod account;
mod archive;
mod backend;
mod commit;
mod front;
mod links;
mod lost;
mod open;
mod postgres;
mod projection;
mod read;
mod shown;
mod sqlite;
mod tiles;
mod writer;

pub use account::{Account, Entry, Flaw, Runs};
pub use archive::Archive;
pub use backend::Database;
pub use commit::{Commit, CommitError, Durable};
pub use links::Links;
pub use open::{OpenError, Options, Store};
pub use postgres::{PostgresUrl, UrlError};
pub use projection::{Projections, replay};
pub use read::ReadError;
