//! The growing Merkle tree (RFC 6962 section 2.1, RFC 9162 section 2.1.1).
//!
//! Of a tree only its right edge is needed to append and to know the root: the roots of the perfect
//! subtrees that its size, written in binary, is made of. The module relies on [`crate::hash`]. It
//! never keeps a leaf.

use crate::hash::{Hash, empty_root, node_hash};

/// An append-only tree, held as at most 64 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of perfect subtrees, the largest and leftmost first: one for each bit set in `size`.
    frontier: Vec<Hash>,
}

impl Tree {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree over leaf hashes in their order.
    pub fn from_leaves(leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut tree = Self::new();
        for leaf in leaves {
            tree.push(leaf);
        }
        tree
    }

    /// Appends one leaf hash, as [`crate::hash::leaf_hash`] makes it.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // As in binary addition: each trailing one of the size is a subtree as high as what is
        // carried.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.frontier.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.frontier.push(node);
        self.size += 1;
    }

    /// The number of leaves.
    pub fn len(&self) -> u64 {
        self.size
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Hash {
        self.joined_with(None).unwrap_or_else(empty_root)
    }

    /// The root when a smaller subtree, if there is one, follows on the right; `None` where neither
    /// has a leaf.
    pub(crate) fn joined_with(&self, right: Option<Hash>) -> Option<Hash> {
        self.frontier.iter().rev().fold(right, |right, left| match right {
            Some(right) => Some(node_hash(left, &right)),
            None => Some(*left),
        })
    }
}

/// The root over leaf hashes in their order.
pub fn root_of(leaves: &[Hash]) -> Hash {
    Tree::from_leaves(leaves.iter().copied()).root()
}
