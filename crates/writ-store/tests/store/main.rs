//! The store from outside: what was acknowledged is there, once and in order, whatever fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod account;
mod archive;
mod buffered;
mod effect_keys;
mod failed_write;
mod fixture;
mod forked;
mod group_commit;
mod reopen;
mod replay;
mod tiles;
