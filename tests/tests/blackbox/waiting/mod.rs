//! A call that waits for a person, as each kind of client is told of it, and the sessions that older clients wait in.
//!
//! The decision is the same whatever a client can take. A task, a page to look at and a pending answer are three ways
//! to say that it is still open; none of them decides anything, and none is of use to another run.

mod client;
mod core_tasks;
mod narrowed;
mod pages;
mod pending;
mod reasons;
mod sessions;
mod tasks;
