//! The file's bytes on disk: read within a limit, and replaced as a whole or not at all.
//!
//! A replacement is written beside the file, synced, and renamed over it; then the folder is synced. A crash at any
//! moment leaves the old file or the new one. The file can be read by its owner alone.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::VaultError;

/// How large the file may be.
pub(super) const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The file's bytes, or nothing where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, VaultError> {
    let io = |source| VaultError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(VaultError::TooLarge("the file of the sealed credentials", FILE_BYTES_MAX));
    }
    Ok(Some(bytes))
}

/// Puts other bytes in the file's place.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(VaultError::TooLarge("the file of the sealed credentials", FILE_BYTES_MAX));
    }
    let beside = with_suffix(path, ".new");
    let io = |source| VaultError::Io { path: beside.clone(), source };
    // What a crash left here may have another mode: it is made anew.
    if let Err(error) = std::fs::remove_file(&beside)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(io(error));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
    std::fs::rename(&beside, path).map_err(io)?;
    sync_folder(path)
}

/// Holds the right to write until it is dropped. Whoever comes second waits.
pub(super) fn lock(path: &Path) -> Result<File, VaultError> {
    let beside = with_suffix(path, ".lock");
    let io = |source| VaultError::Io { path: beside.clone(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&beside).map_err(io)?;
    file.lock().map_err(io)?;
    Ok(file)
}

/// Makes the names in a file's folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), VaultError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| VaultError::Io { path: folder.to_owned(), source })
}

/// A path with something added to its last name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
