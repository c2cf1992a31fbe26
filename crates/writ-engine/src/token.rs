//! Tokens: who is calling, for what, until when.
//!
//! A token is a JWS in compact form (RFC 7515) with HMAC-SHA256 under a key that never leaves the data folder.
//! The header is compared as a whole, so there is no algorithm to confuse; the audience tells a run token from
//! a personal token, a console session and a sign-in ticket, and one is never taken for another.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use writ_core::code::{Code, Refusal};
use writ_core::event::Milliseconds;

/// `{"alg":"HS256","typ":"JWT"}` in base64url.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const TOKEN_BYTES_MAX: usize = 2048;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// A worker in one run.
    Run,
    /// A person, by API or command line.
    Api,
    /// A person's console session.
    Console,
    /// A single-use ticket for signing in to the console.
    SignIn,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// What it is for.
    pub aud: Audience,
    /// The person: for a run token, the one on whose behalf the run acts.
    pub sub: String,
    /// The worker that acts, in a run token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// The run, in a run token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When it was issued.
    pub iat: Milliseconds,
    /// When it ends.
    pub exp: Milliseconds,
    /// Its id.
    pub jti: String,
}

/// Issues and verifies tokens.
pub struct TokenKey([u8; 32]);

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(***)")
    }
}

impl TokenKey {
    /// A key from its bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the key from a file of 64 hexadecimal digits, or makes a new one, readable by its owner alone.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or holds something else.
    pub fn load_or_create(path: &Path) -> std::io::Result<Self> {
        read_or_create_secret(path).map(Self)
    }

    /// Issues a token.
    #[must_use]
    pub fn issue(&self, claims: &Claims) -> String {
        let payload = BASE64.encode(serde_json::to_vec(claims).unwrap_or_default());
        let signed = format!("{HEADER}.{payload}");
        let signature = BASE64.encode(self.mac(signed.as_bytes()).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Verifies a token for one audience at one time.
    ///
    /// # Errors
    /// [`Code::NotAuthenticated`], with the same words whatever is wrong but for a token that has expired.
    pub fn verify(&self, token: &str, audience: Audience, now: Milliseconds) -> Result<Claims, Refusal> {
        let claims = self.parse(token).ok_or_else(|| unauthenticated("the token is missing, malformed or not ours"))?;
        if claims.aud != audience {
            return Err(unauthenticated("the token is meant for something else"));
        }
        if now >= claims.exp {
            return Err(unauthenticated("the token has expired; ask for a new one"));
        }
        Ok(claims)
    }

    fn parse(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if header != HEADER {
            return None;
        }
        self.mac(signed.as_bytes()).verify_slice(&BASE64.decode(signature).ok()?).ok()?;
        serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()
    }

    /// A value that only this server can make from a session's token: proof that a form came from its own page.
    #[must_use]
    pub fn csrf(&self, session: &str) -> String {
        BASE64.encode(self.csrf_mac(session).finalize().into_bytes())
    }

    /// Whether a form's value is the session's own; compared in constant time.
    #[must_use]
    pub fn verify_csrf(&self, session: &str, presented: &str) -> bool {
        BASE64.decode(presented).is_ok_and(|presented| self.csrf_mac(session).verify_slice(&presented).is_ok())
    }

    /// A key of its own for one purpose, such as the masks of one run.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = self.mac(b"derive\n");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// An authentication code over a message, for one purpose.
    pub(crate) fn mac_of(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.purpose_mac(purpose, message).finalize().into_bytes().into()
    }

    /// Whether a code is that of a message for one purpose; compared in constant time.
    pub(crate) fn is_mac_of(&self, purpose: &str, message: &[u8], code: &[u8]) -> bool {
        self.purpose_mac(purpose, message).verify_slice(code).is_ok()
    }

    fn purpose_mac(&self, purpose: &str, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac(b"purpose\n");
        mac.update(purpose.as_bytes());
        mac.update(b"\n");
        mac.update(message);
        mac
    }

    fn csrf_mac(&self, session: &str) -> Hmac<Sha256> {
        let mut mac = self.mac(b"csrf\n");
        mac.update(session.as_bytes());
        mac
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let key: &hmac::digest::Key<Hmac<Sha256>> = &pad(&self.0);
        let mut mac = Hmac::<Sha256>::new(key);
        mac.update(message);
        mac
    }
}

/// HMAC takes keys of the hash's block size; shorter ones are filled up with zeros (RFC 2104).
fn pad(key: &[u8; 32]) -> hmac::digest::Key<Hmac<Sha256>> {
    let mut padded = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (to, from) in padded.iter_mut().zip(key) {
        *to = *from;
    }
    padded
}

fn unauthenticated(message: &str) -> Refusal {
    Refusal::new(Code::NotAuthenticated, message)
}

/// Reads a secret of 32 bytes from a file, or makes one.
///
/// # Errors
/// Where the file cannot be read or written, or does not hold 64 hexadecimal digits.
pub fn read_or_create_secret(path: &Path) -> std::io::Result<[u8; 32]> {
    use std::io::{Error, ErrorKind, Write as _};
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::read_to_string(path) {
        Ok(text) => writ_core::digest::Digest::parse(text.trim())
            .map(|digest| digest.0)
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, "the key file does not hold 64 hexadecimal digits")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let secret = random_bytes().map_err(|_| Error::other("no randomness"))?;
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            // Whole or not at all: a key file without a key would keep every later start from going on.
            let new = path.with_extension(format!("{}.new", std::process::id()));
            let mut file =
                std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            writeln!(file, "{}", writ_core::digest::Digest(secret))?;
            file.sync_all()?;
            // A link, since it does not replace a key that somebody else has made meanwhile.
            let linked = std::fs::hard_link(&new, path);
            std::fs::remove_file(&new)?;
            linked?;
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::File::open(folder)?.sync_all()?;
            }
            Ok(secret)
        }
        Err(error) => Err(error),
    }
}

fn random_bytes() -> Result<[u8; 32], Refusal> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::new(Code::Internal, "no randomness is available"))?;
    Ok(bytes)
}

/// A new id such as `r-4k7x02mzqp`: 50 random bits in Crockford's base 32.
///
/// # Errors
/// [`Code::Internal`] where the system gives no randomness.
pub fn new_id(prefix: &str) -> Result<String, Refusal> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let bytes = random_bytes()?;
    let digits =
        bytes.iter().take(10).filter_map(|byte| ALPHABET.get(usize::from(byte & 31)).map(|digit| char::from(*digit)));
    Ok(format!("{prefix}-{}", digits.collect::<String>()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_is_made_once_whole_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys").join("token");
        let secret = read_or_create_secret(&path).unwrap();
        assert_eq!(read_or_create_secret(&path).unwrap(), secret);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path().join("keys")).unwrap().count(), 1, "nothing is left beside it");
        std::fs::write(&path, "").unwrap();
        assert!(read_or_create_secret(&path).is_err(), "a damaged key is not replaced");
    }

    fn claims() -> Claims {
        Claims {
            aud: Audience::Run,
            sub: "ana".into(),
            act: Some("desk".into()),
            run: Some("r-1".into()),
            iat: 0,
            exp: 1000,
            jti: "t".into(),
        }
    }

    #[test]
    fn a_token_is_good_for_its_audience_and_time_alone() {
        let key = TokenKey::new([7; 32]);
        let token = key.issue(&claims());
        assert_eq!(key.verify(&token, Audience::Run, 999).unwrap(), claims());
        assert!(key.verify(&token, Audience::Run, 1000).is_err());
        assert!(key.verify(&token, Audience::Api, 0).is_err());
        assert!(TokenKey::new([8; 32]).verify(&token, Audience::Run, 0).is_err());
    }

    #[test]
    fn any_changed_character_is_refused() {
        let key = TokenKey::new([7; 32]);
        let token = key.issue(&claims());
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            let byte = bytes.get_mut(at).unwrap();
            *byte = if *byte == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            if changed != token {
                assert!(key.verify(&changed, Audience::Run, 0).is_err(), "at {at}");
            }
        }
        let none = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
        assert!(key.verify(&none, Audience::Run, 0).is_err());
    }
}
