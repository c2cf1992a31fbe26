//! Chosen leaves of one checkpoint with their proofs, in one text file that stands for itself.
//!
//! The file is for handing a few events to somebody without handing over the trail. It reads:
//!
//! ```text
//! writ.dev/trail/proof/v1
//! leaf <seq> <salt> <body>
//! <inclusion proof, one base64 hash a line, from the leaf's sibling up>
//! leaf …
//!
//! <the signed checkpoint>
//! ```
//!
//! Leaves rise by number, each stands once, and there is at least one. The module relies on
//! [`crate::leaf`], [`crate::proof`] and [`crate::checkpoint`]. It never shows that a checkpoint is
//! the log's latest, nor that other leaves do not exist: what leaves mean together, and whether one
//! is missing, is for whoever knows their bodies.

use std::fmt::Write as _;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::Hash;
use crate::leaf::{BODY_BYTES_MAX, Disclosed};
use crate::note::Verifier;
use crate::proof::{PATH_HASHES_MAX, ProofError, inclusion_proofs, verify_inclusion};

/// The longest file, in bytes.
pub const FILE_BYTES_MAX: usize = 64 << 20;

const FIRST_LINE: &str = "writ.dev/trail/proof/v1";
const LEAF: &str = "leaf ";

/// Why a proof cannot be made, read or believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The text is not such a file.
    #[error("line {line}: {what}")]
    Format {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file is, or would be, longer than [`FILE_BYTES_MAX`].
    #[error("the proof is longer than {} bytes", FILE_BYTES_MAX)]
    TooLong,
    /// No leaf was chosen.
    #[error("there is no leaf to prove")]
    Empty,
    /// A chosen leaf's body is too long.
    #[error("the body of leaf {seq} is longer than {} bytes", BODY_BYTES_MAX)]
    BodyTooLong {
        /// The leaf's number.
        seq: u64,
    },
    /// The leaf hashes given are not those of the checkpoint's tree.
    #[error("the checkpoint is over {size} leaves, but {given} leaf hashes were given")]
    Size {
        /// The checkpoint's number of leaves.
        size: u64,
        /// The number of leaf hashes.
        given: u64,
    },
    /// The checkpoint is refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A proof cannot be made, or does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// One leaf and the way from it to the checkpoint's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The leaf, with what opens its commitment.
    pub leaf: Disclosed,
    /// The inclusion proof, from the leaf's sibling up.
    pub path: Vec<Hash>,
}

/// Chosen leaves, their inclusion proofs, and the signed checkpoint that these lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    checkpoint: String,
    items: Vec<Item>,
}

impl Proof {
    /// Proves the chosen leaves against a checkpoint of `log`, given all its leaf hashes. Their
    /// order does not matter.
    ///
    /// Fails where the checkpoint is not signed by the log and each of the witnesses, and nobody else,
    /// or not over these leaf hashes, where no leaf is chosen or one is chosen twice, and where a
    /// chosen leaf is not in the log with this salt and body: what is made here verifies.
    pub fn new(
        checkpoint: &str,
        log: &Verifier,
        witnesses: &[Verifier],
        leaf_hashes: &[Hash],
        mut chosen: Vec<Disclosed>,
    ) -> Result<Self, BundleError> {
        let size = Checkpoint::open(checkpoint, log)?.size;
        let given = leaf_hashes.len() as u64;
        if size != given {
            return Err(BundleError::Size { size, given });
        }
        if chosen.is_empty() {
            return Err(BundleError::Empty);
        }
        if let Some(leaf) = chosen.iter().find(|leaf| leaf.body.len() > BODY_BYTES_MAX) {
            return Err(BundleError::BodyTooLong { seq: leaf.seq });
        }
        chosen.sort_by_key(|leaf| leaf.seq);
        let indexes: Vec<u64> = chosen.iter().map(|leaf| leaf.seq).collect();
        let paths = inclusion_proofs(leaf_hashes, &indexes)?;
        let items = chosen.into_iter().zip(paths).map(|(leaf, path)| Item { leaf, path }).collect();

        let proof = Self { checkpoint: checkpoint.to_owned(), items };
        if proof.to_text().len() > FILE_BYTES_MAX {
            return Err(BundleError::TooLong);
        }
        proof.verify(log, witnesses)?;
        Ok(proof)
    }

    /// The signed checkpoint, as it stands in the file.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The leaves and their proofs, rising by number.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Each leaf's number and body. They mean something once [`Self::verify`] has passed.
    pub fn into_bodies(self) -> Vec<(u64, Vec<u8>)> {
        self.items.into_iter().map(|item| (item.leaf.seq, item.leaf.body)).collect()
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\n");
        for item in &self.items {
            text.push_str(LEAF);
            text.push_str(&item.leaf.to_line());
            text.push('\n');
            for hash in &item.path {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{hash}");
            }
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads the text that [`Self::to_text`] writes. Fails for every other one; believes nothing of
    /// it yet.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(BundleError::TooLong);
        }
        let refused = |line, what| BundleError::Format { line, what };
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(refused(1, "no empty line comes before a checkpoint"))?;
        let mut items: Vec<Item> = Vec::new();
        for (number, line) in (1..).zip(head.split('\n')) {
            if number == 1 {
                if line != FIRST_LINE {
                    return Err(refused(number, "this is not a proof of the known version"));
                }
            } else if let Some(leaf) = line.strip_prefix(LEAF) {
                let leaf = Disclosed::from_line(leaf).ok_or(refused(number, "not `leaf <seq> <salt> <body>`"))?;
                if items.last().is_some_and(|item| item.leaf.seq >= leaf.seq) {
                    return Err(refused(number, "leaves do not rise by number"));
                }
                items.push(Item { leaf, path: Vec::new() });
            } else {
                let hash = Hash::from_base64(line).ok_or(refused(number, "neither a leaf nor a hash"))?;
                let item = items.last_mut().ok_or(refused(number, "a hash without a leaf"))?;
                if item.path.len() == PATH_HASHES_MAX {
                    return Err(refused(number, "a proof longer than any tree is high"));
                }
                item.path.push(hash);
            }
        }
        if items.is_empty() {
            return Err(BundleError::Empty);
        }
        Ok(Self { checkpoint: checkpoint.to_owned(), items })
    }

    /// Checks the signatures of the log and of each of these witnesses, and every leaf, and returns the
    /// checkpoint that all leaves are part of.
    ///
    /// Nobody else may have signed, so that no byte of the file is without meaning. Fails where
    /// anything does not hold.
    pub fn verify(&self, log: &Verifier, witnesses: &[Verifier]) -> Result<Checkpoint, BundleError> {
        let checkpoint = Checkpoint::open_exactly(&self.checkpoint, log, witnesses)?;
        for Item { leaf, path } in &self.items {
            verify_inclusion(leaf.seq, checkpoint.size, &leaf.leaf_hash(), path, &checkpoint.root)?;
        }
        Ok(checkpoint)
    }
}

/// Reads a file without cosignatures and checks it against the log's key. Returns each leaf's number
/// and body, once all of them hold.
pub fn verify(text: &str, log: &Verifier) -> Result<Vec<(u64, Vec<u8>)>, BundleError> {
    let proof = Proof::parse(text)?;
    proof.verify(log, &[])?;
    Ok(proof.into_bodies())
}
