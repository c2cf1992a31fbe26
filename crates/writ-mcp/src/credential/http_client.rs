//! The HTTP of OAuth: every request to an authorization server goes through here.
//!
//! Each operation is bounded in time and in size. Redirects to other hosts are not followed; the library follows those
//! of discovery within one origin itself. Where an operation may lead, [`super::reach`] says, before a name is looked
//! up and for the address that is connected to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use http::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, Response};
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRequest};
use url::Url;

use super::reach::{Lookup, Reach};
use crate::outbound::http_client_with;

/// How long one operation may take.
pub(super) const OPERATION_SECONDS_MAX: u64 = 10;
/// How large an answer may be.
pub(super) const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long a challenge may be.
pub(super) const CHALLENGE_BYTES_MAX: usize = 4096;

/// What is asked of an integration to learn its challenge: it changes nothing, and names no run and no person.
const PROBE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientInfo":{"name":"writ","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""},"io.modelcontextprotocol/clientCapabilities":{}}}}"#
);

/// The HTTP client of one integration's OAuth.
pub(super) struct OAuthHttp {
    http: reqwest::Client,
    reach: Arc<Reach>,
}

/// Why there is no answer. Holds no address and nothing of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HttpTrouble {
    /// The address may not be asked.
    Forbidden,
    /// The address is not one of the internet, and its host is none that the operator has named.
    Inside,
    /// No connection.
    Unreachable,
    /// The connection broke.
    Broken,
    /// Too slow.
    Slow,
    /// Too large.
    Large,
}

impl HttpTrouble {
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Forbidden => "its address is not one of HTTPS, or may not be asked",
            Self::Inside => "its address is in a private network, and its host is not that of `url` or `issuer`",
            Self::Unreachable => "it cannot be reached",
            Self::Broken => "the request failed",
            Self::Slow => "it did not answer in time",
            Self::Large => "its answer is too large",
        }
    }
}

impl fmt::Display for HttpTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for HttpTrouble {}

impl From<reqwest::Error> for HttpTrouble {
    fn from(error: reqwest::Error) -> Self {
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            if let Some(refused) = next.downcast_ref::<Self>() {
                return *refused;
            }
            cause = next.source();
        }
        if error.is_timeout() {
            Self::Slow
        } else if error.is_connect() {
            Self::Unreachable
        } else {
            Self::Broken
        }
    }
}

impl OAuthHttp {
    /// `named` are the addresses that the operator has named.
    pub(super) fn new(named: Vec<Url>) -> Result<Self, String> {
        let reach = Arc::new(Reach::new(named));
        Ok(Self { http: http_client_with(&Arc::new(Lookup(Arc::clone(&reach))))?, reach })
    }

    /// Whether an address may be asked, or a person be sent there, as far as can be told before its name is looked up.
    pub(super) fn check(&self, url: &Url) -> Result<(), HttpTrouble> {
        self.reach.check(url)
    }

    /// Asks.
    pub(super) async fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpTrouble> {
        let limit = Duration::from_secs(OPERATION_SECONDS_MAX);
        tokio::time::timeout(limit, self.exchange(request)).await.unwrap_or(Err(HttpTrouble::Slow))
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpTrouble> {
        let request = reqwest::Request::try_from(request).map_err(|_| HttpTrouble::Forbidden)?;
        self.check(request.url())?;
        let response = self.http.execute(request).await?;
        let mut answer = Response::new(Vec::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            if answer.body().len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                return Err(HttpTrouble::Large);
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// What the integration answers to somebody without a credential (`WWW-Authenticate`), if it says anything.
    pub(super) async fn challenge(&self, resource: &Url) -> Option<String> {
        self.check(resource).ok()?;
        let request = self
            .http
            .post(resource.clone())
            .header(ACCEPT, "application/json, text/event-stream")
            .header(CONTENT_TYPE, "application/json")
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "tools/list")
            .body(PROBE)
            .send();
        let response = tokio::time::timeout(Duration::from_secs(OPERATION_SECONDS_MAX), request).await.ok()?.ok()?;
        if response.status() != http::StatusCode::UNAUTHORIZED {
            return None;
        }
        let mut challenges =
            response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let bearer = challenges.find(|challenge| challenge.to_ascii_lowercase().contains("bearer"))?;
        (bearer.len() <= CHALLENGE_BYTES_MAX).then(|| bearer.to_owned())
    }
}

impl OAuthHttpClient for OAuthHttp {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        // No redirect is followed, whatever the policy that is asked for.
        let OAuthHttpRequest { request, .. } = request;
        Box::pin(async move { self.ask(request).await.map_err(|trouble| Box::new(trouble) as OAuthHttpClientError) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reqwest::dns::{Addrs, Name, Resolve, Resolving};

    use super::HttpTrouble;
    use crate::outbound::http_client_with;

    struct Refusing;

    impl Resolve for Refusing {
        fn resolve(&self, _name: Name) -> Resolving {
            let refused: Result<Addrs, Box<dyn std::error::Error + Send + Sync>> = Err(Box::new(HttpTrouble::Inside));
            Box::pin(std::future::ready(refused))
        }
    }

    #[tokio::test]
    async fn what_is_refused_at_the_look_up_is_told() {
        let client = http_client_with(&Arc::new(Refusing)).unwrap();
        let error = client.get("https://login.example/token").send().await.unwrap_err();
        assert_eq!(HttpTrouble::from(error), HttpTrouble::Inside);
    }
}
