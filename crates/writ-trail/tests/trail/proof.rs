//! Inclusion and consistency proofs: known answers, all that must hold, and all that must not.

use proptest::prelude::*;
use writ_trail::hash::Hash;
use writ_trail::proof::{
    ProofError, consistency_proof, inclusion_proof, inclusion_proofs, verify_consistency, verify_inclusion,
};
use writ_trail::tree::root_of;

use crate::tree::{known_leaves, some_leaves};

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8 % 32] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

/// Every proof that differs from this one in one hash: changed, left out, added or doubled.
fn mutations(proof: &[Hash], bit: usize) -> Vec<Vec<Hash>> {
    let mut mutations = Vec::new();
    for position in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[position] = flipped(&changed[position], bit);
        mutations.push(changed);
        let mut shorter = proof.to_vec();
        shorter.remove(position);
        mutations.push(shorter);
        let mut longer = proof.to_vec();
        longer.insert(position, proof[position]);
        mutations.push(longer);
    }
    let mut longer = proof.to_vec();
    longer.push(Hash::from_bytes([0; 32]));
    mutations.push(longer);
    mutations
}

fn check_inclusion(leaves: &[Hash], index: u64, bit: usize) {
    let size = leaves.len() as u64;
    let leaf = leaves[index as usize];
    let root = root_of(leaves);
    let proof = inclusion_proof(leaves, index).unwrap();
    assert_eq!(verify_inclusion(index, size, &leaf, &proof, &root), Ok(()));

    for mutation in mutations(&proof, bit) {
        verify_inclusion(index, size, &leaf, &mutation, &root).unwrap_err();
    }
    verify_inclusion(index, size, &flipped(&leaf, bit), &proof, &root).unwrap_err();
    verify_inclusion(index, size, &leaf, &proof, &flipped(&root, bit)).unwrap_err();
    for other in [index + 1, index.wrapping_sub(1), index ^ 2] {
        verify_inclusion(other, size, &leaf, &proof, &root).unwrap_err();
    }
}

fn check_consistency(leaves: &[Hash], old_size: u64, bit: usize) {
    let size = leaves.len() as u64;
    let old_root = root_of(&leaves[..old_size as usize]);
    let root = root_of(leaves);
    let proof = consistency_proof(leaves, old_size).unwrap();
    assert_eq!(verify_consistency(old_size, &old_root, size, &root, &proof), Ok(()));

    for mutation in mutations(&proof, bit) {
        verify_consistency(old_size, &old_root, size, &root, &mutation).unwrap_err();
    }
    let other = flipped(&old_root, bit);
    verify_consistency(old_size, &other, size, &root, &proof).unwrap_err();
    if old_size > 0 {
        // Every tree begins as the empty one, so no root is wrong there.
        let other = flipped(&root, bit);
        verify_consistency(old_size, &old_root, size, &other, &proof).unwrap_err();
    }
}

#[test]
fn inclusion_proofs_are_the_known_ones() {
    let leaves = known_leaves();
    let shown = |size: usize, index| format!("{:?}", inclusion_proof(&leaves[..size], index).unwrap());
    assert_eq!(shown(1, 0), "[]");
    assert_eq!(
        shown(8, 0),
        "[96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7, \
         5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e, \
         6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4]"
    );
    assert_eq!(
        shown(8, 5),
        "[bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b, \
         ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0, \
         d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7]"
    );
    assert_eq!(shown(3, 2), "[fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125]");
}

#[test]
fn consistency_proofs_are_the_known_ones() {
    let leaves = known_leaves();
    let shown = |size: usize, old| format!("{:?}", consistency_proof(&leaves[..size], old).unwrap());
    assert_eq!(shown(8, 0), "[]");
    assert_eq!(shown(8, 8), "[]");
    assert_eq!(
        shown(8, 6),
        "[0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a, \
         ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0, \
         d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7]"
    );
    assert_eq!(
        shown(5, 2),
        "[5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e, \
         bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b]"
    );
}

#[test]
fn every_proof_of_small_trees_holds_and_no_other_does() {
    for size in 0..=18 {
        let leaves = some_leaves(size);
        for index in 0..size {
            check_inclusion(&leaves, index, index as usize);
        }
        for old_size in 0..=size {
            check_consistency(&leaves, old_size, old_size as usize);
        }
    }
}

#[test]
fn what_is_not_in_the_tree_has_no_proof() {
    let leaves = some_leaves(5);
    let no_such_leaf = ProofError::NoSuchLeaf { index: 5, size: 5 };
    assert_eq!(inclusion_proof(&leaves, 5), Err(no_such_leaf));
    assert_eq!(inclusion_proofs(&leaves, &[1, 1]), Err(ProofError::Order));
    assert_eq!(inclusion_proofs(&leaves, &[2, 1]), Err(ProofError::Order));
    let shrunk = ProofError::Shrunk { old_size: 6, new_size: 5 };
    assert_eq!(consistency_proof(&leaves, 6), Err(shrunk.clone()));
    let root = root_of(&leaves);
    assert_eq!(verify_consistency(6, &root, 5, &root, &[]), Err(shrunk));
    verify_inclusion(0, 0, &leaves[0], &[], &leaves[0]).unwrap_err();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn proofs_hold_and_mutated_ones_do_not(size in 1..400u64, at in any::<u64>(), bit in 0..256usize) {
        let leaves = some_leaves(size);
        check_inclusion(&leaves, at % size, bit);
        check_consistency(&leaves, at % (size + 1), bit);
    }

    #[test]
    fn several_proofs_at_once_are_the_single_ones(size in 1..200u64, wanted in any::<u64>()) {
        let leaves = some_leaves(size);
        let indexes: Vec<u64> = (0..size).filter(|index| (wanted >> (index % 64)) & 1 == 1).collect();
        let together = inclusion_proofs(&leaves, &indexes).unwrap();
        let single: Vec<Vec<Hash>> =
            indexes.iter().map(|index| inclusion_proof(&leaves, *index).unwrap()).collect();
        prop_assert_eq!(together, single);
    }
}
