//! Tokens made with a workspace's own key: what its operator could make, and what nobody should be believed.
//!
//! A token that has run out, or that says something else than any command would make it say, cannot be waited for.
//! HMAC-SHA256 is written out here from RFC 2104, so that the tests do not believe in the product's own.

use serde_json::Value as Json;
use writ_core::digest::Digest;

use crate::Acme;

const BLOCK_BYTES: usize = 64;

/// A token with these claims, signed with the key of a workspace.
#[must_use]
pub fn token(acme: &Acme, claims: &Json) -> String {
    let key = Digest::parse(acme.text("data/keys/token.key").trim()).expect("a key of 64 hexadecimal digits");
    let signed = format!("{}.{}", base64(br#"{"alg":"HS256","typ":"JWT"}"#), base64(claims.to_string().as_bytes()));
    let signature = base64(&hmac(&key.0, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The same claims without any signature, as a token that asks to be believed.
#[must_use]
pub fn unsigned(claims: &Json) -> String {
    format!("{}.{}.", base64(br#"{"alg":"none","typ":"JWT"}"#), base64(claims.to_string().as_bytes()))
}

fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let padded =
        |byte: u8| -> Vec<u8> { (0..BLOCK_BYTES).map(|at| key.get(at).copied().unwrap_or(0) ^ byte).collect() };
    let inner = Digest::of_bytes(&[padded(0x36), message.to_vec()].concat()).0;
    Digest::of_bytes(&[padded(0x5c), inner.to_vec()].concat()).0
}

/// Base64 for addresses, without padding (RFC 4648, section 5).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| (bits << 8) | usize::from(chunk.get(at).copied().unwrap_or(0)));
        for digit in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * digit)) & 63]));
        }
    }
    text
}
