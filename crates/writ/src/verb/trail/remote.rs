//! Another server's log over HTTP, as C2SP tlog-tiles says.
//!
//! The server is a stranger: each answer is bounded in size and time, no redirect is followed, and nothing that it says
//! is believed here.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use writ_trail::hash::HASH_BYTES;
use writ_trail::note::NOTE_BYTES_MAX;
use writ_trail::tile::{TILE_WIDTH, Tile, TileKind};

use crate::wiring;

/// How long one answer may take.
const ANSWER_SECONDS_MAX: u64 = 30;

/// A log's addresses.
pub(super) struct Remote {
    http: Client,
    /// Without a slash at its end.
    prefix: String,
    token: Option<String>,
}

impl Remote {
    /// The log of this prefix. The token, where there is one, goes with each request.
    pub(super) fn new(prefix: &str, token: Option<String>) -> Result<Self, String> {
        if !prefix.starts_with("https://") && !prefix.starts_with("http://") {
            return Err(format!("`{prefix}` is not the address of a log: it starts with `https://` or `http://`"));
        }
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(ANSWER_SECONDS_MAX))
            .build()
            .map_err(|error| wiring::chain(&error))?;
        Ok(Self { http, prefix: prefix.trim_end_matches('/').to_owned(), token })
    }

    /// What the log says of itself now: a signed note, not checked yet.
    pub(super) async fn checkpoint(&self) -> Result<String, String> {
        let bytes = self.get("checkpoint", NOTE_BYTES_MAX).await?;
        let bytes = bytes.ok_or_else(|| format!("`{}/checkpoint` is not there", self.prefix))?;
        String::from_utf8(bytes).map_err(|_| format!("`{}/checkpoint` is not text", self.prefix))
    }

    /// The bytes of a hash tile, of the width that is asked for. Where a partial one is not kept any more, the full
    /// one has it.
    pub(super) async fn tile(&self, tile: &Tile) -> Result<Vec<u8>, String> {
        let path = tile.path();
        let (length, full) = (usize::from(tile.width()) * HASH_BYTES, usize::from(TILE_WIDTH) * HASH_BYTES);
        if let Some(bytes) = self.get(&path, full).await? {
            return Ok(bytes);
        }
        let wider = match (path.split_once(".p/"), tile.kind()) {
            (Some((wider, _)), TileKind::Hashes { .. }) => self.get(wider, full).await?,
            _ => None,
        };
        let mut bytes = wider.ok_or_else(|| format!("`{}/{path}` is not there", self.prefix))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// The body at an address; nothing where the server says that there is nothing.
    async fn get(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, String> {
        let address = format!("{}/{path}", self.prefix);
        let failed = |error: reqwest::Error| format!("`{address}`: {}", wiring::chain(&error.without_url()));
        let request = self.http.get(&address);
        let request = self.token.iter().fold(request, |request, token| request.bearer_auth(token));
        let mut response = request.send().await.map_err(failed)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(format!("`{address}` is answered with {status}")),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len().saturating_add(chunk.len()) > bytes_max {
                return Err(format!("`{address}` is longer than {bytes_max} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body))
    }
}
