//! The JSON API, as the command line uses it.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::Value as Json;
use writ_engine::token::Audience;
use writ_engine::workspace::Workspace;

use crate::wiring;

/// How long a token of the command line lives: one command.
const TOKEN_MILLISECONDS: i64 = 60_000;

/// Which server, and who is asking.
#[derive(Debug, ClapArgs)]
pub(crate) struct Caller {
    /// The workspace folder of the running server.
    #[arg(long, default_value = ".")]
    pub(crate) workspace: PathBuf,
    /// The person who asks. Whoever can read the workspace's token key can ask as anybody: this is the operator's
    /// own command line.
    #[arg(long = "as", value_name = "PERSON")]
    pub(crate) person: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A client of a running server, for one person.
pub(crate) struct Client {
    http: reqwest::Client,
    address: String,
    token: String,
}

impl Client {
    /// A client for the server of a workspace.
    pub(crate) fn new(caller: &Caller) -> Result<Self, String> {
        let workspace = wiring::load(&caller.workspace)?;
        let address = address(&workspace)?;
        let (token, _) = wiring::person_token(&workspace, &caller.person, Audience::Api, TOKEN_MILLISECONDS)?;
        Self::with(address, token)
    }

    /// A client for a known address and token.
    pub(crate) fn with(address: String, token: String) -> Result<Self, String> {
        let http = reqwest::Client::builder().no_proxy().build().map_err(|error| wiring::chain(&error))?;
        Ok(Self { http, address, token })
    }

    /// Asks.
    pub(crate) async fn get(&self, path: &str) -> Result<Json, String> {
        self.answer(self.http.get(format!("{}{path}", self.address))).await
    }

    /// Tells.
    pub(crate) async fn post(&self, path: &str, body: &Json) -> Result<Json, String> {
        self.answer(self.http.post(format!("{}{path}", self.address)).json(body)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Json, String> {
        let response = request
            .bearer_auth(&self.token)
            .send()
            .await
            .map_err(|error| format!("the server does not answer: {}", wiring::chain(&error)))?;
        let status = response.status();
        let body: Json = response
            .json()
            .await
            .map_err(|error| format!("the server's answer is no JSON: {}", wiring::chain(&error)))?;
        if status.is_success() {
            return Ok(body);
        }
        let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or("unknown").to_owned();
        Err(format!("{} ({})", text("message"), text("code")))
    }
}

/// Where the server of a workspace listens, as it wrote down when it started.
pub(crate) fn address(workspace: &Workspace) -> Result<String, String> {
    let path = address_file(&workspace.data());
    let text = std::fs::read_to_string(&path).map_err(|_| {
        format!(
            "no server is running for this workspace (`{}` is not there); start one with `writ serve`",
            path.display()
        )
    })?;
    Ok(text.trim().to_owned())
}

/// The file in which a running server leaves its address.
pub(crate) fn address_file(data: &Path) -> PathBuf {
    data.join("address")
}
