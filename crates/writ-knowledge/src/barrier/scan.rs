//! Reading a slice: policy first, then masks, then the worker's pruning, then order.
//!
//! A row is in the slice if every cell that policy reads fits its column, policy admits the row, and every
//! cell that is exposed fits too. What a scan returns, and whether it refuses for size, depends on the rows of
//! the slice alone; how often policy failed is counted for operators and is no part of any answer.

use std::sync::Arc;
use std::time::Duration;

use writ_core::policy::{Admission, Predicate};
use writ_core::value::{Value, ValueRef};

use super::SliceRow;
use super::slice::Slice;
use crate::cell::{Cell, compare_rows, row_bytes};
use crate::clock::{Stop, now};
use crate::mask;
use crate::prune::holds;
use crate::source::{Request, ScanError};

/// A policy's native parameters may be so large that a look-up by key is quicker without them.
const LOOKUP_POLICY_BYTES_MAX: usize = 1024;

/// How much a scan may take in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanLimits {
    pub(crate) rows_max: usize,
    pub(crate) bytes_max: usize,
}

/// One read of a slice.
pub(crate) struct Scan<'a> {
    pub(crate) slice: &'a Slice,
    /// What the rows must satisfy beside policy, over exposed columns without masks.
    pub(crate) prune: &'a Predicate,
    pub(crate) limits: ScanLimits,
    pub(crate) stop: &'a Arc<Stop>,
    /// Whether the pruning is expected to leave a row or two.
    pub(crate) lookup: bool,
}

/// What a scan took in.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The rows, ordered by their values.
    pub(crate) rows: Vec<SliceRow>,
    /// About how much memory the rows take, in bytes.
    pub(crate) bytes: usize,
    /// Rows that policy could not decide, or whose cells do not fit.
    pub(crate) failed: u64,
    /// How long reading took, without policy.
    pub(crate) reading: Duration,
    /// How long policy and masks took.
    pub(crate) deciding: Duration,
}

impl Scan<'_> {
    /// Reads the slice. Blocks.
    pub(crate) fn run(&self) -> Result<Taken, ScanError> {
        let mut taken = Taken::default();
        let started = now();
        self.each_batch(&mut |batch| {
            let deciding = now();
            for cells in batch.drain(..) {
                self.take(&cells, &mut taken)?;
            }
            taken.deciding = taken.deciding.saturating_add(deciding.elapsed());
            Ok(())
        })?;
        taken.reading = started.elapsed().saturating_sub(taken.deciding);
        taken.rows.sort_unstable_by(|left, right| compare_rows(left, right));
        Ok(taken)
    }

    /// Counts the rows of the slice without keeping them. Blocks.
    pub(crate) fn count(&self) -> Result<u64, ScanError> {
        let mut rows = 0_u64;
        self.each_batch(&mut |batch| {
            for cells in batch.drain(..) {
                if matches!(self.decide(&cells), Decided::Row(_)) {
                    rows = rows.saturating_add(1);
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }

    fn each_batch(&self, sink: &mut crate::source::Sink<'_>) -> Result<(), ScanError> {
        let native = self.slice.native();
        let heavy = self.lookup && native.parameter_bytes() > LOOKUP_POLICY_BYTES_MAX;
        let request = Request {
            columns: &self.slice.read,
            policy: (!heavy).then_some(native),
            prune: self.prune,
            stop: self.stop,
        };
        self.slice.table.reader.read(&request, sink)
    }

    fn take(&self, cells: &[Cell], taken: &mut Taken) -> Result<(), ScanError> {
        match self.decide(cells) {
            Decided::Hidden => {}
            Decided::Failed => taken.failed = taken.failed.saturating_add(1),
            Decided::Row(row) if self.is_pruned(&row) => {}
            Decided::Row(row) => {
                if taken.rows.len() >= self.limits.rows_max {
                    return Err(ScanError::TooManyRows);
                }
                taken.bytes = taken.bytes.saturating_add(row_bytes(&row));
                if taken.bytes > self.limits.bytes_max {
                    return Err(ScanError::TooMuchMemory);
                }
                taken.rows.push(row);
            }
        }
        Ok(())
    }

    fn decide(&self, cells: &[Cell]) -> Decided {
        let mut judged: Vec<Option<ValueRef<'_>>> = Vec::with_capacity(self.slice.judged.len());
        for column in &self.slice.judged {
            match cells.get(column.at) {
                Some(Cell::Value(value)) => judged.push(Some(value.borrow())),
                Some(Cell::Null) if column.nullable => judged.push(None),
                _ => return Decided::Failed,
            }
        }
        match self.slice.policy.admits(&judged) {
            Admission::Admitted => self.exposed(cells).map_or(Decided::Failed, Decided::Row),
            Admission::Hidden => Decided::Hidden,
            Admission::Failed => Decided::Failed,
        }
    }

    /// What is shown of an admitted row; nothing where a cell does not fit its column.
    fn exposed(&self, cells: &[Cell]) -> Option<SliceRow> {
        self.slice
            .exposed
            .iter()
            .map(|column| match column.at {
                None => Some(None),
                Some(at) => match cells.get(at)? {
                    Cell::Value(value) => Some(mask::apply(column.mask, value.clone(), &self.slice.hash_key)),
                    Cell::Null if column.nullable => Some(None),
                    Cell::Null | Cell::Misfit => None,
                },
            })
            .collect()
    }

    fn is_pruned(&self, row: &[Option<Value>]) -> bool {
        let value = |name: &str| {
            let (at, _) = self.slice.column(name)?;
            row.get(at)?.as_ref().map(Value::borrow)
        };
        holds(self.prune, &value) != Some(true)
    }
}

enum Decided {
    /// In the slice.
    Row(SliceRow),
    /// Outside the slice.
    Hidden,
    /// Outside the slice, because it could not be decided.
    Failed,
}
