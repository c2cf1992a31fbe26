//! Evidence: everything that a run produces, piece by piece, each with the name of the place that it comes from.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// One piece.
pub(super) struct Exhibit {
    /// Where it comes from, such as `ana GET /runs` or `file acme/data/writ.db`.
    pub(super) place: String,
    pub(super) bytes: Vec<u8>,
}

/// All of it so far.
#[derive(Default)]
pub(super) struct Evidence(Mutex<Vec<Exhibit>>);

impl Evidence {
    pub(super) fn add(&self, place: &str, bytes: impl Into<Vec<u8>>) {
        self.exhibits().push(Exhibit { place: place.to_owned(), bytes: bytes.into() });
    }

    /// Every file under a folder, whatever it holds.
    pub(super) fn add_files(&self, folder: &Path) {
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    let path = entry.path();
                    let place = format!("file {}", path.strip_prefix(folder).unwrap().display());
                    self.add(&place, fs::read(&path).unwrap());
                }
            }
        }
    }

    pub(super) fn exhibits(&self) -> MutexGuard<'_, Vec<Exhibit>> {
        self.0.lock().unwrap()
    }
}
