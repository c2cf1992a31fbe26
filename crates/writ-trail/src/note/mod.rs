//! Signed notes: text with one signature line for each key (C2SP signed-note), signed with Ed25519
//! (RFC 8032).
//!
//! A note is the text, which ends in a newline; an empty line; and lines of an em dash, a key's
//! name, and base64 of key id and signature. The module relies on its keys, and never believes a
//! text before a signature of it was checked.

mod key;

use std::iter;

use crate::encoding::from_base64;

pub use key::{Cosigner, Signer, Verifier};

/// The longest note, in bytes, signatures included.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;

/// The most signature lines in a note.
pub const SIGNATURES_MAX: usize = 64;

/// The longest name of a key, in bytes.
pub const KEY_NAME_BYTES_MAX: usize = 255;

/// Why a key, a text or a note is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The name cannot name a key.
    #[error("a key's name is 1 to {} bytes, without blanks, control characters or `+`", KEY_NAME_BYTES_MAX)]
    KeyName,
    /// The text is not a verifier key.
    #[error("a verifier key reads `<name>+<key id>+<base64>`, and this one does not: {0}")]
    VerifierKey(&'static str),
    /// The text cannot be the text of a note.
    #[error(
        "a note's text ends in a newline, has no other control character, and fits into {} bytes when signed",
        NOTE_BYTES_MAX
    )]
    Text,
    /// What was given is not a note.
    #[error("this is not a signed note: {0}")]
    Format(&'static str),
    /// The key that must have signed has not.
    #[error("there is no signature by `{name}` with the expected key")]
    Unsigned {
        /// The key's name.
        name: String,
    },
    /// The expected key's signature is wrong.
    #[error("the signature by `{name}` is not one of this text")]
    WrongSignature {
        /// The key's name.
        name: String,
    },
    /// Somebody signed who was not expected to, where only expected signatures are allowed.
    #[error("there is a signature by `{name}` with a key that is not among the expected ones")]
    Stranger {
        /// The name in the signature line.
        name: String,
    },
    /// A key signed twice, where once is allowed.
    #[error("there is more than one signature by `{name}`")]
    Repeated {
        /// The key's name.
        name: String,
    },
}

struct SignatureLine<'n> {
    /// The whole line, without its newline.
    line: &'n str,
    name: &'n str,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl SignatureLine<'_> {
    fn is_by(&self, key: &Verifier) -> bool {
        self.name == key.name() && self.key_id == key.key_id()
    }

    fn check(&self, text: &str, key: &Verifier) -> Result<(), NoteError> {
        if key.verify(text, &self.signature) {
            Ok(())
        } else {
            Err(NoteError::WrongSignature { name: key.name().to_owned() })
        }
    }
}

/// Opens a note that this key has signed, and returns its text.
///
/// Signatures by other keys are passed over, as the format asks: they are not checked, and say
/// nothing. Fails where the note is not one, where the key has not signed it, or where one of its
/// signatures is wrong.
pub fn open<'n>(note: &'n str, key: &Verifier) -> Result<&'n str, NoteError> {
    let (text, lines) = split(note)?;
    signed_by(text, &lines, key).map(|_| text)
}

/// Opens a note that this key and each of these witnesses have signed, and nobody else.
///
/// So every byte of the note is accounted for: each of them signed once, and every signature is
/// right. Fails otherwise.
pub fn open_exactly<'n>(note: &'n str, log: &Verifier, witnesses: &[Verifier]) -> Result<&'n str, NoteError> {
    let (text, lines) = split(note)?;
    let mut signed: Vec<&Verifier> = Vec::new();
    for line in &lines {
        let Some(key) = iter::once(log).chain(witnesses).find(|key| line.is_by(key)) else {
            return Err(NoteError::Stranger { name: line.name.to_owned() });
        };
        if signed.contains(&key) {
            return Err(NoteError::Repeated { name: key.name().to_owned() });
        }
        line.check(text, key)?;
        signed.push(key);
    }
    match iter::once(log).chain(witnesses).find(|key| !signed.contains(key)) {
        None => Ok(text),
        Some(missing) => Err(NoteError::Unsigned { name: missing.name().to_owned() }),
    }
}

/// A log's note, cosigned: with the log's signature, with this witness's over the time at which it
/// saw the note, in seconds since 1970, and with no other.
///
/// Fails where the log has not signed the note, or one of its signatures is wrong. Whether the note
/// may be cosigned is for the caller to know: it takes a consistency proof from what was cosigned
/// before.
pub fn cosign(note: &str, log: &Verifier, witness: &Cosigner, seconds: u64) -> Result<String, NoteError> {
    let (text, lines) = split(note)?;
    let by_log = signed_by(text, &lines, log)?;
    written(text, &[by_log, &witness.line(text, seconds)])
}

/// One note out of several of the same text: with the log's signature, one by each of these
/// witnesses, and no other.
///
/// Fails where the texts differ, where one of them has signed none of the notes, and where a
/// signature by one of them is wrong.
pub fn gather(notes: &[&str], log: &Verifier, witnesses: &[Verifier]) -> Result<String, NoteError> {
    let (text, _) = split(notes.first().copied().unwrap_or_default())?;
    let mut lines = Vec::new();
    for note in notes {
        let (other, more) = split(note)?;
        if other != text {
            return Err(NoteError::Format("it is not of the same text as the one before it"));
        }
        lines.extend(more);
    }
    let keys = iter::once(log).chain(witnesses);
    let kept = keys.map(|key| signed_by(text, &lines, key)).collect::<Result<Vec<_>, _>>()?;
    written(text, &kept)
}

/// The first signature line by a key, all of whose signatures are right.
fn signed_by<'n>(text: &str, lines: &[SignatureLine<'n>], key: &Verifier) -> Result<&'n str, NoteError> {
    let mut first = None;
    for line in lines.iter().filter(|line| line.is_by(key)) {
        line.check(text, key)?;
        first = first.or(Some(line.line));
    }
    first.ok_or_else(|| NoteError::Unsigned { name: key.name().to_owned() })
}

/// The note of a text and its signature lines.
fn written(text: &str, lines: &[&str]) -> Result<String, NoteError> {
    let lines: String = lines.iter().flat_map(|line| [*line, "\n"]).collect();
    let note = format!("{text}\n{lines}");
    if note.len() > NOTE_BYTES_MAX { Err(NoteError::Text) } else { Ok(note) }
}

/// Takes a note apart, checking nothing but its form.
fn split(note: &str) -> Result<(&str, Vec<SignatureLine<'_>>), NoteError> {
    let refused = NoteError::Format;
    if note.len() > NOTE_BYTES_MAX {
        return Err(refused("it is too long"));
    }
    if has_control_characters(note) {
        return Err(refused("it has control characters"));
    }
    // The last empty line parts text and signatures; the text keeps its own newline.
    let parted = note.rfind("\n\n").and_then(|newline| note.split_at_checked(newline + 1));
    let (text, rest) = parted.ok_or(refused("no empty line parts text and signatures"))?;
    let lines = rest.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
    let lines = lines.ok_or(refused("its signatures do not end in a newline"))?;
    let lines = lines
        .split('\n')
        .map(|line| signature_line(line).ok_or(refused("a signature line is malformed")))
        .collect::<Result<Vec<_>, _>>()?;
    if lines.len() > SIGNATURES_MAX { Err(refused("it has too many signatures")) } else { Ok((text, lines)) }
}

fn signature_line(line: &str) -> Option<SignatureLine<'_>> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = from_base64(encoded)?;
    let (key_id, signature) = bytes.split_first_chunk::<4>()?;
    if !is_key_name(name) || signature.is_empty() {
        return None;
    }
    Some(SignatureLine { line, name, key_id: *key_id, signature: signature.to_vec() })
}

pub(crate) fn is_key_name(name: &str) -> bool {
    (1..=KEY_NAME_BYTES_MAX).contains(&name.len())
        && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn has_control_characters(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' && byte != b'\n')
}
