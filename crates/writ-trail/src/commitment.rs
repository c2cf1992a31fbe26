//! The commitment: what the log itself holds of an event.
//!
//! A log entry is SHA-256 over a fixed label, a salt of 32 bytes and the body, and nothing else.
//! Whoever holds salt and body can show that they are what was logged; whoever holds the entry
//! alone learns nothing of the body, not even by guessing it, as long as the salt was random and
//! used once. That is what makes erasure possible: without salt and body the entry, the tree and
//! every proof stay as they were. The module relies on the sha2 crate. It never makes a salt: that
//! comes in from whoever has a source of randomness.

use sha2::{Digest as _, Sha256};

/// The label that keeps these hashes apart from every other use of SHA-256.
pub const LABEL: &str = "writ.dev/trail/leaf/v1\n";

/// The length of a salt, in bytes.
pub const SALT_BYTES: usize = 32;

/// The length of a log entry, in bytes. Every entry of a trail has this length.
pub const ENTRY_BYTES: usize = 32;

/// Commits to a body under a salt. The result is the log entry.
///
/// Label and salt have fixed lengths, so that no other salt and body give the same input.
pub fn commit(salt: &[u8; SALT_BYTES], body: &[u8]) -> [u8; ENTRY_BYTES] {
    Sha256::new().chain_update(LABEL).chain_update(salt).chain_update(body).finalize().into()
}
