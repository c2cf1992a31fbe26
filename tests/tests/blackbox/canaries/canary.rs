//! Canaries: secrets that exist for this test alone, each with the few places in which it may stand.

use writ_core::digest::Digest;
use writ_tests::dice::Dice;

pub(super) const ENVIRONMENT_HEADER: &str = "a header's secret from the environment";
pub(super) const FILE_HEADER: &str = "a header's secret from a file";
pub(super) const SEALED_HEADER: &str = "a sealed secret of a header";
pub(super) const ENVIRONMENT_CLIENT: &str = "a client's secret from the environment";
pub(super) const FILE_CLIENT: &str = "a client's secret from a file";
pub(super) const SEALED_CLIENT: &str = "a sealed secret of a client";
pub(super) const REGISTERED_CLIENT: &str = "a registered client's secret";
pub(super) const ENVIRONMENT_PROGRAM: &str = "a program's secret from the environment";
pub(super) const FILE_PROGRAM: &str = "a program's secret from a file";
pub(super) const SEALED_PROGRAM: &str = "a program's sealed secret";
pub(super) const ACCESS_TOKEN: &str = "an access token";
pub(super) const REFRESH_TOKEN: &str = "a refresh token";
pub(super) const IDENTITY_TOKEN: &str = "an identity token";
pub(super) const CODE: &str = "an authorization code";
pub(super) const VERIFIER: &str = "a code verifier";
pub(super) const STATE: &str = "a link's state";
pub(super) const STATEMENT: &str = "a statement about a person";
pub(super) const KEY: &str = "a key of the server's";
pub(super) const RETIRED_KEY: &str = "a sealing key that was replaced";
pub(super) const RUN_TOKEN: &str = "a run's token";
pub(super) const PERSONAL_TOKEN: &str = "a person's token";
pub(super) const TICKET: &str = "a ticket for signing in";
pub(super) const SESSION: &str = "a session";

/// What must have come to whom it was for, or nothing was tried. The server's own keys and tokens are not among
/// them: without these no request of the test would have been answered.
pub(super) const ARRIVING: [&str; 17] = [
    ENVIRONMENT_HEADER,
    FILE_HEADER,
    SEALED_HEADER,
    ENVIRONMENT_CLIENT,
    FILE_CLIENT,
    SEALED_CLIENT,
    REGISTERED_CLIENT,
    ENVIRONMENT_PROGRAM,
    FILE_PROGRAM,
    SEALED_PROGRAM,
    ACCESS_TOKEN,
    REFRESH_TOKEN,
    IDENTITY_TOKEN,
    CODE,
    VERIFIER,
    STATE,
    STATEMENT,
];

/// One secret.
#[derive(Debug, Clone)]
pub(super) struct Canary {
    /// What it is.
    pub(super) kind: &'static str,
    /// Its text.
    pub(super) value: String,
    /// How the names of the places begin in which it may stand.
    may_stand: Vec<String>,
}

impl Canary {
    pub(super) fn new(kind: &'static str, value: &str, may_stand: &[&str]) -> Self {
        let may_stand = may_stand.iter().map(|place| (*place).to_owned()).collect();
        Self { kind, value: value.to_owned(), may_stand }
    }

    /// A signed token, which is known by its signature. The rest of it is no secret.
    pub(super) fn token(kind: &'static str, token: &str, may_stand: &[&str]) -> Self {
        Self::new(kind, token.rsplit('.').next().unwrap_or_default(), may_stand)
    }

    pub(super) fn may_stand_in(&self, place: &str) -> bool {
        self.may_stand.iter().any(|may| place.starts_with(may.as_str()))
    }

    /// The bytes by which it is known. Of a text, the part that looks the same in an address, in JSON and on a page;
    /// of a key, which is written in hexadecimal digits, the key itself as well.
    pub(super) fn cores(&self) -> Vec<Vec<u8>> {
        let plain = |character: char| character.is_ascii_alphanumeric() || "-._~".contains(character);
        let core = self.value.split(|character| !plain(character)).max_by_key(|part| part.len()).unwrap_or_default();
        assert!(core.len() >= 20, "{} is too short to be found", self.kind);
        let key = Digest::parse(&self.value).map(|digest| digest.0.to_vec());
        std::iter::once(core.as_bytes().to_vec()).chain(key).collect()
    }
}

/// A text for a secret: as long as real ones, and with characters that look otherwise in addresses and in JSON.
pub(super) fn text(dice: &mut Dice) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut letters = |count: usize| -> String {
        (0..count).map(|_| char::from(LETTERS[usize::try_from(dice.below(62)).unwrap()])).collect()
    };
    format!("{}+/{}=", letters(24), letters(8))
}
