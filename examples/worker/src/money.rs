//! Amounts as whole cents, so that nothing is ever computed on a binary fraction.

use serde_json::Value as Json;

/// Reads a JSON number, or a number as text, as cents. What is finer than a cent is no amount.
pub(crate) fn cents(value: &Json) -> Option<i64> {
    let text = match value {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.clone(),
        _ => return None,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let plain = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 2 || !plain(whole) || !plain(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<2}").parse().ok()
}

/// Cents as decimal text: `240.00`.
pub(crate) fn text(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Cents as a JSON number, made from its decimal text.
pub(crate) fn number(cents: i64) -> Json {
    text(cents).parse::<f64>().map_or(Json::Null, Json::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        for value in [json!(240), json!(240.0), json!("240"), json!("240.00"), json!("240.0000")] {
            assert_eq!(cents(&value), Some(24_000), "{value}");
        }
        assert_eq!(cents(&json!(48.8)), Some(4_880));
        assert_eq!(cents(&json!("0.05")), Some(5));
        for value in [json!("1.005"), json!(-1), json!("12a"), json!(""), json!("."), json!(null)] {
            assert_eq!(cents(&value), None, "{value}");
        }
    }

    #[test]
    fn amounts_are_written_as_they_were_read() {
        assert_eq!(text(24_000), "240.00");
        assert_eq!(text(5), "0.05");
        assert_eq!(number(24_000), json!(240.0));
        assert_eq!(cents(&number(4_880)), Some(4_880));
    }
}
