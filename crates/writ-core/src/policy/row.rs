//! The question that a slice asks of policy for each row.

use std::fmt::Debug;
use std::sync::Arc;

use super::predicate::Predicate;
use crate::value::ValueRef;

/// What policy says of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Every set permits the row, none forbids it, nothing erred.
    Admitted,
    /// The row is outside the slice.
    Hidden,
    /// A condition erred on the row, so the row is outside the slice; operators are told, the worker is not.
    Failed,
}

/// A policy over the rows of one table, bound to one run: mission, entitlements and guardrails together.
pub trait RowPolicy: Debug + Send + Sync {
    /// The columns that the policy reads, in the order in which [`RowPolicy::admits`] takes their values.
    fn columns(&self) -> &[Arc<str>];

    /// Decides one row. A column without a value is `None`. `row` has one entry for each of
    /// [`RowPolicy::columns`]; any other length is [`Admission::Failed`].
    fn admits(&self, row: &[Option<ValueRef<'_>>]) -> Admission;

    /// A superset of the admitted rows, for a source to filter by on its own.
    fn predicate(&self) -> &Predicate;
}
