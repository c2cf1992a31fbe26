//! `writ.yaml`: the server itself.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::credential::SecretSource;

/// `writ.yaml`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on. Port 0 takes a free one.
    #[serde(default = "listen")]
    pub listen: String,
    /// The folder for the store and the keys, relative to the workspace folder.
    #[serde(default = "data")]
    pub data: PathBuf,
    /// The database of the store. Where nothing is said, SQLite in the data folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreAddress>,
    /// The trail.
    pub trail: Trail,
    /// The address under which people reach the console, where it is not the one that the server listens on:
    /// `https://writ.example.org` behind a proxy that ends TLS. With `https`, cookies are sent over HTTPS alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Host names under which the server may be addressed, beside the address that it listens on.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The sealed credentials.
    #[serde(default)]
    pub credentials: Credentials,
}

/// The address of a PostgreSQL database, version 15 or later: `postgres://user@host:port/database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StoreAddress {
    /// The address itself, without a password.
    Plain(String),
    /// Where the address is kept, with its password.
    Secret(SecretSource),
}

impl StoreAddress {
    /// Whether a password stands where everybody can read it who reads the file: before an `@`, or as a parameter.
    #[must_use]
    pub fn shows_a_password(&self) -> bool {
        let Self::Plain(address) = self else { return false };
        let behind_scheme = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
        let who = behind_scheme.rsplit_once('@').map(|(who, _)| who);
        who.is_some_and(|who| who.contains(':')) || address.contains("password=")
    }
}

/// The sealed credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Where the key is kept under which they are sealed: 64 lower-case hexadecimal digits. Where nothing is said,
    /// `keys/credentials.key` in the data folder, made at the first use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SealingKey>,
}

/// Where the sealing key is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SealingKey {
    /// A file, relative to the workspace folder.
    File(PathBuf),
    /// An environment variable of the server.
    Env(String),
    /// A program and its arguments, which print it.
    Command(Vec<String>),
}

/// The trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// The log's origin (C2SP checkpoint): a name for this log alone, such as `writ.example.com/acme`.
    pub origin: String,
    /// When the result of an integration's read is released.
    #[serde(default)]
    pub reads: ReadRecords,
    /// Whether anybody may follow the log under `/tlog/`, without a token: checkpoints, hashes and commitments, which
    /// tell when and how much happens and nothing of what.
    #[serde(default)]
    pub public: bool,
    /// The public keys of the witnesses whose cosignatures every export and every proof must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
}

/// When the result of an integration's read is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadRecords {
    /// When its record is synced to disk.
    #[default]
    Durable,
    /// When its record is in its place in the log; it is synced within 50 ms. A crash in between, of the program or
    /// of the machine, can lose the record of a read whose result is out. Proposals, votes and outcomes are durable all the same.
    Buffered,
}

fn listen() -> String {
    "127.0.0.1:7878".to_owned()
}

fn data() -> PathBuf {
    PathBuf::from("data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_seen() {
        let shows = |address: &str| StoreAddress::Plain(address.to_owned()).shows_a_password();
        assert!(shows("postgres://writ:swordfish@db.example/acme"));
        assert!(shows("postgres://writ:sword/fish@db.example/acme"));
        assert!(shows("postgres://writ@db.example/acme?password=swordfish"));
        assert!(!shows("postgres://writ@db.example:5432/acme"));
        assert!(!shows("postgres://db.example:5432/acme?user=writ"));
        assert!(!StoreAddress::Secret(SecretSource::default()).shows_a_password());
    }
}
