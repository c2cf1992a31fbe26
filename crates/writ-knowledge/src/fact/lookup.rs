//! Facts that are found by a key: one scan of a slice instead of a planned query.
//!
//! The shape is `SELECT <column, sum or difference of columns and numbers, or COUNT(*)> FROM <one table>
//! [WHERE <column> = <value> AND ...]`. Rows come through the barrier as any rows do; the conditions go into the
//! source's own query and are held against the slice again. Arithmetic is exact, and one result of it that does
//! not fit is an error. Where a shape is not exactly this, there is no look-up and the fact is planned.

use std::sync::Arc;

use writ_core::policy::{Comparison, Predicate};
use writ_core::value::Value;

use self::number::{Arithmetic, Number};
use crate::barrier::{Scan, ScanLimits, Slice, SliceRow, Taken};
use crate::clock::Stop;
use crate::error::FactError;
use crate::limits::QueryLimits;
use crate::query::scan_error;
use crate::slices::blocking;
use crate::source::{Reader, ScanError};

mod number;
mod shape;

/// A fact's look-up.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    table: String,
    conditions: Vec<(String, Operand)>,
    selected: Selected,
    /// Whether the conditions name every column that identifies a row.
    by_key: bool,
}

#[derive(Debug, Clone)]
enum Operand {
    /// The parameter of an index.
    Parameter(usize),
    Constant(Value),
}

#[derive(Debug, Clone)]
enum Selected {
    Count,
    Column(String),
    Number(Arithmetic),
}

impl Lookup {
    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// Whether a slice exposes every column that is needed as it is.
    pub(super) fn fits(&self, slice: &Slice) -> bool {
        let open = |name: &str| slice.column(name).is_some_and(|(_, column)| column.mask.is_none());
        self.conditions.iter().all(|(column, _)| open(column))
            && match &self.selected {
                Selected::Count => true,
                Selected::Column(column) => open(column),
                Selected::Number(number) => number.columns().iter().all(|column| open(column)),
            }
    }

    /// The value. A look-up by the whole key of an SQLite table runs where it is called: it reads a row or
    /// none, and takes less time than handing it to another thread.
    pub(super) async fn evaluate(
        &self,
        slice: &Arc<Slice>,
        bound: &[Value],
        limits: &QueryLimits,
    ) -> Result<Value, FactError> {
        let counts = matches!(self.selected, Selected::Count);
        let rows_max = if counts { limits.slice_rows_max } else { 1 };
        let scan_limits = ScanLimits { rows_max, bytes_max: limits.memory_bytes_max };
        let prune = self.predicate(bound);
        let stop = Arc::new(Stop::after(limits.duration_max));
        let taken: Result<Taken, FactError> = if self.by_key && matches!(slice.table.reader, Reader::Sqlite(_)) {
            let scan = Scan { slice, prune: &prune, limits: scan_limits, stop: &stop, lookup: true };
            scan.run().map_err(|error| self.failed(error))
        } else {
            let slice = Arc::clone(slice);
            let scanned = blocking(move || {
                let scan = Scan { slice: &slice, prune: &prune, limits: scan_limits, stop: &stop, lookup: true };
                // The outer error is a query's; too many rows is none.
                match scan.run() {
                    Err(ScanError::TooManyRows) if !counts => Ok(None),
                    other => other.map(Some),
                }
            })
            .await?;
            scanned.ok_or(FactError::Several)
        };
        let taken = taken?;
        if counts {
            return i64::try_from(taken.rows.len()).map(Value::Long).map_err(|_| FactError::Overflow);
        }
        let row = taken.rows.first().ok_or(FactError::Missing)?;
        self.value(slice, row)
    }

    fn failed(&self, error: ScanError) -> FactError {
        match (error, &self.selected) {
            (ScanError::TooManyRows, Selected::Column(_) | Selected::Number(_)) => FactError::Several,
            (error, _) => FactError::Query(scan_error(error)),
        }
    }

    fn predicate(&self, bound: &[Value]) -> Predicate {
        Predicate::all(self.conditions.iter().map(|(column, operand)| {
            let value = match operand {
                Operand::Parameter(at) => bound.get(*at),
                Operand::Constant(value) => Some(value),
            };
            value.map_or(Predicate::Nothing, |value| Predicate::Compare {
                column: Arc::from(column.as_str()),
                comparison: Comparison::Equal,
                value: value.clone(),
            })
        }))
    }

    fn value(&self, slice: &Slice, row: &SliceRow) -> Result<Value, FactError> {
        let cell = |name: &str| slice.column(name).and_then(|(at, _)| row.get(at)).and_then(Option::as_ref);
        match &self.selected {
            Selected::Count => Err(FactError::Null),
            Selected::Column(column) => cell(column).cloned().ok_or(FactError::Null),
            Selected::Number(number) => match number.value(&cell)? {
                None => Err(FactError::Null),
                Some(Number::Long(value)) => Ok(Value::Long(value)),
                Some(Number::Decimal(value)) => {
                    i64::try_from(value).map(Value::Decimal).map_err(|_| FactError::Overflow)
                }
            },
        }
    }
}
