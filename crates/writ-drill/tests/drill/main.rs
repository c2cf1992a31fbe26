//! The drill on a small real workspace: it passes where everything is in order, fails where something is broken on
//! purpose, and says what it could not try.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod broken;
mod sound;
mod workspace;
