//! The query engine's columns as JSON.

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Float64Type, Int64Type, TimeUnit, UInt64Type,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Number, Value as Json};
use writ_core::value::format_datetime;

const DECIMAL128_PRECISION_MAX: u8 = 38;

/// The name of a type in a result; nothing where values of it have no form there.
pub(crate) fn type_name(ty: &DataType) -> Option<&'static str> {
    Some(match ty {
        DataType::Null => "null",
        DataType::Boolean => "bool",
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => "long",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "double",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "decimal"
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Timestamp(..) => "datetime",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        _ => return None,
    })
}

/// The values of a column.
pub(crate) fn json_column(array: &ArrayRef) -> Result<Vec<Json>, ArrowError> {
    let unexpected = || ArrowError::CastError("a column is not of its own type".to_owned());
    match array.data_type() {
        DataType::Null => Ok(vec![Json::Null; array.len()]),
        DataType::Boolean => Ok(json(array.as_boolean_opt().ok_or_else(unexpected)?.iter(), Json::Bool)),
        DataType::UInt64 => Ok(json(array.as_primitive_opt::<UInt64Type>().ok_or_else(unexpected)?.iter(), Json::from)),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => {
            let longs = cast(array, &DataType::Int64)?;
            Ok(json(longs.as_primitive_opt::<Int64Type>().ok_or_else(unexpected)?.iter(), Json::from))
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let doubles = cast(array, &DataType::Float64)?;
            Ok(json(doubles.as_primitive_opt::<Float64Type>().ok_or_else(unexpected)?.iter(), double))
        }
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            let decimals = cast(array, &DataType::Decimal128(DECIMAL128_PRECISION_MAX, *scale))?;
            let decimals = decimals.as_primitive_opt::<Decimal128Type>().ok_or_else(unexpected)?;
            Ok(json(decimals.iter(), |units| Json::String(plain(&units.to_string(), *scale))))
        }
        DataType::Decimal256(_, scale) => {
            let decimals = array.as_primitive_opt::<Decimal256Type>().ok_or_else(unexpected)?;
            Ok(json(decimals.iter(), |units| Json::String(plain(&units.to_string(), *scale))))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = cast(array, &DataType::Utf8)?;
            Ok(json(texts.as_string_opt::<i32>().ok_or_else(unexpected)?.iter(), |text: &str| Json::from(text)))
        }
        DataType::Timestamp(unit, _) => {
            let counts = cast(array, &DataType::Int64)?;
            let counts = counts.as_primitive_opt::<Int64Type>().ok_or_else(unexpected)?;
            Ok(json(counts.iter(), |count| Json::String(datetime(count, *unit))))
        }
        _ => {
            let options = FormatOptions::default();
            let texts = ArrayFormatter::try_new(array, &options)?;
            (0..array.len())
                .map(
                    |at| {
                        if array.is_null(at) {
                            Ok(Json::Null)
                        } else {
                            texts.value(at).try_to_string().map(Json::String)
                        }
                    },
                )
                .collect()
        }
    }
}

fn json<T>(values: impl Iterator<Item = Option<T>>, form: impl Fn(T) -> Json) -> Vec<Json> {
    values.map(|value| value.map_or(Json::Null, &form)).collect()
}

/// A finite double as a number; JSON has no other, so the rest is text.
fn double(value: f64) -> Json {
    Number::from_f64(value).map_or_else(|| Json::String(value.to_string()), Json::Number)
}

/// Units of a scale in plain form: `-12.5`, `3.0`, and without a point where the scale has none.
fn plain(units: &str, scale: i8) -> String {
    let (sign, digits) = units.strip_prefix('-').map_or(("", units), |digits| ("-", digits));
    let places = usize::try_from(scale).unwrap_or(0);
    if places == 0 {
        let zeros = usize::from(scale.unsigned_abs());
        return if digits == "0" { "0".to_owned() } else { format!("{sign}{digits}{}", "0".repeat(zeros)) };
    }
    let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
    let (whole, fraction) = padded.split_at(padded.len().saturating_sub(places));
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    format!("{sign}{whole}.{fraction}")
}

/// A count of `unit`s since the epoch as RFC 3339 in UTC, with the digits that it needs.
fn datetime(count: i64, unit: TimeUnit) -> String {
    let per_second: i64 = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => return format_datetime(count),
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let (seconds, fraction) = (count.div_euclid(per_second), count.rem_euclid(per_second));
    let per_millisecond = per_second.checked_div(1_000).unwrap_or(0);
    let milliseconds = fraction.checked_div(per_millisecond).unwrap_or(0);
    let finer = fraction.checked_rem(per_millisecond).unwrap_or(0);
    let Some(whole) = seconds.checked_mul(1_000) else { return format!("{seconds} s") };
    if finer == 0 {
        return format_datetime(whole.saturating_add(milliseconds));
    }
    let width = if per_second == 1_000_000 { 6 } else { 9 };
    let digits = format!("{fraction:0width$}");
    format!("{}.{}Z", format_datetime(whole).trim_end_matches('Z'), digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_plain() {
        for (units, scale, text) in [
            ("125000", 4, "12.5"),
            ("-1", 4, "-0.0001"),
            ("0", 4, "0.0"),
            ("30000", 4, "3.0"),
            ("12", 0, "12"),
            ("12", -2, "1200"),
            ("-9223372036854775808", 4, "-922337203685477.5808"),
        ] {
            assert_eq!(plain(units, scale), text);
        }
    }

    #[test]
    fn datetimes_have_the_digits_that_they_need() {
        assert_eq!(datetime(1, TimeUnit::Second), "1970-01-01T00:00:01Z");
        assert_eq!(datetime(-500, TimeUnit::Millisecond), "1969-12-31T23:59:59.500Z");
        assert_eq!(datetime(1_500_000, TimeUnit::Microsecond), "1970-01-01T00:00:01.500Z");
        assert_eq!(datetime(1, TimeUnit::Nanosecond), "1970-01-01T00:00:00.000000001Z");
    }
}
