//! The form of the file: a line that names the form, a line for each entry, and a seal over all of them.
//!
//! Each value is sealed by itself with XChaCha20-Poly1305 under a fresh random nonce; its associated data are the
//! form, the entry's name and kind, and its date, so that a value cannot be moved to another name. The last line is a
//! seal without a value over every byte before it: an entry that is taken out, put in or changed does not open. The
//! names are not secret. That an old file is put back as a whole cannot be seen from the file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use writ_core::event::Milliseconds;
use zeroize::Zeroizing;

use super::key::Key;
use super::{Name, VaultError};

const FORM: &str = "writ-credentials/1";
const NONCE_BYTES: usize = 24;

/// A value that only the key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) updated_at: Milliseconds,
    nonce: [u8; NONCE_BYTES],
    bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    of: Name,
    updated_at: Milliseconds,
    nonce: String,
    sealed: String,
}

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) entries: BTreeMap<Name, Sealed>,
}

impl Contents {
    /// Reads the file's bytes, if the key is the one that sealed them.
    pub(super) fn parse(bytes: &[u8], key: &Key) -> Result<Self, VaultError> {
        let text = std::str::from_utf8(bytes).map_err(|_| VaultError::Form("it is not text"))?;
        let text = text.strip_suffix('\n').ok_or(VaultError::Form("it ends early"))?;
        let (body, seal) = text.rsplit_once('\n').ok_or(VaultError::Form("it has no seal"))?;
        let mut lines = body.lines();
        if lines.next() != Some(FORM) {
            return Err(VaultError::Form("it is of another version"));
        }
        let seal = seal.strip_prefix("seal ").and_then(|seal| seal.split_once(' '));
        let (nonce, tag) = seal.ok_or(VaultError::Form("it has no seal"))?;
        let sealed = Sealed { updated_at: 0, nonce: nonce_of(nonce)?, bytes: decoded(tag)? };
        unseal(key, &sealed, body.as_bytes())?;
        let mut entries = BTreeMap::new();
        for line in lines {
            let line: Line = serde_json::from_str(line).map_err(|_| VaultError::Form("an entry is not one"))?;
            let sealed =
                Sealed { updated_at: line.updated_at, nonce: nonce_of(&line.nonce)?, bytes: decoded(&line.sealed)? };
            entries.insert(line.of, sealed);
        }
        Ok(Self { entries })
    }

    /// The file's bytes.
    pub(super) fn written(&self, key: &Key) -> Result<Vec<u8>, VaultError> {
        let mut body = FORM.to_owned();
        for (name, sealed) in &self.entries {
            let line = Line {
                of: name.clone(),
                updated_at: sealed.updated_at,
                nonce: BASE64.encode(sealed.nonce),
                sealed: BASE64.encode(&sealed.bytes),
            };
            body.push('\n');
            body.push_str(&serde_json::to_string(&line).map_err(|_| VaultError::Form("an entry cannot be written"))?);
        }
        let seal = seal(key, b"", body.as_bytes(), 0)?;
        let line = format!("\nseal {} {}\n", BASE64.encode(seal.nonce), BASE64.encode(&seal.bytes));
        body.push_str(&line);
        Ok(body.into_bytes())
    }

    /// Seals a value under a name.
    pub(super) fn put(&mut self, name: Name, value: &str, at: Milliseconds, key: &Key) -> Result<(), VaultError> {
        let data = associated(&name, at)?;
        let sealed = seal(key, value.as_bytes(), &data, at)?;
        self.entries.insert(name, sealed);
        Ok(())
    }

    /// Opens the value under a name.
    pub(super) fn get(&self, name: &Name, key: &Key) -> Result<Option<Zeroizing<String>>, VaultError> {
        let Some(sealed) = self.entries.get(name) else { return Ok(None) };
        let value = unseal(key, sealed, &associated(name, sealed.updated_at)?)?;
        let value = String::from_utf8(value).map_err(|_| VaultError::Form("a value is not text"))?;
        Ok(Some(Zeroizing::new(value)))
    }

    /// The same under another key.
    pub(super) fn resealed(&self, old: &Key, new: &Key) -> Result<Self, VaultError> {
        let mut other = Self::default();
        for (name, sealed) in &self.entries {
            if let Some(value) = self.get(name, old)? {
                other.put(name.clone(), &value, sealed.updated_at, new)?;
            }
        }
        Ok(other)
    }
}

/// What an entry's seal holds beside its value.
fn associated(name: &Name, at: Milliseconds) -> Result<Vec<u8>, VaultError> {
    let name = serde_json::to_string(name).map_err(|_| VaultError::Form("a name cannot be written"))?;
    Ok(format!("{FORM}\n{name}\n{at}").into_bytes())
}

fn seal(key: &Key, value: &[u8], data: &[u8], updated_at: Milliseconds) -> Result<Sealed, VaultError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| VaultError::Key("no randomness is available".to_owned()))?;
    let bytes = cipher(key)?
        .encrypt(&XNonce::from(nonce), Payload { msg: value, aad: data })
        .map_err(|_| VaultError::Form("a value cannot be sealed"))?;
    Ok(Sealed { updated_at, nonce, bytes })
}

fn unseal(key: &Key, sealed: &Sealed, data: &[u8]) -> Result<Vec<u8>, VaultError> {
    cipher(key)?
        .decrypt(&XNonce::from(sealed.nonce), Payload { msg: &sealed.bytes, aad: data })
        .map_err(|_| VaultError::Unsealed)
}

fn cipher(key: &Key) -> Result<XChaCha20Poly1305, VaultError> {
    XChaCha20Poly1305::new_from_slice(key.bytes()).map_err(|_| VaultError::Key("it has another length".to_owned()))
}

fn decoded(text: &str) -> Result<Vec<u8>, VaultError> {
    BASE64.decode(text).map_err(|_| VaultError::Form("an entry is not one"))
}

fn nonce_of(text: &str) -> Result<[u8; NONCE_BYTES], VaultError> {
    decoded(text)?.try_into().map_err(|_| VaultError::Form("an entry is not one"))
}
