//! The pure core of Writ: its words, its definitions and its rules.
//!
//! Everything that decides stands here: what a workspace folder may say ([`definition`]), how three Cedar
//! policy sets are compiled and asked ([`policy`]), which events a run and a decision may go through
//! ([`event`], [`run`], [`decision`], [`next_step`]) and how an action is named by its digest ([`digest`]).
//!
//! Architecture invariant: this crate does no I/O and has no clock, no randomness, no async and no wire
//! format. Time, identifiers and data come in as values, so that the same input gives the same answer in a
//! test, in a model checker and in the server.

mod canonical;
pub mod code;
pub mod decision;
pub mod definition;
pub mod digest;
pub mod event;
pub mod next_step;
pub mod policy;
pub mod run;
pub mod value;
pub mod visible;
