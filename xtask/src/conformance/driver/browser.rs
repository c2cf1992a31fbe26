//! A person's browser: signed in to the console, following the redirects of an authorization.
//!
//! The authorization server of the suite asks nobody: it sends the browser straight back. Cookies go to Writ alone.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::Value;
use tokio::process::Command;

use crate::tau::server::said;

const ANSWER_SECONDS_MAX: u64 = 30;

/// A browser with a session of one person.
#[derive(Debug)]
pub(super) struct Browser {
    http: Client,
    console: Url,
    cookie: String,
}

impl Browser {
    /// Signs a person in, by the link that the operator's program makes.
    pub(super) async fn signed_in(writ: &Path, workspace: &Path, address: &str, person: &str) -> Result<Self, String> {
        let http = Client::builder().no_proxy().redirect(Policy::none());
        let http = http.timeout(Duration::from_secs(ANSWER_SECONDS_MAX)).build();
        let http = http.map_err(|error| format!("no HTTP client can be made: {error}"))?;
        let console = Url::parse(address).map_err(|error| format!("`{address}`: {error}"))?;
        let link = sign_in_link(writ, workspace, person).await?;
        let ticket = link.query_pairs().find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket.into_owned());
        let ticket = ticket.ok_or("the sign-in link has no ticket")?;
        let form = [("ticket", ticket.as_str()), ("next", "/decisions")];
        let response = sent(http.post(at(&console, "/sign-in")?).form(&form)).await?;
        let cookie = response.headers().get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        let cookie = cookie.ok_or_else(|| format!("signing in ends with {} and no session", response.status()))?;
        Ok(Self { http, console, cookie })
    }

    /// Links an integration: from the console to the authorization server and back.
    pub(super) async fn link(&self, integration: &str) -> Result<(), String> {
        let begin = at(&self.console, &format!("/integrations/{integration}/link"))?;
        let to_server = redirect(self.asks_console(begin)).await?;
        let back = redirect(self.http.get(to_server)).await?;
        if back.origin() != self.console.origin() {
            return Err(format!(
                "the authorization server sends the browser to `{}`",
                back.origin().ascii_serialization()
            ));
        }
        let linked = sent(self.asks_console(back)).await?;
        let status = linked.status();
        if status.is_success() || status.is_redirection() { Ok(()) } else { Err(format!("linking ends with {status}")) }
    }

    fn asks_console(&self, url: Url) -> RequestBuilder {
        self.http.get(url).header(COOKIE, self.cookie.as_str())
    }
}

async fn sign_in_link(writ: &Path, workspace: &Path, person: &str) -> Result<Url, String> {
    let failed = |why: &str| format!("`writ person sign-in {person}`: {why}");
    let mut command = Command::new(writ);
    command.args(["person", "sign-in", person, "--workspace"]).arg(workspace).arg("--json");
    let said = said(command).await.map_err(|why| failed(&why))?;
    let said: Value = serde_json::from_slice(&said).map_err(|error| failed(&error.to_string()))?;
    let link = said.get("link").and_then(Value::as_str).ok_or_else(|| failed("it says no link"))?;
    Url::parse(link).map_err(|error| failed(&error.to_string()))
}

/// Where a request is sent on to.
async fn redirect(request: RequestBuilder) -> Result<Url, String> {
    let response = sent(request).await?;
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    match location {
        Some(location) if response.status().is_redirection() => {
            response.url().join(location).map_err(|error| format!("a redirect leads nowhere: {error}"))
        }
        _ => Err(format!("linking stops at `{}` with {}", response.url().path(), response.status())),
    }
}

async fn sent(request: RequestBuilder) -> Result<Response, String> {
    // An address may hold a code of the authorization, so an error does not show it.
    request.send().await.map_err(|error| error.without_url().to_string())
}

fn at(console: &Url, path: &str) -> Result<Url, String> {
    console.join(path).map_err(|error| format!("`{path}`: {error}"))
}
