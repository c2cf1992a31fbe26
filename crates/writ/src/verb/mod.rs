//! The verbs, one file each.

pub(crate) mod check;
pub(crate) mod connect;
pub(crate) mod credential;
pub(crate) mod decision;
pub(crate) mod drill;
pub(crate) mod integration;
pub(crate) mod person;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod trail;
