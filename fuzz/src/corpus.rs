//! The inputs that every search starts from: files under `corpus/`, one folder a target.

use std::path::Path;

/// The files of a target, by name, so that every run takes them in the same order.
///
/// # Errors
/// Where the folder or one of its files cannot be read.
pub fn files(target: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?));
    }
    files.sort();
    Ok(files)
}
