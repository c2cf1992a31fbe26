//! A credential while it is in memory.
//!
//! It can be used at the moment of sending and shown nowhere: there is no `Display`, no serialisation, and what
//! `Debug` prints holds nothing of it, not even its length.

use std::fmt;

/// A credential that no log and no page shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a credential in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The credential itself, for whoever sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        let secret = Secret::new("swordfish");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(format!("{:?}", Some(("authorization", &secret))), r#"Some(("authorization", ***))"#);
        assert_eq!(secret.expose(), "swordfish");
    }
}
