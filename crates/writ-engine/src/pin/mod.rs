//! What an operator pinned, beside what a server says now.
//!
//! A server describes its own tools, and tomorrow it may describe them otherwise: what a person classified and
//! approved would then be something else under the same name. So a workspace keeps a [`Snapshot`] of what was offered
//! when the operator last looked, and a digest of each definition (the `pin`). This module compares the two with what
//! is offered now ([`look()`], [`difference`]), finds text that a person would not see ([`hidden()`]), and writes pins
//! into a definition file without touching anything else in it ([`write_pin`]).
//!
//! Invariants: nothing here asks a server; text of a server's leaves as [`visible`](writ_core::visible) text of bounded
//! length; a file is replaced as a whole or not at all; no class is ever changed.

mod accept;
mod change;
mod draft;
mod edit;
mod file;
mod hidden;
mod look;
mod offer;
mod schema;
mod snapshot;

pub use accept::{Accepted, accept};
pub use change::{Change, difference};
pub use draft::{draft, is_integration_name};
pub use edit::{Unwritable, write_pin};
pub use file::{create, replace};
pub use hidden::{Hidden, hidden, hidden_in};
pub use look::{Item, Kind, Look, PinState, look};
pub(crate) use offer::{Absent, departures, offer, reasons};
pub use schema::visible_schema;
pub use snapshot::{Pinned, SNAPSHOT_BYTES_MAX, Snapshot, SnapshotError};
