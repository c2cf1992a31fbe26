//! The folder of an export: the only place in this crate where files are read or written.
//!
//! Paths are relative to the export, with `/` between their parts. Every read is bounded, and
//! refuses what is not a regular file. The module relies on the standard library. It never knows
//! what a file means, and never overwrites one.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use super::error::{Fault, Place, VerifyError, WriteError};
use crate::leaf::LINE_BYTES_MAX;

/// How many folders deep an export is at most: `tile/entries`, five of an index, one of a partial
/// bundle.
const FOLDER_DEPTH_MAX: usize = 8;

/// A file that is being written. It is complete only after [`Self::finish`].
pub(super) struct NewFile {
    file: String,
    writer: BufWriter<File>,
}

/// A file that is read line by line, holding one line at a time.
pub(super) struct Lines {
    file: String,
    reader: BufReader<File>,
    line: Vec<u8>,
    /// The line last read, from 1.
    number: u64,
}

impl NewFile {
    /// Creates a file, and the folders that lead to it.
    pub(super) fn create(dir: &Path, file: &str) -> Result<Self, WriteError> {
        let path = dir.join(file);
        let folder = path.parent().unwrap_or(dir);
        let created = fs::create_dir_all(folder).and_then(|()| File::create_new(&path));
        let writer = BufWriter::new(created.map_err(|source| unwritable(file, source))?);
        Ok(Self { file: file.to_owned(), writer })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.writer.write_all(bytes).map_err(|source| unwritable(&self.file, source))
    }

    pub(super) fn finish(mut self) -> Result<(), WriteError> {
        self.writer.flush().map_err(|source| unwritable(&self.file, source))
    }
}

impl Lines {
    pub(super) fn open(dir: &Path, file: &str) -> Result<Self, VerifyError> {
        let reader = BufReader::new(open(dir, file)?);
        Ok(Self { file: file.to_owned(), reader, line: Vec::new(), number: 0 })
    }

    /// The next line without its newline; `None` at the end of the file. A line without a newline,
    /// an overlong one, and one that is not UTF-8 are refused.
    pub(super) fn read(&mut self) -> Result<Option<&str>, VerifyError> {
        self.number += 1;
        self.line.clear();
        let mut reader = self.reader.by_ref().take(LINE_BYTES_MAX as u64);
        let count = reader.read_until(b'\n', &mut self.line).map_err(|error| unreadable(&self.file, error))?;
        if count == 0 {
            return Ok(None);
        }
        match self.line.strip_suffix(b"\n").map(str::from_utf8) {
            Some(Ok(line)) => Ok(Some(line)),
            _ => Err(self.fault(Fault::Record)),
        }
    }

    /// An error about the line last read.
    pub(super) fn fault(&self, fault: Fault) -> VerifyError {
        VerifyError::new(&self.file, Place::Line(self.number), fault)
    }
}

/// Makes the folder, or takes an empty one.
pub(super) fn prepare(dir: &Path) -> Result<(), WriteError> {
    let listed = fs::create_dir_all(dir).and_then(|()| fs::read_dir(dir));
    let mut entries = listed.map_err(|source| unwritable(".", source))?;
    if entries.next().is_some() { Err(WriteError::NotEmpty) } else { Ok(()) }
}

/// Writes a whole file.
pub(super) fn write(dir: &Path, file: &str, bytes: &[u8]) -> Result<(), WriteError> {
    let mut new = NewFile::create(dir, file)?;
    new.write(bytes)?;
    new.finish()
}

/// Reads a whole file of at most this length, in bytes.
pub(super) fn read_at_most(dir: &Path, file: &str, bytes_max: usize) -> Result<Vec<u8>, VerifyError> {
    let mut bytes = Vec::new();
    let mut reader = open(dir, file)?.take(bytes_max as u64 + 1);
    reader.read_to_end(&mut bytes).map_err(|error| unreadable(file, error))?;
    if bytes.len() > bytes_max {
        return Err(VerifyError::whole(file, Fault::Longer { bytes: bytes_max }));
    }
    Ok(bytes)
}

/// Reads a whole file of exactly this length, in bytes.
pub(super) fn read_exactly(dir: &Path, file: &str, length: usize) -> Result<Vec<u8>, VerifyError> {
    let bytes = read_at_most(dir, file, length)?;
    if bytes.len() < length {
        return Err(VerifyError::whole(file, Fault::Shorter { bytes: length }));
    }
    Ok(bytes)
}

/// Checks that the folder holds regular files of these paths only, and no empty folder. Does not
/// look for missing ones.
pub(super) fn check_names(dir: &Path, belongs: impl Fn(&str) -> bool) -> Result<(), VerifyError> {
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let name = if folder.is_empty() { "." } else { folder.as_str() };
        let failed = |error| unreadable(name, error);
        let mut is_empty = true;
        for entry in fs::read_dir(dir.join(&folder)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            is_empty = false;
            let file = entry.file_name();
            let file = file.to_string_lossy();
            let path = if folder.is_empty() { file.into_owned() } else { format!("{folder}/{file}") };
            let kind = entry.file_type().map_err(|error| unreadable(&path, error))?;
            if kind.is_dir() && path.matches('/').count() < FOLDER_DEPTH_MAX {
                folders.push(path);
            } else if kind.is_dir() || (kind.is_file() && !belongs(&path)) {
                return Err(VerifyError::whole(&path, Fault::Unexpected));
            } else if !kind.is_file() {
                return Err(VerifyError::whole(&path, Fault::NotRegular));
            }
        }
        if is_empty && !folder.is_empty() {
            return Err(VerifyError::whole(&folder, Fault::Unexpected));
        }
    }
    Ok(())
}

fn open(dir: &Path, file: &str) -> Result<File, VerifyError> {
    let path = dir.join(file);
    let kind = fs::symlink_metadata(&path).map_err(|error| unreadable(file, error))?;
    if !kind.is_file() {
        return Err(VerifyError::whole(file, Fault::NotRegular));
    }
    File::open(&path).map_err(|error| unreadable(file, error))
}

fn unreadable(file: &str, error: io::Error) -> VerifyError {
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    VerifyError::whole(file, if is_missing { Fault::Missing } else { Fault::Unreadable(error) })
}

fn unwritable(file: &str, source: io::Error) -> WriteError {
    WriteError::Unwritable { file: file.to_owned(), source }
}
