//! The exercises: each sets up what a guarantee is about, does what it forbids, and hands what was seen to `judge`.

pub(crate) mod change;
pub(crate) mod decision;
pub(crate) mod effect;
pub(crate) mod read;
pub(crate) mod scope;
pub(crate) mod start;
pub(crate) mod token;
pub(crate) mod trail;

/// No operator would give this name to anything.
const NOBODY: &str = "drill_no_such_name";
