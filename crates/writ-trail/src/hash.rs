//! The hashes of the Merkle tree, as RFC 6962 section 2.1 and RFC 9162 section 2.1.1 define them,
//! over SHA-256.
//!
//! Leaves and nodes are hashed under different prefixes, so that no leaf can be passed off as an
//! inner node. The module relies on the sha2 crate. It never decides what a leaf contains; for that
//! see [`crate::commitment`].

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::encoding::{from_base64, to_base64, to_hex};

/// The length of a [`struct@Hash`], in bytes.
pub const HASH_BYTES: usize = 32;

/// One SHA-256 hash of the tree: of a leaf, of an inner node, or the root.
///
/// `Display` writes padded standard base64, as checkpoints do; `Debug` writes lower-case
/// hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; HASH_BYTES]);

impl Hash {
    /// Takes 32 bytes as a hash, whatever they are.
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads the base64 form that `Display` writes; `None` for every other text, other spellings of
    /// the same bytes included.
    pub fn from_base64(text: &str) -> Option<Self> {
        from_base64(text)?.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl From<[u8; HASH_BYTES]> for Hash {
    fn from(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

/// The hash of a leaf: SHA-256 over the byte 0x00 and the log entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into())
}

/// The hash of an inner node: SHA-256 over the byte 0x01 and its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([0x01]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root of a tree without leaves: SHA-256 over nothing.
pub fn empty_root() -> Hash {
    Hash(Sha256::new().finalize().into())
}
