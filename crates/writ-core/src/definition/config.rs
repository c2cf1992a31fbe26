//! `writ.yaml`: the server itself.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// The trail.
    pub trail: Trail,
    /// The address under which people reach the console, where it is not the one that the server listens on:
    /// `https://writ.example.org` behind a proxy that ends TLS. With `https`, cookies are sent over HTTPS alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Host names under which the server may be addressed, beside the address that it listens on.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// The trail.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// The log's origin (C2SP checkpoint): a name for this log alone, such as `writ.example.com/acme`.
    pub origin: String,
}

fn listen() -> String {
    "127.0.0.1:7878".to_owned()
}

fn data() -> PathBuf {
    PathBuf::from("data")
}
