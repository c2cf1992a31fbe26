//! One leaf of the trail: kept with its salt and body, or erased down to its commitment; and its
//! line of text.
//!
//! A line is `<seq> <salt> <body>` for a kept leaf and `<seq> erased` for an erased one: the
//! sequence number in decimal, the salt in lower-case hexadecimal, the body in base64. An erased
//! line does not repeat the commitment, which stands in the log. The module relies on
//! [`crate::commitment`]. It never looks into a body.

use std::fmt;

use crate::commitment::{ENTRY_BYTES, SALT_BYTES, commit};
use crate::encoding::{from_base64, from_decimal, from_hex, to_base64, to_hex};
use crate::hash::{Hash, leaf_hash};

/// The longest body, in bytes. Longer ones are refused when written and when read.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// The longest line of a leaf, in bytes, with its newline: number, salt, base64 of the longest
/// body, two blanks.
pub(crate) const LINE_BYTES_MAX: usize = 20 + 1 + 2 * SALT_BYTES + 1 + BODY_BYTES_MAX.div_ceil(3) * 4 + 1;

/// A leaf with all that opens its commitment. Its `Debug` leaves salt and body out, which may be
/// personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosed {
    /// The leaf's place in the log, from 0.
    pub seq: u64,
    /// The salt under which the body was committed to.
    pub salt: [u8; SALT_BYTES],
    /// The event's body, at most [`BODY_BYTES_MAX`] bytes.
    pub body: Vec<u8>,
}

/// A leaf as an export is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Salt and body are there.
    Kept(Disclosed),
    /// Salt and body were erased; the commitment remains and stays provable.
    Erased {
        /// The leaf's place in the log, from 0.
        seq: u64,
        /// The log entry.
        commitment: [u8; ENTRY_BYTES],
    },
}

/// What a line of a bodies file says.
pub(crate) enum Record {
    Kept(Disclosed),
    Erased { seq: u64 },
}

impl Disclosed {
    /// The log entry of this leaf, from its salt and body.
    pub fn commitment(&self) -> [u8; ENTRY_BYTES] {
        commit(&self.salt, &self.body)
    }

    /// The hash under which this leaf stands in the tree.
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.commitment())
    }

    /// `<seq> <salt> <body>`, without a newline.
    pub(crate) fn to_line(&self) -> String {
        format!("{} {} {}", self.seq, to_hex(&self.salt), to_base64(&self.body))
    }

    /// Reads what [`Self::to_line`] writes, and nothing else.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let (Some(seq), Some(salt), Some(body), None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return None;
        };
        let body = from_base64(body)?;
        if body.len() > BODY_BYTES_MAX {
            return None;
        }
        Some(Self { seq: from_decimal(seq)?, salt: from_hex(salt)?, body })
    }
}

impl fmt::Debug for Disclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disclosed").field("seq", &self.seq).finish_non_exhaustive()
    }
}

impl Leaf {
    /// The leaf's place in the log, from 0.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Kept(leaf) => leaf.seq,
            Self::Erased { seq, .. } => *seq,
        }
    }

    /// The log entry of this leaf.
    pub fn commitment(&self) -> [u8; ENTRY_BYTES] {
        match self {
            Self::Kept(leaf) => leaf.commitment(),
            Self::Erased { commitment, .. } => *commitment,
        }
    }

    /// The leaf's line in a bodies file, without a newline.
    pub(crate) fn to_line(&self) -> String {
        match self {
            Self::Kept(leaf) => leaf.to_line(),
            Self::Erased { seq, .. } => format!("{seq} erased"),
        }
    }
}

impl Record {
    /// Reads what [`Leaf::to_line`] writes, and nothing else.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        match line.strip_suffix(" erased") {
            Some(seq) => Some(Self::Erased { seq: from_decimal(seq)? }),
            None => Disclosed::from_line(line).map(Self::Kept),
        }
    }

    pub(crate) fn seq(&self) -> u64 {
        match self {
            Self::Kept(leaf) => leaf.seq,
            Self::Erased { seq } => *seq,
        }
    }
}
