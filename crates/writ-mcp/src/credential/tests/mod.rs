//! Credentials against a fake authorization server and a fake integration on free ports of this machine.

mod fake;
mod headers;
mod links;
mod tokens;
mod unlinks;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient as _, StreamableHttpError, StreamableHttpPostResponse,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use writ_core::code::{Code, Refusal};
use writ_core::definition::Credential;
use writ_engine::clock::Clock;

use super::{AuthorizedClient, CredentialSource, Identity, KeySource, LinkRecord, OAuthSource, Surroundings, Vault};
use crate::outbound::http_client;

/// What every planted secret begins with.
const CANARY: &str = "canary-";

/// When the held clock starts: far from zero, so that what the library stamps by the system's clock is later.
const START: i64 = 1_000_000_000_000;

/// A trail that holds what people link and unlink.
#[derive(Default)]
struct Records {
    /// Whether nothing can be recorded.
    refuses: AtomicBool,
    said: Mutex<Vec<String>>,
}

impl Records {
    fn record(&self, said: String) -> Result<(), Refusal> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(Refusal::new(Code::StoreUnavailable, "nothing can be recorded"));
        }
        self.said.lock().unwrap().push(said);
        Ok(())
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

#[async_trait]
impl LinkRecord for Records {
    async fn linked(&self, person: &str, integration: &str, scopes: Vec<String>) -> Result<(), Refusal> {
        self.record(format!("{person} linked {integration}: {}", scopes.join(" ")))
    }

    async fn unlinked(&self, person: &str, integration: &str) -> Result<(), Refusal> {
        self.record(format!("{person} unlinked {integration}"))
    }
}

struct Stage {
    folder: TempDir,
    records: Arc<Records>,
    around: Surroundings,
    clock: Arc<AtomicI64>,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::held_at(START);
        let source = KeySource::File(folder.path().join("keys/credentials.key"));
        let vault = Vault::open(folder.path().join("credentials.sealed"), source, clock.clone()).unwrap();
        let key = folder.path().join("keys/identity.key");
        let identity = Identity::load_or_create(&key, "https://writ.example", clock.clone()).unwrap();
        let around = Surroundings {
            folder: folder.path().to_owned(),
            vault: Arc::new(vault),
            identity: Arc::new(identity),
            clock,
        };
        Self { folder, records: Arc::default(), around, clock: hand }
    }

    fn source(&self, url: &str, credential: Json) -> Result<CredentialSource, String> {
        let credential: Credential = serde_json::from_value(credential).unwrap();
        self.around.source("mail", url, Some(&credential))
    }

    fn oauth(&self, url: &str, oauth: Json) -> Arc<OAuthSource> {
        match self.source(url, json!({ "oauth": oauth })).unwrap() {
            CredentialSource::OAuth(source) => source,
            other => panic!("{other:?}"),
        }
    }
}

fn client(source: CredentialSource, person: Option<&str>) -> AuthorizedClient {
    AuthorizedClient::new(http_client().unwrap(), source, person.map(str::to_owned))
}

/// Makes one request. Gives the result of the answer.
async fn call(client: &AuthorizedClient, url: &str) -> Result<Json, StreamableHttpError<reqwest::Error>> {
    let message: ClientJsonRpcMessage =
        serde_json::from_value(json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).unwrap();
    match client.post_message(url.into(), message, None, None, HashMap::new()).await? {
        StreamableHttpPostResponse::Json(answer, _) => Ok(serde_json::to_value(answer).unwrap()["result"].clone()),
        other => panic!("{other:?}"),
    }
}

/// Everything that an error can be made to say.
fn said(error: &StreamableHttpError<reqwest::Error>) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(" {next} {next:?}"));
        cause = next.source();
    }
    assert!(!text.contains(CANARY), "{text}");
    text
}
