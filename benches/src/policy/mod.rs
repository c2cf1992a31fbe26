//! Deciding calls: the requests, the two ways to answer them, and the race between those.

mod pool;
mod race;
mod ways;

pub use pool::{Asked, POOL_CALLS, Pool};
pub use race::{Race, Times};
pub use ways::{CedarWay, WritWay, compare};
