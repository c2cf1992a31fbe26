//! Proofs in one file: made, read, verified, and refused when a byte of them changed.

use writ_trail::bundle::{self, BundleError, Proof};
use writ_trail::leaf::{BODY_BYTES_MAX, Disclosed};
use writ_trail::note::Signer;
use writ_trail::proof::ProofError;

use crate::fixture::{hashes, kept, leaves, signed, signer};

fn proof_of(seqs: &[u64]) -> Result<Proof, BundleError> {
    let leaves = leaves(13, 1);
    let chosen = seqs.iter().map(|seq| kept(*seq)).collect();
    Proof::new(&signed(&leaves), &signer().verifier(), &[], &hashes(&leaves), chosen)
}

#[test]
fn chosen_leaves_are_shown_in_their_order() {
    let proof = proof_of(&[12, 0, 10, 7]).unwrap();
    let text = proof.to_text();
    assert_eq!(Proof::parse(&text).unwrap(), proof);
    let expected: Vec<(u64, Vec<u8>)> = [0, 7, 10, 12].map(|seq| (seq, kept(seq).body)).into();
    assert_eq!(bundle::verify(&text, &signer().verifier()).unwrap(), expected);
    assert_eq!(proof.items().len(), 4);
    assert!(text.ends_with(proof.checkpoint()));
}

#[test]
fn every_changed_byte_is_refused() {
    let key = signer().verifier();
    let text = proof_of(&[3, 10, 12]).unwrap().to_text();
    for position in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[position] ^= 1 << (position % 8);
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(bundle::verify(&changed, &key).is_err(), "byte {position}");
        }
    }
}

#[test]
fn a_signature_that_nobody_checks_is_refused() {
    let key = signer().verifier();
    let text = proof_of(&[3]).unwrap().to_text();
    for line in ["\u{2014} witness.example.com AAAAAAAA\n", "\n"] {
        assert!(bundle::verify(&format!("{text}{line}"), &key).is_err(), "{line:?}");
    }
}

#[test]
fn leaves_and_paths_of_others_are_refused() {
    let key = signer().verifier();
    let (one, other) = (proof_of(&[3]).unwrap().to_text(), proof_of(&[7]).unwrap().to_text());
    let (head, checkpoint) = one.split_once("\n\n").unwrap();
    let (foreign, _) = other.split_once("\n\n").unwrap();
    let (lines, foreign): (Vec<&str>, Vec<&str>) = (head.lines().collect(), foreign.lines().collect());
    let written = |lines: &[&str]| format!("{}\n\n{checkpoint}", lines.join("\n"));
    assert!(bundle::verify(&written(&lines), &key).is_ok());
    let swapped: Vec<&str> = lines[..2].iter().chain(&foreign[2..]).copied().collect();
    assert!(bundle::verify(&written(&swapped), &key).is_err(), "another leaf's path");
    for left_out in 1..lines.len() {
        let without: Vec<&str> = lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, l)| *l).collect();
        assert!(bundle::verify(&written(&without), &key).is_err(), "without line {left_out}");
        let mut twice = lines.clone();
        twice.insert(left_out, lines[left_out]);
        assert!(bundle::verify(&written(&twice), &key).is_err(), "line {left_out} twice");
    }
}

#[test]
fn only_what_is_in_the_log_is_proved() {
    assert_eq!(proof_of(&[]), Err(BundleError::Empty));
    assert_eq!(proof_of(&[4, 4]), Err(BundleError::Proof(ProofError::Order)));
    let no_such_leaf = ProofError::NoSuchLeaf { index: 13, size: 13 };
    assert_eq!(proof_of(&[13]), Err(BundleError::Proof(no_such_leaf)));

    let log = leaves(13, 1);
    let key = signer().verifier();
    let make = |leaf| Proof::new(&signed(&log), &key, &[], &hashes(&log), vec![leaf]);
    let not_included = BundleError::Proof(ProofError::NotIncluded { index: 3, size: 13 });
    let other_body = Disclosed { body: b"another".to_vec(), ..kept(3) };
    assert_eq!(make(other_body), Err(not_included.clone()));
    let other_salt = Disclosed { salt: [0; 32], ..kept(3) };
    assert_eq!(make(other_salt), Err(not_included));
    let too_long = Disclosed { body: vec![0; BODY_BYTES_MAX + 1], ..kept(3) };
    assert_eq!(make(too_long), Err(BundleError::BodyTooLong { seq: 3 }));

    let short = Proof::new(&signed(&log), &key, &[], &hashes(&log)[..12], vec![kept(3)]);
    assert_eq!(short, Err(BundleError::Size { size: 13, given: 12 }));
}

#[test]
fn another_key_does_not_vouch_for_it() {
    let text = proof_of(&[3]).unwrap().to_text();
    let other = Signer::new("example.com/trail", &[8; 32]).unwrap();
    let error = bundle::verify(&text, &other.verifier()).unwrap_err();
    assert!(matches!(error, BundleError::Checkpoint(_)), "{error}");
}

#[test]
fn every_other_form_is_refused() {
    let text = proof_of(&[3, 10]).unwrap().to_text();
    let (head, checkpoint) = text.split_once("\n\n").unwrap();
    let lines: Vec<&str> = head.lines().collect();
    let without_leaves = format!("{}\n\n{checkpoint}", lines[0]);
    assert_eq!(Proof::parse(&without_leaves), Err(BundleError::Empty));
    let refused = |text: String, line: u64| match Proof::parse(&text) {
        Err(BundleError::Format { line: found, .. }) => assert_eq!(found, line, "{text}"),
        other => panic!("{other:?}: {text}"),
    };
    refused(String::new(), 1);
    refused(head.to_owned(), 1);
    refused(text.replace("/v1", "/v2"), 1);
    refused(format!("{}\n{}\n\n{checkpoint}", lines[0], lines[2]), 2);
    refused(text.replace("leaf 3 ", "leaf 03 "), 2);
    refused(text.replace("leaf 3 ", "leaf  3 "), 2);
    refused(text.replace("leaf 3 ", "leaf 11 "), 7);
    refused(format!("{}\n{}\nAAAA\n\n{checkpoint}", lines[0], lines[1]), 3);
    let long = format!("\n{}", lines[2]).repeat(65);
    refused(format!("{}\n{}{long}\n\n{checkpoint}", lines[0], lines[1]), 67);
}
