//! Money as whole cents, and its way in and out of JSON.
//!
//! An amount is read from the decimal text of its number and written the same way, so that no arithmetic ever happens
//! on a binary fraction. Never rounds: an amount with a third decimal is refused.

use serde_json::{Number, Value};
use thiserror::Error;

/// The largest amount that is read, in cents: one hundred million.
pub const AMOUNT_CENTS_MAX: i64 = 10_000_000_000;

/// Why a number is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Not digits with an optional fraction.
    #[error("`{0}` is not a plain decimal amount")]
    NotPlain(String),
    /// Less than a cent would be lost.
    #[error("`{0}` has more than two decimals")]
    TooFine(String),
    /// More than [`AMOUNT_CENTS_MAX`].
    #[error("`{0}` is more than the largest amount, 100000000")]
    TooLarge(String),
}

/// Reads a JSON number as cents.
///
/// # Errors
///
/// When the number has more than two decimals or is too large.
pub fn from_number(number: &Number) -> Result<i64, AmountError> {
    from_text(&number.to_string())
}

/// Reads decimal text such as `240`, `48.8` or `-17.99` as cents.
///
/// # Errors
///
/// When the text is no plain decimal, has more than two decimals or is too large.
pub fn from_text(text: &str) -> Result<i64, AmountError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(AmountError::NotPlain(text.to_owned()));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 2 {
        return Err(AmountError::TooFine(text.to_owned()));
    }
    // Padding on the right makes tenths into hundredths: "8" stands for 80 cents.
    let cents = format!("{whole}{fraction:0<2}")
        .parse::<i64>()
        .ok()
        .filter(|cents| *cents <= AMOUNT_CENTS_MAX)
        .ok_or_else(|| AmountError::TooLarge(text.to_owned()))?;
    Ok(if negative { -cents } else { cents })
}

/// Writes cents as a JSON number: whole where there are no cents, otherwise with the decimals it needs.
#[must_use]
pub fn to_value(cents: i64) -> Value {
    if cents % 100 == 0 {
        return Value::from(cents / 100);
    }
    // The nearest double of a short decimal prints as the same decimal again, so nothing is lost here.
    to_text(cents).parse::<f64>().map_or(Value::Null, Value::from)
}

/// Writes cents with exactly two decimals, for people.
#[must_use]
pub fn to_text(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let size = cents.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
