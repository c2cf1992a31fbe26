//! The keys of notes: who signs, and against what a signature is checked.
//!
//! A key id is the beginning of SHA-256 over name, newline, algorithm byte and public key (C2SP
//! signed-note). Two algorithms are known: 0x01, which signs the text itself, and 0x04, by which a
//! witness signs the text and the time at which it saw it (C2SP tlog-cosignature). The module relies
//! on the ed25519-dalek and sha2 crates. It never makes a key, and never shows a secret one.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::{NoteError, has_control_characters, is_key_name, written};
use crate::encoding::{from_base64, from_hex, to_base64, to_hex};

/// How a key signs, and what its signatures are over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    /// 0x01: Ed25519 over the note's text.
    Ed25519,
    /// 0x04: a time in seconds and Ed25519 over a header, that time and the note's text.
    Cosignature,
}

/// A key that signs notes. Its `Debug` shows the public half only, and its secret is wiped from
/// memory when it is dropped.
pub struct Signer {
    key: SigningKey,
    verifier: Verifier,
}

/// A witness's key, which signs what it has seen and when. Its `Debug` shows the public half only, and
/// its secret is wiped from memory when it is dropped.
pub struct Cosigner {
    key: SigningKey,
    verifier: Verifier,
}

/// A named public key against which notes are checked.
///
/// Its text form (`Display`, `FromStr`) is the one of C2SP signed-note: name, key id as 8
/// hexadecimal digits, and base64 of algorithm byte and key, joined by `+`.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    algorithm: Algorithm,
    key: VerifyingKey,
    key_id: [u8; 4],
}

impl Algorithm {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

impl Signer {
    /// A signer from its name and its 32 secret bytes (the seed of RFC 8032).
    ///
    /// Fails where the name cannot name a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, Algorithm::Ed25519, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    /// The name under which this key signs.
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// The public half of this key.
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Signs a text. The result is the whole note, with this one signature.
    ///
    /// Fails where the text does not end in a newline, contains another control character, or is
    /// too long.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !text.ends_with('\n') || has_control_characters(text) {
            return Err(NoteError::Text);
        }
        let signature: Signature = self.key.sign(text.as_bytes());
        written(text, &[&self.verifier.line(&signature.to_bytes())])
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

impl Cosigner {
    /// A witness's key from its name and its 32 secret bytes (the seed of RFC 8032). The same secret
    /// must not serve another witness or log: what is signed does not name the signer.
    ///
    /// Fails where the name cannot name a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, Algorithm::Cosignature, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    /// The public half of this key.
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// The signature line for a text that was seen at this time, in seconds since 1970.
    pub(super) fn line(&self, text: &str, seconds: u64) -> String {
        let signature: Signature = self.key.sign(cosigned(text, seconds).as_bytes());
        self.verifier.line(&[seconds.to_be_bytes().as_slice(), signature.to_bytes().as_slice()].concat())
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.verifier)
    }
}

impl Verifier {
    fn new(name: &str, algorithm: Algorithm, key: VerifyingKey) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::KeyName);
        }
        let digest: [u8; 32] = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', algorithm.byte()])
            .chain_update(key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        Ok(Self { name: name.to_owned(), algorithm, key, key_id: [a, b, c, d] })
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id: a short identifier, not a fingerprint to trust a key by.
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// Whether this is a signature by this key of a note with this text.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => self.verify_ed25519(text.as_bytes(), signature),
            Algorithm::Cosignature => {
                let Some((seconds, signature)) = signature.split_first_chunk::<8>() else {
                    return false;
                };
                let seconds = u64::from_be_bytes(*seconds);
                let message = cosigned(text, seconds);
                i64::try_from(seconds).is_ok() && self.verify_ed25519(message.as_bytes(), signature)
            }
        }
    }

    /// A signature line by this key, without its newline.
    fn line(&self, signature: &[u8]) -> String {
        let bytes = [self.key_id.as_slice(), signature].concat();
        format!("\u{2014} {} {}", self.name, to_base64(&bytes))
    }

    fn verify_ed25519(&self, message: &[u8], signature: &[u8]) -> bool {
        // Strict: neither another encoding of the signature nor a key of small order passes.
        match Signature::from_slice(signature) {
            Ok(signature) => self.key.verify_strict(message, &signature).is_ok(),
            Err(_) => false,
        }
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    /// Reads a verifier key of algorithm 0x01 or 0x04. Fails for every other text, for a key id
    /// that is not the one of name and key, and for a key that verifies anything.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let refused = NoteError::VerifierKey;
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(key_id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refused("it has not three parts"));
        };
        let key = from_base64(key).ok_or(refused("its key is not base64"))?;
        let (algorithm, key) = match key.split_first() {
            Some((0x01, key)) => (Algorithm::Ed25519, key),
            Some((0x04, key)) => (Algorithm::Cosignature, key),
            _ => return Err(refused("its algorithm is neither 0x01 nor 0x04")),
        };
        let key = VerifyingKey::try_from(key).map_err(|_| refused("its key is not an Ed25519 key"))?;
        if key.is_weak() {
            return Err(refused("its key is of small order"));
        }
        let verifier = Self::new(name, algorithm, key)?;
        if from_hex(key_id) == Some(verifier.key_id) {
            Ok(verifier)
        } else {
            Err(refused("its key id is not the one of this name and key"))
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [[self.algorithm.byte()].as_slice(), self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, to_hex(&self.key_id), to_base64(&key))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

/// What a witness signs of a text that it saw at this time.
fn cosigned(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}
