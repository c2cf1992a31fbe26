//! The key under which credentials are sealed, and where the operator keeps it.
//!
//! A key is 32 bytes, written as 64 lower-case hexadecimal digits. It is wiped from memory when it is dropped, and
//! `Debug` shows nothing of it. A key file is replaced in two steps, so that a crash between them leaves either the
//! old key with the old file or both keys beside each other, never a file that no key opens.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use writ_core::digest::Digest;
use writ_engine::token::read_or_create_secret;
use zeroize::{Zeroize as _, Zeroizing};

use super::VaultError;
use super::file::{sync_folder, with_suffix};

/// How much of a command's output, of a variable or of a file is looked at.
const KEY_BYTES_MAX: usize = 1024;

/// A sealing key.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn generate() -> Result<Self, VaultError> {
        let mut key = Self([0; 32]);
        getrandom::fill(&mut key.0).map_err(|_| VaultError::Key("no randomness is available".to_owned()))?;
        Ok(key)
    }

    /// Reads a key from a file that exists.
    ///
    /// # Errors
    /// Where it cannot be read, or holds something else than 64 lower-case hexadecimal digits.
    pub fn read_file(path: &Path) -> Result<Self, VaultError> {
        let io = |source| VaultError::Io { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(io)?;
        let mut text = Zeroizing::new(String::with_capacity(KEY_BYTES_MAX));
        file.take(KEY_BYTES_MAX as u64).read_to_string(&mut text).map_err(io)?;
        Self::parse(&text).ok_or_else(|| not_a_key(&format!("the file `{}`", path.display())))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        Digest::parse(text.trim()).map(|digest| Self(digest.0))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Where the sealing key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file. It is made on first use, readable by its owner alone.
    File(PathBuf),
    /// An environment variable of the server.
    Environment(String),
    /// A program and its arguments, which print the key. It gets the server's own environment.
    Command(Vec<String>),
}

impl KeySource {
    /// Reads the key.
    ///
    /// `create` says whether a key file that is not there is made. It must not be where something is sealed already.
    ///
    /// # Errors
    /// Where it cannot be read, or is something else than 64 lower-case hexadecimal digits.
    pub(super) fn read(&self, create: bool) -> Result<Key, VaultError> {
        match self {
            Self::File(path) if create => {
                read_or_create_secret(path).map(Key).map_err(|source| VaultError::Io { path: path.clone(), source })
            }
            Self::File(path) => Key::read_file(path),
            Self::Environment(name) => {
                let text = std::env::var(name).map(Zeroizing::new).map_err(|_| {
                    VaultError::Key(format!("the environment variable `{name}` is not set, or is not text"))
                })?;
                Key::parse(&text).ok_or_else(|| not_a_key(&format!("the environment variable `{name}`")))
            }
            Self::Command(command) => from_command(command),
        }
    }

    /// The key that a rotation was about to put in place, if one was under way.
    pub(super) fn next(&self) -> Option<Key> {
        let Self::File(path) = self else { return None };
        Key::read_file(&next_path(path)).ok()
    }

    /// Puts a key beside the one in place, durably.
    pub(super) fn put_next(&self, key: &Key) -> Result<(), VaultError> {
        let Self::File(path) = self else { return Ok(()) };
        let next = next_path(path);
        let io = |source| VaultError::Io { path: next.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        // What an interrupted rotation left here was never used, or would have been taken up by now.
        if let Err(error) = std::fs::remove_file(&next)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(io(error));
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next).map_err(io)?;
        let text = Zeroizing::new(format!("{}\n", Digest(key.0)));
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        sync_folder(&next)
    }

    /// Puts the next key in the old one's place.
    pub(super) fn promote(&self) -> Result<(), VaultError> {
        let Self::File(path) = self else { return Ok(()) };
        match std::fs::rename(next_path(path), path) {
            Ok(()) => sync_folder(path),
            // Another process has done it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(VaultError::Io { path: path.clone(), source }),
        }
    }
}

fn next_path(path: &Path) -> PathBuf {
    with_suffix(path, ".next")
}

fn not_a_key(what: &str) -> VaultError {
    VaultError::Key(format!("{what} does not hold 64 lower-case hexadecimal digits"))
}

/// What a program prints on its standard output, as a key. Its standard error is the server's own.
fn from_command(command: &[String]) -> Result<Key, VaultError> {
    let [program, arguments @ ..] = command else {
        return Err(VaultError::Key("the command is empty".to_owned()));
    };
    let trouble = |error: std::io::Error| VaultError::Key(format!("the command `{program}`: {error}"));
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(trouble)?;
    let mut text = Zeroizing::new(String::with_capacity(KEY_BYTES_MAX));
    let read = match child.stdout.take() {
        Some(output) => output.take(KEY_BYTES_MAX as u64).read_to_string(&mut text),
        None => Ok(0),
    };
    // The output is closed here, so a program that has more to say does not hold us up.
    let status = child.wait().map_err(trouble)?;
    read.map_err(trouble)?;
    if !status.success() {
        return Err(VaultError::Key(format!("the command `{program}` failed with {status}")));
    }
    Key::parse(&text).ok_or_else(|| not_a_key(&format!("what the command `{program}` prints")))
}

#[cfg(test)]
mod tests {
    use super::{Key, KeySource};

    const TEXT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn a_key_shows_nothing_of_itself() {
        let key = Key::parse(TEXT).unwrap();
        assert_eq!(format!("{key:?}"), "Key(***)");
    }

    #[test]
    fn a_command_prints_the_key() {
        let source = |script: &str| KeySource::Command(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]);
        assert_eq!(source(&format!("echo {TEXT}")).read(false).unwrap().bytes(), Key::parse(TEXT).unwrap().bytes());
        for (script, said) in [("exit 3", "failed"), ("echo canary-5d1", "hexadecimal"), ("yes", "hexadecimal")] {
            let error = source(script).read(false).unwrap_err().to_string();
            assert!(error.contains(said) || error.contains("failed"), "{script}: {error}");
            assert!(!error.contains("canary-5d1"), "{error}");
        }
        assert!(KeySource::Command(Vec::new()).read(false).is_err());
    }

    #[test]
    fn a_key_file_is_made_only_where_nothing_is_sealed_yet() {
        let folder = tempfile::tempdir().unwrap();
        let source = KeySource::File(folder.path().join("keys/credentials.key"));
        assert!(source.read(false).is_err());
        let made = source.read(true).unwrap();
        assert_eq!(source.read(false).unwrap().bytes(), made.bytes());
    }
}
