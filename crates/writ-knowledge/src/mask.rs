//! Masks: what a worker sees in place of a value.
//!
//! A mask is applied inside the scan, before anything of the worker's runs, so a masked value cannot be joined
//! on, compared or sorted by. `last4` and `partial` show nothing at all of a value so short that they would
//! show it whole. `hash` is HMAC-SHA-256 (RFC 2104) under a key of the run, cut to 128 bits: equal values have
//! equal digests within a run, and a digest tells nothing across runs.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use writ_core::definition::Mask;
use writ_core::value::{Type, Value, format_datetime, format_decimal};

const HMAC_BLOCK_BYTES: usize = 64;
const DIGEST_BYTES_SHOWN: usize = 16;

/// The type of a masked column: text, or the column's own where nothing is shown.
pub(crate) fn masked_type(ty: &Type, mask: Option<Mask>) -> Type {
    match mask {
        None | Some(Mask::Null) => ty.clone(),
        Some(Mask::Last4 | Mask::Partial | Mask::Hash) => Type::String,
    }
}

/// What is shown of a value.
pub(crate) fn apply(mask: Option<Mask>, value: Value, hash_key: &[u8; 32]) -> Option<Value> {
    match mask {
        None => Some(value),
        Some(Mask::Null) => None,
        Some(Mask::Last4) => Some(Value::string(&last4(&plain(&value)))),
        Some(Mask::Partial) => Some(Value::string(&partial(&plain(&value)))),
        Some(Mask::Hash) => Some(Value::string(&hash(hash_key, &plain(&value)))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Long(value) | Value::Duration(value) => value.to_string(),
        Value::Decimal(value) => format_decimal(*value),
        Value::Datetime(value) => format_datetime(*value),
        Value::String(value) => value.to_string(),
        other => other.to_json().to_string(),
    }
}

fn last4(text: &str) -> String {
    let length = text.chars().count();
    let hidden = if length > 4 { length.saturating_sub(4) } else { length };
    text.chars().enumerate().map(|(at, character)| if at < hidden { '*' } else { character }).collect()
}

fn partial(text: &str) -> String {
    let (local, domain) = match text.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => (local, Some(domain)),
        _ => (text, None),
    };
    let alone = local.chars().count() < 2;
    let mut shown: String =
        local.chars().enumerate().map(|(at, character)| if at > 0 || alone { '*' } else { character }).collect();
    if let Some(domain) = domain {
        shown.push('@');
        shown.push_str(domain);
    }
    shown
}

fn hash(key: &[u8; 32], text: &str) -> String {
    let padded = |with: u8| -> [u8; HMAC_BLOCK_BYTES] {
        let mut block = [with; HMAC_BLOCK_BYTES];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text.as_bytes()).finalize();
    let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
    hex(outer.iter().take(DIGEST_BYTES_SHOWN))
}

fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    bytes.fold(String::with_capacity(2 * DIGEST_BYTES_SHOWN), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn short_values_are_hidden_whole() {
        assert_eq!(last4("4111111111111111"), "************1111");
        assert_eq!(last4("12345"), "*2345");
        assert_eq!(last4("1234"), "****");
        assert_eq!(last4(""), "");
        assert_eq!(partial("ana@example.com"), "a**@example.com");
        assert_eq!(partial("a@example.com"), "*@example.com");
        assert_eq!(partial("Zoë"), "Z**");
        assert_eq!(partial("Z"), "*");
        assert_eq!(partial("@home"), "@****");
    }

    #[test]
    fn a_hash_is_hmac_sha256() {
        // Test case 1 of RFC 4231 has a key of 20 bytes; padded with zeros it is the same key.
        let mut key = [0_u8; 32];
        key[..20].fill(0x0b);
        assert_eq!(hash(&key, "Hi There"), "b0344c61d8db38535ca8afceaf0bf12b");
        assert_ne!(hash(&key, "1"), hash(&[0; 32], "1"));
    }

    #[test]
    fn nothing_keeps_its_type() {
        assert_eq!(masked_type(&Type::Decimal, Some(Mask::Null)), Type::Decimal);
        assert_eq!(masked_type(&Type::Decimal, Some(Mask::Hash)), Type::String);
        assert_eq!(apply(Some(Mask::Null), Value::Long(5), &[0; 32]), None);
        assert_eq!(apply(Some(Mask::Last4), Value::Decimal(1_234_500), &[0; 32]), Some(Value::string("**3.45")));
    }
}
