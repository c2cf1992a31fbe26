//! Writ's own statements about people, for authorization servers that exchange them for tokens (RFC 8693).
//!
//! A statement is a JWT (RFC 7519) signed with Ed25519 (RFC 8037): this server says to one authorization server that
//! it acts for one person, for a minute, once. Whoever is to believe it reads the public key at
//! `/.well-known/jwks.json` under the server's public address.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value as Json, json};
use writ_core::digest::Digest;
use writ_engine::clock::Clock;
use writ_engine::token::{new_id, read_or_create_secret};

use super::trouble::Trouble;
use crate::Secret;

/// How long a statement is good for.
const STATEMENT_SECONDS: i64 = 60;

/// The key with which this server says for whom it acts. Its `Debug` shows the key's public name alone.
pub struct Identity {
    key: SigningKey,
    id: String,
    issuer: String,
    clock: Clock,
}

impl Identity {
    /// Reads the key from a file of 64 hexadecimal digits, or makes one, readable by its owner alone. `issuer` is the
    /// server's public address.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or holds something else.
    pub fn load_or_create(path: &Path, issuer: &str, clock: Clock) -> std::io::Result<Self> {
        let key = SigningKey::from_bytes(&read_or_create_secret(path)?);
        let public = BASE64.encode(key.verifying_key().as_bytes());
        // The thumbprint of RFC 7638: the required members in their order, without white space.
        let thumbprint = Digest::of_bytes(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#).as_bytes());
        Ok(Self { key, id: BASE64.encode(thumbprint.0), issuer: issuer.trim_end_matches('/').to_owned(), clock })
    }

    /// The public key as a JWK set (RFC 7517).
    #[must_use]
    pub fn public_keys(&self) -> Json {
        let public = BASE64.encode(self.key.verifying_key().as_bytes());
        json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "x": public, "kid": self.id, "use": "sig", "alg": "EdDSA" }
        ] })
    }

    /// Says to an authorization server that this server acts for a person.
    pub(super) fn statement(&self, person: &str, audience: &str) -> Result<Secret, Trouble> {
        let now = self.clock.now() / 1000;
        let id = new_id("s").map_err(|_| Trouble::failed("no randomness is available"))?;
        let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.id });
        let claims = json!({
            "iss": self.issuer,
            "sub": person,
            "aud": audience,
            "iat": now,
            "exp": now.saturating_add(STATEMENT_SECONDS),
            "jti": id,
        });
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.key.sign(signed.as_bytes());
        Ok(Secret::new(format!("{signed}.{}", BASE64.encode(signature.to_bytes()))))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use ed25519_dalek::{Signature, VerifyingKey};
    use serde_json::Value as Json;
    use writ_engine::clock::Clock;

    use super::Identity;

    #[test]
    fn the_published_key_verifies_a_statement() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        let (clock, _) = Clock::held_at(5_000);
        let identity = Identity::load_or_create(&path, "https://writ.example/", clock.clone()).unwrap();
        let statement = identity.statement("ana", "https://login.example").unwrap();
        let (signed, signature) = statement.expose().rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let json = |part: &str| serde_json::from_slice::<Json>(&BASE64.decode(part).unwrap()).unwrap();
        let claims = json(claims);
        assert_eq!(claims["iss"], "https://writ.example");
        assert_eq!(claims["sub"], "ana");
        assert_eq!(claims["aud"], "https://login.example");
        assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(5), Some(65)));
        let published = Identity::load_or_create(&path, "https://writ.example", clock).unwrap().public_keys();
        assert_eq!(published["keys"][0]["kid"], json(header)["kid"]);
        let public: [u8; 32] = BASE64.decode(published["keys"][0]["x"].as_str().unwrap()).unwrap().try_into().unwrap();
        let signature = Signature::from_slice(&BASE64.decode(signature).unwrap()).unwrap();
        VerifyingKey::from_bytes(&public).unwrap().verify_strict(signed.as_bytes(), &signature).unwrap();
        let again = identity.statement("ana", "https://login.example").unwrap();
        assert_ne!(again.expose(), statement.expose());
    }
}
