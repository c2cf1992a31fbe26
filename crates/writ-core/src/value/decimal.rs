//! Money: decimal numbers of four places, exact or refused.

/// How many decimal places a decimal keeps: Cedar's `decimal` has four.
pub const DECIMAL_PLACES: u32 = 4;
pub(super) const DECIMAL_SCALE: i128 = 10_000;

/// Reads a decimal number in plain or exponent form as ten-thousandths.
///
/// Nothing where the text is no number, needs more than four places, or does not fit 64 bits: never rounded.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<i64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() || !digits(integer) || !digits(fraction) || (mantissa.contains('.') && fraction.is_empty()) {
        return None;
    }
    let all = format!("{integer}{fraction}");
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    if significant.len() > 19 {
        return None;
    }
    let trailing = i32::try_from(all.len().checked_sub(all.trim_end_matches('0').len())?).ok()?;
    let fraction_length = i32::try_from(fraction.len()).ok()?;
    // significant × 10^power is the number; it must be a multiple of 10^-4.
    let power = exponent.checked_sub(fraction_length)?.checked_add(trailing)?;
    let shift = power.checked_add(i32::try_from(DECIMAL_PLACES).ok()?)?;
    if !(0..=19).contains(&shift) {
        return None;
    }
    let magnitude = significant.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
    i64::try_from(if negative { magnitude.checked_neg()? } else { magnitude }).ok()
}

/// Writes ten-thousandths as Cedar does: at least one decimal place, at most four.
#[must_use]
pub fn format_decimal(scaled: i64) -> String {
    let magnitude = i128::from(scaled).abs();
    let fraction = format!("{:04}", magnitude % DECIMAL_SCALE);
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    format!("{}{}.{}", if scaled < 0 { "-" } else { "" }, magnitude / DECIMAL_SCALE, fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        let exact = [
            ("240", 2_400_000),
            ("240.0", 2_400_000),
            ("-0.0001", -1),
            ("1e2", 1_000_000),
            ("12.5E-1", 12_500),
            ("0", 0),
            ("-0.0", 0),
            ("922337203685477.5807", i64::MAX),
            ("-922337203685477.5808", i64::MIN),
        ];
        for (text, scaled) in exact {
            assert_eq!(parse_decimal(text), Some(scaled), "{text}");
        }
        let refused = [
            "",
            ".5",
            "5.",
            "1.00001",
            "1e300",
            "922337203685478",
            "0.30000000000000004",
            "--1",
            "1e",
            "NaN",
            "1_0",
            "+1",
        ];
        for text in refused {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
        for scaled in [0, 1, -1, 10_000, -15_000, i64::MAX, i64::MIN] {
            assert_eq!(parse_decimal(&format_decimal(scaled)), Some(scaled));
        }
    }
}
