//! Every byte of an export counts: whichever changes, goes or is added, verification names its file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "trail/fixture.rs"]
mod fixture;

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::thread;

use writ_trail::export::{Fault, VerifyError, verify_export};

use fixture::{Folder, leaves, signer, write};

fn verify(dir: &Path) -> Result<(), VerifyError> {
    verify_export(dir, &signer().verifier(), &[]).map(drop)
}

/// Every file below a folder, with `/` between the parts of its path.
fn files(dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(dir.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(format!("{path}/"));
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn assert_named(dir: &Path, file: &str, what: &str) {
    let error = verify(dir).expect_err(what);
    assert_eq!(error.file, file, "{what}: {error}");
    assert!(error.to_string().contains(file), "{what}: {error}");
}

/// Changes one byte after the other of every file of an export, by each of the masks for its
/// position, and expects each change to be found. Works on as many copies at once as there are
/// processors.
fn change_every_byte(name: &str, size: u64, kept_every: u64, masks: fn(usize) -> Vec<u8>) {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || {
                let folder = Folder::new(&format!("{name}-{worker}"));
                let dir = folder.path();
                write(dir, leaves(size, kept_every));
                for file in files(dir) {
                    let bytes = fs::read(dir.join(&file)).unwrap();
                    let mut open = File::options().write(true).open(dir.join(&file)).unwrap();
                    let mut put = |position: usize, byte: u8| {
                        open.seek(SeekFrom::Start(position as u64)).unwrap();
                        open.write_all(&[byte]).unwrap();
                    };
                    for position in (worker..bytes.len()).step_by(workers) {
                        for mask in masks(position) {
                            put(position, bytes[position] ^ mask);
                            assert_named(dir, &file, &format!("byte {position} of {file}"));
                        }
                        put(position, bytes[position]);
                    }
                }
                verify(dir).unwrap();
            });
        }
    });
}

#[test]
fn every_bit_of_a_small_export_counts() {
    change_every_byte("bits", 9, 2, |_| (0..8).map(|bit| 1 << bit).collect());
}

/// More leaves than a full tile holds, so that there are full, partial and higher tiles. Most
/// leaves are erased, to keep the files small.
#[test]
fn every_byte_of_a_larger_export_counts() {
    change_every_byte("bytes", 258, 29, |position| vec![1 << (position % 8)]);
}

#[test]
fn every_file_counts() {
    let folder = Folder::new("files");
    let dir = folder.path();
    write(dir, leaves(270, 2));
    let expected = [
        "bodies/000",
        "bodies/001",
        "checkpoint",
        "tile/0/000",
        "tile/0/001.p/14",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/14",
    ];
    assert_eq!(files(dir), expected);
    for file in expected {
        let path = dir.join(file);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert_named(dir, file, "a byte too few");
        fs::write(&path, b"").unwrap();
        assert_named(dir, file, "nothing in it");
        for extra in [b'\n', b'0'] {
            fs::write(&path, [bytes.as_slice(), &[extra]].concat()).unwrap();
            assert_named(dir, file, "a byte too many");
        }
        fs::remove_file(&path).unwrap();
        let error = verify(dir).unwrap_err();
        assert!(matches!(error.fault, Fault::Missing | Fault::Unexpected), "{error}");
        fs::create_dir(&path).unwrap();
        verify(dir).expect_err("a folder in its place");
        fs::remove_dir(&path).unwrap();
        fs::write(&path, &bytes).unwrap();
        verify(dir).unwrap();
    }
}

#[test]
fn nothing_else_may_lie_in_the_folder() {
    let folder = Folder::new("strays");
    let dir = folder.path();
    write(dir, leaves(270, 2));
    for file in [
        "README",
        "checkpoint.old",
        "bodies/002",
        "bodies/0",
        "bodies/000.p",
        "tile/0/001",
        "tile/0/002",
        "tile/0/001.p/13",
        "tile/1/000.p/2",
        "tile/entries/001",
        "tile/entries/.hidden",
    ] {
        let path = dir.join(file);
        fs::write(&path, b"stray").unwrap();
        assert_named(dir, file, "a file too many");
        fs::remove_file(&path).unwrap();
    }
    for stray in ["empty", "tile/2", "bodies/x001"] {
        fs::create_dir(dir.join(stray)).unwrap();
        assert_named(dir, stray, "a folder too many");
        fs::remove_dir(dir.join(stray)).unwrap();
    }
    let deep = "tile/0/a/b/c/d/e/f/g/h/i";
    fs::create_dir_all(dir.join(deep)).unwrap();
    verify(dir).expect_err("folders too deep");
    fs::remove_dir_all(dir.join("tile/0/a")).unwrap();
    verify(dir).unwrap();
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_refused() {
    let folder = Folder::new("links");
    let outside = Folder::new("links-target");
    let dir = folder.path();
    write(dir, leaves(270, 2));
    for file in ["checkpoint", "bodies/000", "tile/1"] {
        fs::rename(dir.join(file), outside.path()).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.join(file)).unwrap();
        assert_named(dir, file, "a link in its place");
        fs::remove_file(dir.join(file)).unwrap();
        fs::rename(outside.path(), dir.join(file)).unwrap();
    }
    verify(dir).unwrap();
}
