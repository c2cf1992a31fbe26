//! Digests: SHA-256 over RFC 8785 canonical JSON.
//!
//! What a person approves is named by an *action digest*. It covers everything that an approval rests on,
//! so a change to any of it makes another digest and the approval does not carry over.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of a JSON value in the canonical form of RFC 8785.
    ///
    /// # Errors
    /// [`NotCanonical`] where the value has no canonical form, such as a number that is no IEEE double.
    pub fn of_json(value: &impl Serialize) -> Result<Self, NotCanonical> {
        Ok(Self::of_bytes(canonical(value)?.as_bytes()))
    }

    /// The digest of a JSON object in the canonical form of RFC 8785.
    ///
    /// # Errors
    /// As [`Digest::of_json`].
    pub fn of_object(members: &serde_json::Map<String, Json>) -> Result<Self, NotCanonical> {
        match crate::canonical::object(members) {
            Some(text) => Ok(Self::of_bytes(text.as_bytes())),
            None => Self::of_json(members),
        }
    }

    /// Reads 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return None;
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            if pair.bytes().any(|digit| !digit.is_ascii_digit() && !(b'a'..=b'f').contains(&digit)) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            let digits =
                [byte >> 4, byte & 15].map(|digit| DIGITS.get(usize::from(digit)).copied().unwrap_or_default());
            pair.copy_from_slice(&digits);
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not 64 lower-case hexadecimal digits"))
    }
}

/// A value that RFC 8785 cannot write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a number has no exact canonical JSON form; send whole numbers beyond 2^53 as text")]
pub struct NotCanonical;

/// The canonical JSON text of a value (RFC 8785): sorted keys, shortest numbers, no white space.
///
/// # Errors
/// [`NotCanonical`] where the value cannot be written so.
pub fn canonical(value: &impl Serialize) -> Result<String, NotCanonical> {
    serde_json_canonicalizer::to_string(value).map_err(|_| NotCanonical)
}

/// Everything that an approval rests on: the bytes that are shown, hashed, approved and sent.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
pub struct Action {
    /// The integration's name and the identity that its server gave when it was pinned.
    pub integration: IntegrationIdentity,
    /// The tool's name at the integration.
    pub tool: String,
    /// The digest of the tool's pinned definition.
    pub schema_digest: Digest,
    /// The arguments, exactly as they will be sent.
    pub arguments: serde_json::Map<String, Json>,
    /// The run that proposes.
    pub run: String,
    /// The mission's name.
    pub mission: String,
    /// The mission's version: the digest of its definition.
    pub mission_version: Digest,
    /// The person on whose behalf the run acts.
    pub person: String,
    /// The worker that proposes.
    pub worker: String,
    /// The digest of the entitlements, guardrails and approval rules in force.
    pub policy: Digest,
    /// The facts that the conditions used, as they were read.
    pub facts: serde_json::Map<String, Json>,
}

/// Which server stands behind an integration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IntegrationIdentity {
    /// The integration's name in the workspace.
    pub name: String,
    /// The server's own name and version, as it introduced itself.
    pub server: String,
}

impl Action {
    /// The canonical JSON text whose SHA-256 is the action digest.
    ///
    /// # Errors
    /// [`NotCanonical`] where an argument or fact has no canonical form.
    pub fn canonical(&self) -> Result<String, NotCanonical> {
        exact(&self.arguments)?;
        exact(&self.facts)?;
        canonical(&serde_json::to_value(self).map_err(|_| NotCanonical)?)
    }

    /// The action digest.
    ///
    /// # Errors
    /// As [`Action::canonical`].
    pub fn digest(&self) -> Result<Digest, NotCanonical> {
        Ok(Digest::of_bytes(self.canonical()?.as_bytes()))
    }

    /// The digest of tool and arguments alone: by it, a repeated call finds its earlier decision.
    ///
    /// # Errors
    /// As [`Action::canonical`].
    pub fn call_digest(&self) -> Result<Digest, NotCanonical> {
        call_digest(&self.integration.name, &self.tool, &self.arguments)
    }
}

/// Refuses whole numbers that an IEEE double cannot hold: RFC 8785 would write another number than the one that is
/// sent, and two different calls would share a digest.
fn exact(values: &serde_json::Map<String, Json>) -> Result<(), NotCanonical> {
    const WHOLE_MAX: u64 = (1 << 53) - 1;
    fn is_exact(value: &Json) -> bool {
        match value {
            Json::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(whole), _) => whole <= WHOLE_MAX,
                (None, Some(whole)) => whole.unsigned_abs() <= WHOLE_MAX,
                (None, None) => true,
            },
            Json::Array(items) => items.iter().all(is_exact),
            Json::Object(object) => object.values().all(is_exact),
            _ => true,
        }
    }
    if values.values().all(is_exact) { Ok(()) } else { Err(NotCanonical) }
}

/// The digest of one call's integration, tool and arguments.
///
/// # Errors
/// [`NotCanonical`] where an argument has no canonical form.
pub fn call_digest(
    integration: &str,
    tool: &str,
    arguments: &serde_json::Map<String, Json>,
) -> Result<Digest, NotCanonical> {
    exact(arguments)?;
    Digest::of_json(&serde_json::json!({ "integration": integration, "tool": tool, "arguments": arguments }))
}
