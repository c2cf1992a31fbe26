//! What the measurements share: a made-up company, requests to decide, and figures to report.
//!
//! Each measurement is a binary of its own (`src/bin/`) and puts Writ beside the obvious way in one run, in turns, so
//! that a busy machine disturbs both alike. Data and requests come from a fixed seed: two runs measure the same work.
//! Only ratios within one run are worth comparing.

pub mod company;
pub mod figures;
#[cfg(feature = "gateway")]
pub mod gateway;
pub mod policy;
pub mod random;
