//! Numbers and bytes as text, in one spelling each: decimal, lower-case hexadecimal, padded base64.
//!
//! Every reader here refuses what its writer would not write, so that two different texts never
//! mean the same value. It relies on the base64 crate, whose standard engine refuses missing
//! padding and stray trailing bits. It never trims, guesses or repairs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Reads a decimal number without sign, blanks or leading zeros.
pub(crate) fn from_decimal(text: &str) -> Option<u64> {
    let digits = text.as_bytes();
    let canonical = digits == b"0" || !digits.starts_with(b"0");
    if canonical && digits.iter().all(u8::is_ascii_digit) { text.parse().ok() } else { None }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| match nibble {
            0..=9 => char::from(b'0' + nibble),
            _ => char::from(b'a' + (nibble - 10)),
        })
        .collect()
}

/// Reads exactly `N` bytes of lower-case hexadecimal digits.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(bytes)
}

/// Writes bytes as standard base64 with padding (RFC 4648, section 4).
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64 in its one canonical form.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_has_one_spelling() {
        assert_eq!(from_decimal("0"), Some(0));
        assert_eq!(from_decimal("18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "00", "07", "+7", "-7", " 7", "7 ", "7\n", "٧", "18446744073709551616"] {
            assert_eq!(from_decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn hex_has_one_spelling() {
        assert_eq!(to_hex(&[0x00, 0x9a, 0xff]), "009aff");
        assert_eq!(from_hex("009aff"), Some([0x00, 0x9a, 0xff]));
        for wrong in ["", "009af", "009aff0", "009aff00", "009aFF", "009a f", "009agg", "0x9aff"] {
            assert_eq!(from_hex::<3>(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(to_base64(b"writ"), "d3JpdA==");
        assert_eq!(from_base64("d3JpdA=="), Some(b"writ".to_vec()));
        assert_eq!(from_base64(""), Some(Vec::new()));
        for wrong in ["d3JpdA", "d3JpdA=", "d3JpdB==", "d3JpdA==\n", "d3Jp dA==", "d3JpdA===", "_3JpdA=="] {
            assert_eq!(from_base64(wrong), None, "{wrong:?}");
        }
    }
}
