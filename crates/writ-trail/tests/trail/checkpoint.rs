//! Checkpoints: one spelling, and only under the log's own name.

use writ_trail::checkpoint::{Checkpoint, CheckpointError};
use writ_trail::hash::empty_root;
use writ_trail::note::Signer;
use writ_trail::tree::root_of;

use crate::fixture::signer;
use crate::note::TEXT;
use crate::tree::known_leaves;

fn known() -> Checkpoint {
    let origin = "example.com/trail".to_owned();
    Checkpoint { origin, size: 8, root: root_of(&known_leaves()) }
}

#[test]
fn a_checkpoint_is_three_lines() {
    assert_eq!(known().text(), TEXT);
    assert_eq!(Checkpoint::parse(TEXT), Ok(known()));
    let note = known().sign(&signer()).unwrap();
    assert_eq!(Checkpoint::open(&note, &signer().verifier()), Ok(known()));
    assert_eq!(Checkpoint::open_exactly(&note, &signer().verifier(), &[]), Ok(known()));
}

#[test]
fn every_other_spelling_is_refused() {
    for wrong in [
        String::new(),
        "\n\n\n".to_owned(),
        TEXT.trim_end().to_owned(),
        format!("{TEXT}\n"),
        format!("{TEXT}an extension line\n"),
        format!("\n{TEXT}"),
        TEXT.replace("example.com/trail", ""),
        TEXT.replace("example.com/trail", "example.com trail"),
        TEXT.replace("\n8\n", "\n08\n"),
        TEXT.replace("\n8\n", "\n+8\n"),
        TEXT.replace("\n8\n", "\n8 \n"),
        TEXT.replace("\n8\n", "\n0x8\n"),
        TEXT.replace("\n8\n", "\n\n"),
        TEXT.replace("\n8\n", "\n-8\n"),
        TEXT.replace("\n8\n", "\n18446744073709551616\n"),
        TEXT.replace("\n8\n", "\n0\n"),
        TEXT.replace('=', ""),
        TEXT.replace("yg=", "yh="),
        TEXT.replace("Xcna", ""),
    ] {
        let error = Checkpoint::parse(&wrong).unwrap_err();
        assert!(matches!(error, CheckpointError::Format(_)), "{wrong:?}");
    }
}

#[test]
fn an_empty_log_has_a_checkpoint_too() {
    let origin = "example.com/trail".to_owned();
    let empty = Checkpoint { origin, size: 0, root: empty_root() };
    assert_eq!(Checkpoint::parse(&empty.text()), Ok(empty));
}

#[test]
fn a_log_speaks_for_itself_alone() {
    let other = Signer::new("example.com/other", &[7; 32]).unwrap();
    let refused =
        CheckpointError::Origin { origin: "example.com/trail".to_owned(), key: "example.com/other".to_owned() };
    assert_eq!(known().sign(&other), Err(refused.clone()));
    let note = other.sign(TEXT).unwrap();
    assert_eq!(Checkpoint::open(&note, &other.verifier()), Err(refused));
}
