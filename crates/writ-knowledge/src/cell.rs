//! One value as a source keeps it, made into a value of the column's declared type, or found not to fit.
//!
//! Nothing is rounded, truncated or guessed: what does not fit is a [`Cell::Misfit`], and a row with one among
//! the columns that policy or a worker may read is in no slice. Rows are ordered here too, by their values
//! alone, so that no order of storage shows through.

use std::cmp::Ordering;

use serde_json::Value as Json;
use writ_core::value::{DECIMAL_PLACES, Type, Value, parse_datetime, parse_decimal};

use crate::limits::TEXT_BYTES_MAX;

/// What a source holds in one column of one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// No value.
    Null,
    /// A value of the column's type.
    Value(Value),
    /// Something that is no value of the column's type.
    Misfit,
}

/// A column as a reader needs it.
#[derive(Debug, Clone)]
pub(crate) struct ColumnSpec {
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// For a decimal kept as an integer of minor units: how many decimal places that is.
    pub(crate) scale: Option<u32>,
    pub(crate) nullable: bool,
    pub(crate) labels: Vec<String>,
}

impl Cell {
    pub(crate) fn or_misfit(value: Option<Value>) -> Self {
        value.map_or(Self::Misfit, Self::Value)
    }

    /// Text as a string of bounded length.
    pub(crate) fn string(text: &str) -> Self {
        if text.len() > TEXT_BYTES_MAX { Self::Misfit } else { Self::Value(Value::string(text)) }
    }

    /// An integer of minor units as a decimal.
    pub(crate) fn minor_units(units: i64, scale: u32) -> Self {
        let factor = DECIMAL_PLACES.checked_sub(scale).and_then(|places| 10_i64.checked_pow(places));
        Self::or_misfit(factor.and_then(|factor| units.checked_mul(factor)).map(Value::Decimal))
    }

    /// A double as a decimal, through its shortest decimal text.
    pub(crate) fn double(value: f64) -> Self {
        Self::or_misfit(parse_decimal(&value.to_string()).map(Value::Decimal))
    }

    /// The text of a CSV field. An empty field has no value, unless the column holds text.
    pub(crate) fn from_text(text: &str, column: &ColumnSpec) -> Self {
        match (&column.ty, text) {
            (Type::String, _) => Self::string(text),
            (_, "") => Self::Null,
            (Type::Bool, "true" | "1") => Self::Value(Value::Bool(true)),
            (Type::Bool, "false" | "0") => Self::Value(Value::Bool(false)),
            (Type::Long, _) => Self::or_misfit(text.parse().ok().map(Value::Long)),
            (Type::Decimal, _) => match column.scale {
                Some(scale) => text.parse().map_or(Self::Misfit, |units| Self::minor_units(units, scale)),
                None => Self::or_misfit(parse_decimal(text).map(Value::Decimal)),
            },
            (Type::Datetime, _) => Self::or_misfit(parse_datetime(text).map(Value::Datetime)),
            _ => Self::Misfit,
        }
    }

    /// A field of a JSON object.
    pub(crate) fn from_json(json: Option<&Json>, column: &ColumnSpec) -> Self {
        match (json, &column.ty, column.scale) {
            (None | Some(Json::Null), _, _) => Self::Null,
            (Some(Json::String(text)), Type::String, _) => Self::string(text),
            (Some(Json::Number(number)), Type::Decimal, Some(scale)) => {
                number.as_i64().map_or(Self::Misfit, |units| Self::minor_units(units, scale))
            }
            (Some(_), Type::Decimal, Some(_)) => Self::Misfit,
            (Some(json), ty, _) => Self::or_misfit(Value::from_json(json, ty).ok()),
        }
    }
}

/// Orders values of one type; no value comes first.
pub(crate) fn compare_values(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(Value::Bool(left)), Some(Value::Bool(right))) => left.cmp(right),
        (Some(Value::Long(left)), Some(Value::Long(right)))
        | (Some(Value::Decimal(left)), Some(Value::Decimal(right)))
        | (Some(Value::Datetime(left)), Some(Value::Datetime(right))) => left.cmp(right),
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        _ => Ordering::Equal,
    }
}

/// Orders rows by all their columns.
pub(crate) fn compare_rows(left: &[Option<Value>], right: &[Option<Value>]) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(left, right)| compare_values(left.as_ref(), right.as_ref()))
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// About how much memory a row takes, in bytes.
pub(crate) fn row_bytes(row: &[Option<Value>]) -> usize {
    row.iter().fold(24, |bytes: usize, value| {
        let text = if let Some(Value::String(text)) = value { text.len().saturating_mul(2) } else { 0 };
        bytes.saturating_add(48).saturating_add(text)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn column(ty: Type, scale: Option<u32>) -> ColumnSpec {
        ColumnSpec { name: "c".to_owned(), ty, scale, nullable: true, labels: Vec::new() }
    }

    #[test]
    fn text_fits_its_type_or_nothing() {
        let decimal = column(Type::Decimal, None);
        assert_eq!(Cell::from_text("12.5", &decimal), Cell::Value(Value::Decimal(125_000)));
        assert_eq!(Cell::from_text("1.00001", &decimal), Cell::Misfit);
        assert_eq!(Cell::from_text("", &decimal), Cell::Null);
        assert_eq!(Cell::from_text("1250", &column(Type::Decimal, Some(2))), Cell::Value(Value::Decimal(125_000)));
        assert_eq!(Cell::from_text("12.5", &column(Type::Decimal, Some(2))), Cell::Misfit);
        assert_eq!(Cell::from_text("", &column(Type::String, None)), Cell::Value(Value::string("")));
        assert_eq!(Cell::from_text("yes", &column(Type::Bool, None)), Cell::Misfit);
        assert_eq!(Cell::from_text("12a", &column(Type::Long, None)), Cell::Misfit);
        assert_eq!(Cell::from_text(&"x".repeat(TEXT_BYTES_MAX + 1), &column(Type::String, None)), Cell::Misfit);
    }

    #[test]
    fn doubles_and_minor_units_are_exact_or_misfits() {
        assert_eq!(Cell::double(0.1), Cell::Value(Value::Decimal(1_000)));
        assert_eq!(Cell::double(0.1 + 0.2), Cell::Misfit);
        assert_eq!(Cell::double(f64::NAN), Cell::Misfit);
        assert_eq!(Cell::minor_units(i64::MAX, 2), Cell::Misfit);
        assert_eq!(Cell::minor_units(-5, 4), Cell::Value(Value::Decimal(-5)));
        assert_eq!(Cell::minor_units(1, 5), Cell::Misfit);
    }

    #[test]
    fn rows_are_ordered_by_value() {
        let row = |number: Option<i64>, text: &str| vec![number.map(Value::Long), Some(Value::string(text))];
        let mut rows = vec![row(Some(2), "a"), row(None, "z"), row(Some(2), "B"), row(Some(-1), "a")];
        rows.sort_by(|left, right| compare_rows(left, right));
        assert_eq!(rows, vec![row(None, "z"), row(Some(-1), "a"), row(Some(2), "B"), row(Some(2), "a")]);
    }
}
