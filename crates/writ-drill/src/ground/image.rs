//! The image of a store on disk at one moment: what a machine that loses power would find again.

use std::io;
use std::path::Path;

/// The signed checkpoint, which must not be newer than the log beside it.
const CHECKPOINT: &str = "checkpoint";
/// Held by whoever has the store open, and no part of what is stored.
const LOCK: &str = "lock";
/// The database's index of its write-ahead log, made anew by whoever opens it.
const INDEX_SUFFIX: &str = "-shm";

/// Copies the image of a store's folder into another one. Nothing may be written to the store meanwhile.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    std::fs::copy(from.join(CHECKPOINT), to.join(CHECKPOINT))?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_left = name == CHECKPOINT || name == LOCK || name.to_string_lossy().ends_with(INDEX_SUFFIX);
        if is_left || !entry.file_type()?.is_file() {
            continue;
        }
        match std::fs::copy(entry.path(), to.join(name)) {
            // A new checkpoint on its way to its place.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => _ = copied?,
        }
    }
    Ok(())
}
