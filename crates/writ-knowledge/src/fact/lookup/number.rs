//! Exact sums and differences of integers and decimals.

use writ_core::value::Value;

use crate::error::FactError;

/// How many ten-thousandths a whole number is.
const ONE: i128 = 10_000;

/// A sum or difference of columns and numbers.
#[derive(Debug, Clone)]
pub(super) enum Arithmetic {
    Column(String),
    Constant(Number),
    Add(Box<Arithmetic>, Box<Arithmetic>),
    Subtract(Box<Arithmetic>, Box<Arithmetic>),
}

/// A number while it is worked with: decimals in ten-thousandths, with room for every intermediate result.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Long(i64),
    Decimal(i128),
}

impl Arithmetic {
    /// The columns that are needed.
    pub(super) fn columns(&self) -> Vec<&str> {
        match self {
            Self::Column(column) => vec![column],
            Self::Constant(_) => Vec::new(),
            Self::Add(left, right) | Self::Subtract(left, right) => {
                let mut columns = left.columns();
                columns.extend(right.columns());
                columns
            }
        }
    }

    /// The number; nothing where a column of it has no value.
    pub(super) fn value<'a>(&self, cell: &dyn Fn(&str) -> Option<&'a Value>) -> Result<Option<Number>, FactError> {
        let (left, right, subtract) = match self {
            Self::Column(column) => {
                return Ok(match cell(column) {
                    Some(Value::Long(value)) => Some(Number::Long(*value)),
                    Some(Value::Decimal(value)) => Some(Number::Decimal(i128::from(*value))),
                    _ => None,
                });
            }
            Self::Constant(number) => return Ok(Some(*number)),
            Self::Add(left, right) => (left, right, false),
            Self::Subtract(left, right) => (left, right, true),
        };
        let (Some(left), Some(right)) = (left.value(cell)?, right.value(cell)?) else { return Ok(None) };
        let result = match (left, right) {
            (Number::Long(left), Number::Long(right)) => {
                let result = if subtract { left.checked_sub(right) } else { left.checked_add(right) };
                result.map(Number::Long)
            }
            (left, right) => {
                let (left, right) = (left.decimal(), right.decimal());
                let result = if subtract { left.checked_sub(right) } else { left.checked_add(right) };
                result.map(Number::Decimal)
            }
        };
        result.map(Some).ok_or(FactError::Overflow)
    }
}

impl Number {
    /// The number in ten-thousandths.
    pub(super) fn decimal(self) -> i128 {
        match self {
            // A 64-bit integer of whole numbers has room among 128 bits of ten-thousandths.
            Self::Long(value) => i128::from(value).saturating_mul(ONE),
            Self::Decimal(value) => value,
        }
    }
}
