//! Files of the workspace, read within a bound and written as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::path::Path;

/// Reads a file; nothing where there is none.
pub(super) fn read(path: &Path, bytes_max: u64) -> Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(bytes_max.saturating_add(1)).read_to_string(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > bytes_max {
        return Err(Error::new(ErrorKind::InvalidData, format!("larger than {bytes_max} bytes")));
    }
    Ok(Some(text))
}

/// Replaces a file's text, or makes the file: after a crash there is the old text or the new one.
///
/// # Errors
/// Where the folder cannot be written.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::new(ErrorKind::InvalidInput, "not the path of a file"));
    };
    let new = folder.join(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    let written = write(OpenOptions::new().write(true).create(true).truncate(true), &new, text).and_then(|()| {
        if let Ok(metadata) = fs::metadata(&path) {
            fs::set_permissions(&new, metadata.permissions())?;
        }
        fs::rename(&new, &path)?;
        File::open(folder)?.sync_all()
    });
    if written.is_err() {
        _ = fs::remove_file(&new);
    }
    written
}

/// Makes a file that is not there yet.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] where it is there, and where the folder cannot be written.
pub fn create(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write(OpenOptions::new().write(true).create_new(true), path, text)
}

fn write(options: &OpenOptions, path: &Path, text: &str) -> Result<()> {
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("integrations/clock.yaml");
        assert_eq!(read(&path, 10).unwrap(), None);
        create(&path, "old").unwrap();
        assert_eq!(create(&path, "new").unwrap_err().kind(), ErrorKind::AlreadyExists);
        replace(&path, "newer").unwrap();
        assert_eq!(read(&path, 5).unwrap().as_deref(), Some("newer"));
        assert!(read(&path, 4).is_err());
        let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "nothing else is left behind");
        assert!(replace(&folder.path().join("nowhere/a"), "x").is_err());
    }
}
