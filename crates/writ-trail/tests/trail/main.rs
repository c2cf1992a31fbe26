//! The crate from outside: known answers, naive twins, and what must be refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod bundle;
mod checkpoint;
mod export;
mod fixture;
mod note;
mod proof;
mod tile;
mod tiled;
mod tree;
