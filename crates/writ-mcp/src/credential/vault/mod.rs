//! The sealed credentials: a file of secrets that only the operator's key opens.
//!
//! [`Vault`] keeps no value in memory. Every look reads the file, and every change takes a lock, reads, and replaces
//! the file as a whole, so that the server and the command line can use it side by side. A key that was rotated by
//! another process is read again from where it is kept.
//!
//! Architecture invariants: a value leaves only through [`Vault::get`]; no error and no `Debug` holds one; what is
//! listed are names and dates.

mod file;
mod key;
mod sealed;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use writ_core::event::Milliseconds;
use writ_engine::clock::Clock;

use crate::Secret;
use sealed::Contents;

pub use key::{Key, KeySource};

/// How long a value may be.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// How long each part of a name may be.
pub const NAME_BYTES_MAX: usize = 512;

/// What a value is, and whose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Name {
    /// A fixed secret of the operator's.
    Secret {
        /// How definitions call it.
        name: String,
    },
    /// What an authorization server knows this client by: its id, and its secret where it has one.
    Registration {
        /// The integration.
        integration: String,
        /// The authorization server.
        issuer: String,
    },
    /// A person's tokens for an integration.
    Token {
        /// The integration.
        integration: String,
        /// The person.
        person: String,
    },
}

impl Name {
    /// A fixed secret's name, as `writ credential set` takes it.
    ///
    /// # Errors
    /// [`VaultError::Name`] where it is empty, longer than 128 bytes, or holds something else than ASCII letters,
    /// digits, `.`, `_` and `-`.
    pub fn secret(name: &str) -> Result<Self, VaultError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > 128 || !name.bytes().all(plain) {
            return Err(VaultError::Name);
        }
        Ok(Self::Secret { name: name.to_owned() })
    }

    fn check(&self) -> Result<(), VaultError> {
        let parts = match self {
            Self::Secret { name } => [name.as_str(), ""],
            Self::Registration { integration, issuer } => [integration.as_str(), issuer.as_str()],
            Self::Token { integration, person } => [integration.as_str(), person.as_str()],
        };
        if parts.iter().any(|part| part.len() > NAME_BYTES_MAX) {
            return Err(VaultError::TooLarge("a name", NAME_BYTES_MAX));
        }
        Ok(())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { name } => write!(f, "secret {name}"),
            Self::Registration { integration, issuer } => write!(f, "registration {integration} at {issuer}"),
            Self::Token { integration, person } => write!(f, "token {integration} of {person}"),
        }
    }
}

/// An entry without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: Name,
    /// When it was last changed.
    pub updated_at: Milliseconds,
}

/// Why something cannot be sealed or opened. No variant holds a value or a key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A file cannot be read or written.
    #[error("the file `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
    /// The sealing key cannot be had.
    #[error("the sealing key: {0}")]
    Key(String),
    /// The file is not one of these.
    #[error("the file of the sealed credentials cannot be understood: {0}")]
    Form(&'static str),
    /// The key is another one than the one that sealed, or the file was changed.
    #[error("the sealed credentials do not open: the key is another one, or the file was changed")]
    Unsealed,
    /// Something is larger than its limit, in bytes.
    #[error("{0} is larger than {1} bytes")]
    TooLarge(&'static str, usize),
    /// A name that no secret can have.
    #[error("a secret's name has 1 to 128 letters, digits, `.`, `_` and `-`")]
    Name,
    /// A rotation without a new key, where the key is not in a file of Writ's.
    #[error("the sealing key is kept in the environment or by a command: say the new one with `--new-key-file`")]
    NewKeyNeeded,
}

/// The sealed credentials of one workspace.
pub struct Vault {
    path: PathBuf,
    source: KeySource,
    key: Mutex<Key>,
    clock: Clock,
}

impl Vault {
    /// Opens the sealed credentials, and makes the key file where nothing is sealed yet.
    ///
    /// # Errors
    /// Where the key cannot be had, or is not the one of the file.
    pub fn open(path: PathBuf, source: KeySource, clock: Clock) -> Result<Self, VaultError> {
        let sealed = file::read(&path)?.is_some();
        let key = match source.read(!sealed) {
            Ok(key) => key,
            // A rotation stopped between the file and the key.
            Err(error) => source.next().ok_or(error)?,
        };
        let vault = Self { path, source, key: Mutex::new(key), clock };
        vault.contents()?;
        Ok(vault)
    }

    /// A value.
    ///
    /// # Errors
    /// Where the file cannot be read or opened.
    pub fn get(&self, name: &Name) -> Result<Option<Secret>, VaultError> {
        let (contents, key) = self.contents()?;
        Ok(contents.get(name, &key)?.map(|value| Secret::new(value.as_str())))
    }

    /// Seals a value, in the place of an earlier one.
    ///
    /// # Errors
    /// Where the value is too large or the file cannot be read, opened or written. Then the old file is still there.
    pub fn set(&self, name: &Name, value: &str) -> Result<(), VaultError> {
        name.check()?;
        if value.len() > VALUE_BYTES_MAX {
            return Err(VaultError::TooLarge("the value", VALUE_BYTES_MAX));
        }
        let _lock = file::lock(&self.path)?;
        let (mut contents, key) = self.contents()?;
        contents.put(name.clone(), value, self.clock.now(), &key)?;
        file::replace(&self.path, &contents.written(&key)?)
    }

    /// Takes a value out. Says whether there was one.
    ///
    /// # Errors
    /// Where the file cannot be read, opened or written. Then the old file is still there.
    pub fn remove(&self, name: &Name) -> Result<bool, VaultError> {
        let _lock = file::lock(&self.path)?;
        let (mut contents, key) = self.contents()?;
        let removed = contents.entries.remove(name).is_some();
        if removed {
            file::replace(&self.path, &contents.written(&key)?)?;
        }
        Ok(removed)
    }

    /// The entries, without their values.
    ///
    /// # Errors
    /// Where the file cannot be read or opened.
    pub fn list(&self) -> Result<Vec<Listed>, VaultError> {
        let (contents, _) = self.contents()?;
        let listed = contents.entries.into_iter().map(|(name, sealed)| Listed { name, updated_at: sealed.updated_at });
        Ok(listed.collect())
    }

    /// Seals everything anew under another key, and says how much that was.
    ///
    /// Where the key is in a file, the new one takes its place, and is made where none is given. Where it is not,
    /// whoever keeps it puts the new one in place afterwards.
    ///
    /// # Errors
    /// Where no new key is given and none can be made, or a file cannot be read or written. A crash on the way leaves
    /// a file that one of the keys beside it opens, which the next opening takes up.
    pub fn rotate(&self, new: Option<Key>) -> Result<usize, VaultError> {
        let new = match (new, &self.source) {
            (Some(new), _) => new,
            (None, KeySource::File(_)) => Key::generate()?,
            (None, _) => return Err(VaultError::NewKeyNeeded),
        };
        let _lock = file::lock(&self.path)?;
        let (contents, old) = self.contents()?;
        let contents = contents.resealed(&old, &new)?;
        let written = contents.written(&new)?;
        self.source.put_next(&new)?;
        file::replace(&self.path, &written)?;
        self.source.promote()?;
        self.hold(new);
        Ok(contents.entries.len())
    }

    /// What the file holds, and the key that opens it.
    fn contents(&self) -> Result<(Contents, Key), VaultError> {
        let held = self.key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(bytes) = file::read(&self.path)? else { return Ok((Contents::default(), held)) };
        let error = match Contents::parse(&bytes, &held) {
            Ok(contents) => return Ok((contents, held)),
            Err(error @ VaultError::Unsealed) => error,
            Err(error) => return Err(error),
        };
        // Somebody has rotated the key since it was read, or was interrupted while they did. The file is read again,
        // since it and the key are replaced one after the other.
        let bytes = file::read(&self.path)?.unwrap_or(bytes);
        if let Ok(key) = self.source.read(false)
            && let Ok(contents) = Contents::parse(&bytes, &key)
        {
            self.hold(key.clone());
            return Ok((contents, key));
        }
        if let Some(key) = self.source.next()
            && let Ok(contents) = Contents::parse(&bytes, &key)
        {
            self.source.promote()?;
            self.hold(key.clone());
            return Ok((contents, key));
        }
        Err(error)
    }

    fn hold(&self, key: Key) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("path", &self.path).finish_non_exhaustive()
    }
}
