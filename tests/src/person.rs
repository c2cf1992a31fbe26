//! A person with a personal token, at the JSON API.

use serde_json::{Value as Json, json};

use crate::program;

/// A person at the API of one server.
#[derive(Debug, Clone)]
pub struct Person {
    http: reqwest::Client,
    address: String,
    token: String,
}

/// What the API answered.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body: always JSON.
    pub body: Json,
}

impl Person {
    /// A person of a workspace, with a token that `writ person token` made.
    pub async fn of(workspace: &str, person: &str, address: &str) -> Self {
        let said = program::writ(&["person", "token", person, "--workspace", workspace, "--json"]).await.json();
        assert!(said["expires_at"].as_i64().is_some_and(|at| at > 0), "a token has an end: {said}");
        Self::with(address, said["token"].as_str().expect("a token"))
    }

    /// Whoever has this token.
    #[must_use]
    pub fn with(address: &str, token: &str) -> Self {
        Self { http: crate::http(), address: address.to_owned(), token: token.to_owned() }
    }

    /// The same person at another address.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Reply {
        self.try_get(path).await.unwrap_or_else(|why| panic!("GET {path}: {why}"))
    }

    /// Tells.
    pub async fn post(&self, path: &str, body: &Json) -> Reply {
        self.try_post(path, body).await.unwrap_or_else(|why| panic!("POST {path}: {why}"))
    }

    /// Asks a server that may be gone.
    ///
    /// # Errors
    /// Where no whole answer came.
    pub async fn try_get(&self, path: &str) -> Result<Reply, String> {
        Self::answered(self.http.get(format!("{}{path}", self.address)).bearer_auth(&self.token)).await
    }

    /// Tells a server that may be gone.
    ///
    /// # Errors
    /// Where no whole answer came. What was told may have arrived.
    pub async fn try_post(&self, path: &str, body: &Json) -> Result<Reply, String> {
        Self::answered(self.http.post(format!("{}{path}", self.address)).bearer_auth(&self.token).json(body)).await
    }

    async fn answered(request: reqwest::RequestBuilder) -> Result<Reply, String> {
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|error| format!("{error:?}"))?;
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} `{text}`: {error}"));
        Ok(Reply { status, body })
    }

    /// Votes on what is shown now.
    pub async fn vote(&self, decision: &str, approve: bool, reason: Option<&str>) -> Reply {
        let shown = self.get(&format!("/api/decisions/{decision}")).await.ok();
        self.vote_on(decision, &shown["proposal"]["action_digest"], approve, reason).await
    }

    /// Votes on a digest.
    pub async fn vote_on(&self, decision: &str, digest: &Json, approve: bool, reason: Option<&str>) -> Reply {
        let body = json!({ "action_digest": digest, "approve": approve, "reason": reason });
        self.post(&format!("/api/decisions/{decision}/vote"), &body).await
    }

    /// Approves what is shown now.
    pub async fn approve(&self, decision: &str) -> Json {
        self.vote(decision, true, None).await.ok()
    }

    /// The decisions that this person sees.
    pub async fn decisions(&self, show: &str) -> Vec<Json> {
        let found = self.get(&format!("/api/decisions?show={show}")).await.ok();
        found["decisions"].as_array().expect("a list of decisions").clone()
    }
}

impl Reply {
    /// The body of a success.
    pub fn ok(self) -> Json {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.body);
        self.body
    }

    /// The message of a refusal with this status and code. A refusal has this form, whatever was asked.
    pub fn refused(self, status: u16, code: &str) -> String {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        let message = self.body["message"].as_str().expect("a message");
        assert!(!message.is_empty());
        message.to_owned()
    }
}
