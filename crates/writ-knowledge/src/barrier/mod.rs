//! The barrier: the only way from a source's rows to anything of a worker's.
//!
//! A slice is read by [`scan`], which puts every row to policy, applies masks and orders what remains by its
//! own values. [`table`] and [`exec`] hand that to the query engine as a table and as a leaf of its plans. No
//! expression of a worker's runs below this line; its filters only ever prune, and only in forms that cannot
//! fail. Statistics are unknown, no order is promised, and hidden columns do not exist above it.

mod batch;
mod exec;
mod scan;
mod slice;
mod table;

pub(crate) use exec::QueryScope;
pub(crate) use scan::{Scan, ScanLimits, Taken};
pub(crate) use slice::{Slice, TableHandle};
pub use slice::{SliceColumn, SliceSpec};
pub(crate) use table::{SliceTable, arrow_schema};

/// One row of a slice: a value, or none, for each exposed column.
pub(crate) type SliceRow = Vec<Option<writ_core::value::Value>>;
