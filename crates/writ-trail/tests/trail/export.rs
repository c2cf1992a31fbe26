//! Exports: written, verified, read, and refused when they are not what was signed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use writ_trail::checkpoint::Checkpoint;
use writ_trail::export::{
    Fault, Place, Report, VerifyError, WriteError, verify_export, verify_export_reading, verify_export_with,
    write_export,
};
use writ_trail::hash::{Hash, leaf_hash};
use writ_trail::leaf::{BODY_BYTES_MAX, Disclosed, Leaf};
use writ_trail::note::Signer;
use writ_trail::tree::root_of;

use crate::fixture::{Folder, hashes, kept, leaves, signed, signer, write};

fn verify(dir: &Path) -> Result<Report, VerifyError> {
    verify_export(dir, &signer().verifier(), &[])
}

fn write_these(dir: &Path, leaves: Vec<Leaf>, checkpoint: &str) -> Result<Report, WriteError> {
    write_export(dir, leaves, checkpoint, &signer().verifier(), &[])
}

/// Changes the text of one file of an export.
fn edit(dir: &Path, file: &str, change: impl Fn(String) -> String) {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, change(text)).unwrap();
}

#[test]
fn what_is_written_verifies_at_every_shape() {
    let folder = Folder::new("shapes");
    for size in [0, 1, 2, 255, 256, 257, 512, 513] {
        let _ = fs::remove_dir_all(folder.path());
        let all = leaves(size, 3);
        write(folder.path(), all.clone());
        let report = verify(folder.path()).unwrap();
        let erased = size - size.div_ceil(3);
        let origin = "example.com/trail".to_owned();
        assert_eq!(report, Report { origin, size, root: root_of(&hashes(&all)), erased });
    }
}

#[test]
fn bodies_are_handed_on_in_their_order_without_the_erased() {
    let folder = Folder::new("bodies");
    write(folder.path(), leaves(300, 3));
    let mut seen = Vec::new();
    let log = signer().verifier();
    let visit = |seq, body: &[u8]| seen.push((seq, body.to_vec()));
    let report = verify_export_with(folder.path(), &log, &[], visit).unwrap();
    assert_eq!(report.erased, 200);
    let expected: Vec<(u64, Vec<u8>)> = (0..300).step_by(3).map(|seq| (seq, kept(seq).body)).collect();
    assert_eq!(seen, expected);

    let mut read = Vec::new();
    let visit = |seq, body: &[u8]| read.push((seq, body.to_vec()));
    assert_eq!(verify_export_reading(folder.path(), &log, &[], visit).unwrap(), report);
    assert_eq!(read, expected);
}

#[test]
fn no_body_is_handed_on_from_a_folder_that_does_not_hold() {
    let folder = Folder::new("late-fault");
    write(folder.path(), leaves(300, 1));
    edit(folder.path(), "bodies/001", |text| text.replace("\n299 ", "\n298 "));
    let mut seen = 0;
    let visit = |_, _: &[u8]| seen += 1;
    let error = verify_export_with(folder.path(), &signer().verifier(), &[], visit).unwrap_err();
    assert_eq!((error.file.as_str(), error.place), ("bodies/001", Place::Line(44)));
    assert_eq!(seen, 0);
    assert!(matches!(error.fault, Fault::Sequence { expected: 299 }));
    assert_eq!(error.to_string(), "`bodies/001`, line 44: it is not the line of leaf 299");
}

#[test]
fn an_erased_line_is_counted_and_breaks_nothing() {
    let folder = Folder::new("erased");
    write(folder.path(), leaves(10, 1));
    edit(folder.path(), "bodies/000", |text| {
        let lines = text.lines().map(|line| if line.starts_with("4 ") { "4 erased" } else { line });
        lines.flat_map(|line| [line, "\n"]).collect()
    });
    assert_eq!(verify(folder.path()).unwrap().erased, 1);
}

#[test]
fn another_body_under_another_salt_is_refused() {
    let folder = Folder::new("forged");
    write(folder.path(), leaves(10, 1));
    let forged = Disclosed { body: b"other".to_vec(), ..kept(4) };
    write(&folder.path().join("other"), {
        let mut all = leaves(10, 1);
        all[4] = Leaf::Kept(forged);
        all
    });
    let other = folder.path().join("other");
    fs::copy(other.join("bodies/000"), folder.path().join("bodies/000")).unwrap();
    fs::remove_dir_all(&other).unwrap();
    let error = verify(folder.path()).unwrap_err();
    assert_eq!((error.file.as_str(), error.place), ("bodies/000", Place::Line(5)));
    assert!(matches!(error.fault, Fault::Commitment));
}

#[test]
fn a_consistent_folder_of_another_tree_is_refused() {
    let folder = Folder::new("other-tree");
    let mut all = leaves(10, 1);
    let checkpoint = signed(&all);
    all[4] = Leaf::Kept(Disclosed { body: b"other".to_vec(), ..kept(4) });
    write(folder.path(), all);
    fs::write(folder.path().join("checkpoint"), checkpoint).unwrap();
    let error = verify(folder.path()).unwrap_err();
    assert_eq!(error.file, "checkpoint");
    assert!(matches!(error.fault, Fault::Root { .. }));
}

#[test]
fn only_expected_signatures_may_stand_on_the_checkpoint() {
    let folder = Folder::new("witness");
    let all = leaves(10, 1);
    let checkpoint = signed(&all);
    let (text, _) = checkpoint.split_once("\n\n").unwrap();
    let witness = Signer::new("witness.example.com/w1", &[9; 32]).unwrap();
    let cosigned = witness.sign(&format!("{text}\n")).unwrap();
    let (_, line) = cosigned.split_once("\n\n").unwrap();
    let cosigned = format!("{checkpoint}{line}");

    write(folder.path(), all);
    fs::write(folder.path().join("checkpoint"), cosigned).unwrap();
    let error = verify(folder.path()).unwrap_err();
    assert_eq!(error.file, "checkpoint");
    let witnesses = [witness.verifier()];
    verify_export(folder.path(), &signer().verifier(), &witnesses).unwrap();
}

#[test]
fn only_the_leaves_of_the_checkpoint_are_written() {
    let folder = Folder::new("refused");
    let all = leaves(10, 1);
    let checkpoint = signed(&all);
    let refused = |leaves: Vec<Leaf>| {
        let _ = fs::remove_dir_all(folder.path());
        let error = write_these(folder.path(), leaves, &checkpoint).unwrap_err();
        verify(folder.path()).unwrap_err();
        error
    };
    assert!(matches!(refused(leaves(9, 1)), WriteError::TooFew { seq: 9 }));
    assert!(matches!(refused(leaves(11, 1)), WriteError::TooMany { size: 10 }));
    let mut swapped = all.clone();
    swapped.swap(3, 4);
    assert!(matches!(refused(swapped), WriteError::Sequence { expected: 3, found: 4 }));
    let mut other = all.clone();
    other[4] = Leaf::Kept(Disclosed { salt: [0; 32], ..kept(4) });
    assert!(matches!(refused(other), WriteError::Root { .. }));
    let mut long = all.clone();
    long[4] = Leaf::Kept(Disclosed { body: vec![0; BODY_BYTES_MAX + 1], ..kept(4) });
    assert!(matches!(refused(long), WriteError::BodyTooLong { seq: 4 }));

    let unsigned = checkpoint.replace("\n10\n", "\n11\n");
    let error = write_these(folder.path(), all, &unsigned).unwrap_err();
    assert!(matches!(error, WriteError::Checkpoint(_)));
}

#[test]
fn nothing_is_written_over() {
    let folder = Folder::new("occupied");
    write(folder.path(), leaves(3, 1));
    let all = leaves(4, 1);
    let checkpoint = signed(&all);
    let error = write_these(folder.path(), all, &checkpoint).unwrap_err();
    assert!(matches!(error, WriteError::NotEmpty));
    assert_eq!(verify(folder.path()).unwrap().size, 3);
}

#[test]
fn the_longest_body_is_written_and_read() {
    let folder = Folder::new("longest");
    let longest = Disclosed { seq: 0, salt: [1; 32], body: vec![0xff; BODY_BYTES_MAX] };
    write(folder.path(), vec![Leaf::Kept(longest)]);
    verify(folder.path()).unwrap();
    edit(folder.path(), "bodies/000", |text| text.replace('\n', "AAAA\n"));
    let error = verify(folder.path()).unwrap_err();
    assert!(matches!(error.fault, Fault::Record));
}

#[test]
#[ignore = "a measurement: run it alone, with --release"]
fn a_million_leaves_verify_within_five_seconds() {
    let folder = Folder::new("million");
    let size = 1_000_000;
    let leaf = |seq: u64| {
        let body = format!("{{\"seq\":{seq},\"event\":\"read\",\"rows\":17}}").repeat(5);
        Disclosed { seq, salt: [7; 32], body: body.into_bytes() }
    };
    let hashes: Vec<Hash> = (0..size).map(|seq| leaf_hash(&leaf(seq).commitment())).collect();
    let origin = signer().name().to_owned();
    let checkpoint = Checkpoint { origin, size, root: root_of(&hashes) }.sign(&signer()).unwrap();
    let leaves = (0..size).map(|seq| Leaf::Kept(leaf(seq)));
    write_export(folder.path(), leaves, &checkpoint, &signer().verifier(), &[]).unwrap();

    let start = Instant::now();
    assert_eq!(verify(folder.path()).unwrap().size, size);
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(5), "took {taken:?}");
}
