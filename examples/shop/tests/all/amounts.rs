//! Money in and out of JSON, and the arithmetic of `calculate`.

use serde_json::{Number, Value, json};
use shop::money::{AmountError, from_number, from_text, to_text, to_value};

use crate::bench::Bench;

#[test]
fn decimal_text_becomes_cents() {
    for (text, cents) in [
        ("0", 0),
        ("240", 24_000),
        ("240.0", 24_000),
        ("240.5", 24_050),
        ("0.07", 7),
        ("48.81", 4_881),
        ("-17.99", -1_799),
        ("1.100", 110),
        ("100000000", 10_000_000_000),
    ] {
        assert_eq!(from_text(text), Ok(cents), "{text}");
    }
}

#[test]
fn what_is_no_amount_is_refused() {
    for text in ["", "-", ".5", "5.", "1e3", "+1", "1,5", " 1", "NaN", "0x10"] {
        assert_eq!(from_text(text), Err(AmountError::NotPlain(text.to_owned())));
    }
    assert_eq!(from_text("1.001"), Err(AmountError::TooFine("1.001".to_owned())));
    for text in ["100000000.01", "99999999999999999999999"] {
        assert_eq!(from_text(text), Err(AmountError::TooLarge(text.to_owned())));
    }
}

#[test]
fn every_amount_of_cents_survives_json() {
    for cents in (-20_000..20_000).chain(9_999_980_000..10_000_000_000) {
        let written = to_value(cents).to_string();
        let number: Number = serde_json::from_str(&written).unwrap();
        assert_eq!(from_number(&number), Ok(cents), "{written}");
    }
    assert_eq!(to_value(24_000), json!(240));
    assert_eq!(to_text(-1_799), "-17.99");
    assert_eq!(to_text(5), "0.05");
}

#[test]
fn calculate_is_exact_and_rounds_once() {
    let mut bench = Bench::empty();
    for (expression, expected) in [
        ("164.28", "164.28"),
        ("135.24 - 153.23", "-17.99"),
        ("0.1 + 0.2", "0.3"),
        ("155.33 - 147.05 + 268.77 - 235.13", "41.92"),
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * -4", "-20"),
        ("1 / 3 * 3", "1"),
        ("10 / 4", "2.5"),
        ("0.005", "0.01"),
        ("-0.004", "0"),
        ("100", "100"),
        ("8 - 3 - 2", "3"),
        ("--1", "1"),
    ] {
        assert_eq!(bench.done("calculate", json!({ "expression": expression })), Value::from(expected), "{expression}");
    }
}

#[test]
fn calculate_refuses_anything_else() {
    let mut bench = Bench::empty();
    let long = "1+".repeat(400) + "1";
    let deep = "(".repeat(200) + "1" + &")".repeat(200);
    for (expression, reason) in [
        ("", "ends too early"),
        ("1 +", "ends too early"),
        ("(1", "ends too early"),
        ("1 2", "cannot be read at `2`"),
        ("2 ** 3", "cannot be read at `* 3`"),
        ("__import__('os')", "cannot be read at"),
        ("1.2.3", "cannot be read at"),
        ("1 / (2 - 2)", "divides by zero"),
        (long.as_str(), "too large"),
        (deep.as_str(), "too large"),
        ("99999999999999999999 * 99999999999999999999", "too large"),
    ] {
        let told = bench.refused("calculate", json!({ "expression": expression }));
        assert!(told.contains(reason), "{expression}: {told}");
    }
}
