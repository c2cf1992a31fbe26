//! Hashes, commitments and roots: known answers, and the naive tree as a twin.

use proptest::prelude::*;
use writ_trail::commitment::commit;
use writ_trail::hash::{Hash, empty_root, leaf_hash, node_hash};
use writ_trail::tree::{Tree, root_of};

/// The inputs of the Certificate Transparency test trees, in hexadecimal.
const ENTRIES: [&[u8]; 8] = [
    &[],
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
];

/// The roots over the first 0, 1, … 8 of [`ENTRIES`].
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

pub(crate) fn known_leaves() -> Vec<Hash> {
    ENTRIES.iter().map(|entry| leaf_hash(entry)).collect()
}

/// Leaf hashes that are all different.
pub(crate) fn some_leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|seq| leaf_hash(&seq.to_be_bytes())).collect()
}

/// The definition of RFC 6962, word for word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let mut left = 1;
            while left * 2 < leaves.len() {
                left *= 2;
            }
            node_hash(&naive_root(&leaves[..left]), &naive_root(&leaves[left..]))
        }
    }
}

#[test]
fn roots_are_the_known_ones() {
    let mut tree = Tree::new();
    assert!(tree.is_empty());
    assert_eq!(format!("{:?}", tree.root()), ROOTS[0]);
    for (leaf, root) in known_leaves().into_iter().zip(&ROOTS[1..]) {
        tree.push(leaf);
        assert_eq!(format!("{:?}", tree.root()), *root);
    }
    assert_eq!(tree.len(), 8);
    assert!(!tree.is_empty());
}

#[test]
fn a_commitment_is_the_known_one() {
    let mut salt = [0; 32];
    for (byte, value) in salt.iter_mut().zip(0..) {
        *byte = value;
    }
    let commitment = Hash::from_bytes(commit(&salt, b"hello"));
    let known = "25ae13adec55a508104bb7b0fe5f2c56879b0b2e7eed563612f1baf4a4b90227";
    assert_eq!(format!("{commitment:?}"), known);
}

#[test]
fn a_hash_has_one_spelling() {
    let root = empty_root();
    assert_eq!(root.to_string(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(Hash::from_base64(&root.to_string()), Some(root));
    for wrong in [
        "",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==",
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
    ] {
        assert_eq!(Hash::from_base64(wrong), None, "{wrong:?}");
    }
}

#[test]
fn the_growing_tree_is_the_naive_one_at_every_size() {
    let leaves = some_leaves(140);
    let mut tree = Tree::new();
    for (size, leaf) in leaves.iter().enumerate() {
        assert_eq!(tree.root(), naive_root(&leaves[..size]), "{size} leaves");
        tree.push(*leaf);
    }
}

proptest! {
    #[test]
    fn the_growing_tree_is_the_naive_one(entries in prop::collection::vec(any::<[u8; 3]>(), 0..400)) {
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        prop_assert_eq!(root_of(&leaves), naive_root(&leaves));
    }
}
