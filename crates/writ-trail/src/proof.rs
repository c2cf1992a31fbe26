//! Inclusion and consistency proofs, made and checked (RFC 9162 sections 2.1.3 and 2.1.4; the same
//! as in RFC 6962).
//!
//! An inclusion proof leads from one leaf to a root; a consistency proof shows that one tree is the
//! beginning of another. Making one hashes every leaf hash given, once; checking one costs a hash
//! or two for each step. The module relies on [`crate::hash`] and [`crate::tree`]. It never asks
//! where a root comes from: a proof against an unsigned root proves nothing, see
//! [`crate::checkpoint`].

use crate::hash::{Hash, empty_root, node_hash};
use crate::tree::root_of;

/// The most hashes in an inclusion proof: one for each level of a tree of 2^64 leaves.
pub const PATH_HASHES_MAX: usize = 64;

/// Why a proof cannot be made, or does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such leaf in a tree of this size.
    #[error("there is no leaf {index} in a tree of {size} leaves")]
    NoSuchLeaf {
        /// The leaf asked for, from 0.
        index: u64,
        /// The tree's number of leaves.
        size: u64,
    },
    /// Several leaves were asked for, but not each once and in rising order.
    #[error("leaves to prove are named once each, in rising order")]
    Order,
    /// The older tree is larger than the newer one.
    #[error("a tree of {old_size} leaves is no beginning of a tree of {new_size}")]
    Shrunk {
        /// The older tree's number of leaves.
        old_size: u64,
        /// The newer tree's number of leaves.
        new_size: u64,
    },
    /// The proof does not lead from the leaf to the root.
    #[error("the proof does not lead from leaf {index} to the root over {size} leaves")]
    NotIncluded {
        /// The leaf's place, from 0.
        index: u64,
        /// The tree's number of leaves.
        size: u64,
    },
    /// The proof does not lead to both roots.
    #[error("the proof does not show that the tree of {new_size} leaves began as the one of {old_size}")]
    NotConsistent {
        /// The older tree's number of leaves.
        old_size: u64,
        /// The newer tree's number of leaves.
        new_size: u64,
    },
}

/// The inclusion proof of one leaf in the tree over `leaves`, from the leaf's sibling up (RFC 9162
/// section 2.1.3.1).
///
/// Fails where there is no such leaf.
pub fn inclusion_proof(leaves: &[Hash], index: u64) -> Result<Vec<Hash>, ProofError> {
    let paths = inclusion_proofs(leaves, &[index])?;
    Ok(paths.into_iter().flatten().collect())
}

/// The inclusion proofs of several leaves, in one pass over the tree.
///
/// `indexes` rise strictly, from 0; the proofs come in the same order. Fails where they do not
/// rise, or where there is no such leaf.
pub fn inclusion_proofs(leaves: &[Hash], indexes: &[u64]) -> Result<Vec<Vec<Hash>>, ProofError> {
    if !indexes.is_sorted_by(|earlier, later| earlier < later) {
        return Err(ProofError::Order);
    }
    let size = leaves.len() as u64;
    if let Some(&index) = indexes.last()
        && index >= size
    {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let mut paths = vec![Vec::new(); indexes.len()];
    collect_paths(leaves, 0, indexes, &mut paths);
    Ok(paths)
}

/// The proof that the tree over the first `old_size` leaves is the beginning of the tree over all
/// of them (RFC 9162 section 2.1.4.1).
///
/// It is empty for an empty older tree, and for two trees of one size. Fails where there are fewer
/// leaves than `old_size`.
pub fn consistency_proof(leaves: &[Hash], old_size: u64) -> Result<Vec<Hash>, ProofError> {
    match usize::try_from(old_size) {
        Ok(0) => Ok(Vec::new()),
        Ok(old) if old <= leaves.len() => Ok(subproof(leaves, old, true)),
        _ => Err(ProofError::Shrunk { old_size, new_size: leaves.len() as u64 }),
    }
}

/// Checks that a leaf stands at `index` in the tree of `size` leaves with this root (RFC 9162
/// section 2.1.3.2).
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf_hash: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let failed = ProofError::NotIncluded { index, size };
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf_hash;
    for sibling in proof {
        if last == 0 {
            return Err(failed);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // On the right edge, levels without a sibling are passed over.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(failed) }
}

/// Checks that the tree of `old_size` leaves with `old_root` is the beginning of the one of
/// `new_size` leaves with `new_root` (RFC 9162 section 2.1.4.2).
///
/// The RFC leaves an empty older tree out: it is the beginning of every tree, if its root is the
/// one of no leaves, and takes an empty proof.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::Shrunk { old_size, new_size });
    }
    let holds = if old_size == new_size {
        proof.is_empty() && old_root == new_root
    } else if old_size == 0 {
        proof.is_empty() && *old_root == empty_root()
    } else {
        joins_both_roots(old_size, old_root, new_size, new_root, proof)
    };
    if holds { Ok(()) } else { Err(ProofError::NotConsistent { old_size, new_size }) }
}

/// Returns the root over `leaves`, the first of which is leaf `start`, and adds to the path of
/// every leaf asked for.
fn collect_paths(leaves: &[Hash], start: u64, indexes: &[u64], paths: &mut [Vec<Hash>]) -> Hash {
    if indexes.is_empty() || leaves.len() < 2 {
        return root_of(leaves);
    }
    let (left_leaves, right_leaves) = leaves.split_at(split_point(leaves.len()));
    let middle = start + left_leaves.len() as u64;
    let cut = indexes.partition_point(|index| *index < middle);
    let (left_indexes, right_indexes) = indexes.split_at(cut);
    let (left_paths, right_paths) = paths.split_at_mut(cut);

    let left = collect_paths(left_leaves, start, left_indexes, left_paths);
    let right = collect_paths(right_leaves, middle, right_indexes, right_paths);
    for path in left_paths {
        path.push(right);
    }
    for path in right_paths {
        path.push(left);
    }
    node_hash(&left, &right)
}

/// SUBPROOF of RFC 9162. `known` tells that the verifier holds the root over exactly these leaves
/// already.
fn subproof(leaves: &[Hash], old: usize, known: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if known { Vec::new() } else { vec![root_of(leaves)] };
    }
    let middle = split_point(leaves.len());
    let (left, right) = leaves.split_at(middle);
    if old <= middle {
        let mut proof = subproof(left, old, known);
        proof.push(root_of(right));
        proof
    } else {
        let mut proof = subproof(right, old - middle, false);
        proof.push(root_of(left));
        proof
    }
}

/// The walk of RFC 9162 section 2.1.4.2, for 0 < old size < new size.
fn joins_both_roots(old_size: u64, old_root: &Hash, new_size: u64, new_root: &Hash, proof: &[Hash]) -> bool {
    // A perfect older tree is itself a node of the newer one, so the proof starts from its root.
    let (start, steps) = match proof.split_first() {
        _ if old_size.is_power_of_two() => (*old_root, proof),
        Some((start, steps)) => (*start, steps),
        None => return false,
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (start, start);
    for step in steps {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(step, &old);
            new = node_hash(step, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}

/// The largest power of two below `count`, which is at least 2: how many leaves the left subtree
/// has.
fn split_point(count: usize) -> usize {
    1 << (count - 1).ilog2()
}
