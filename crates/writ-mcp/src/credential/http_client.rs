//! The HTTP of OAuth: every request to an authorization server goes through here.
//!
//! Each operation is bounded in time and in size. Redirects to other hosts are not followed; the library follows those
//! of discovery within one origin itself. HTTPS is required, but for hosts that the operator has named with plain HTTP
//! and for this machine, where the integration is on this machine too: what an integration's metadata say must not
//! lead anywhere else. A literal address of a link's own (such as a cloud's metadata service) is refused always.

use std::fmt;
use std::time::Duration;

use futures::StreamExt as _;
use http::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, Response};
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRequest};
use url::{Host, Url};

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
    /// The addresses that the operator has named.
    named: Vec<Url>,
}

/// Why there is no answer. Holds no address and nothing of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HttpTrouble {
    /// The address may not be asked.
    Forbidden,
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
    pub(super) fn new(http: reqwest::Client, named: Vec<Url>) -> Self {
        Self { http, named }
    }

    /// Whether an address may be asked, or a person be sent there.
    pub(super) fn permits(&self, url: &Url) -> bool {
        if url.host().is_none_or(|host| is_link_local(&host)) {
            return false;
        }
        match url.scheme() {
            "https" => true,
            "http" => self.named.iter().any(|named| {
                let same = named.scheme() == "http" && named.host() == url.host();
                same || (is_loopback(named) && is_loopback(url))
            }),
            _ => false,
        }
    }

    /// Asks.
    pub(super) async fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpTrouble> {
        let limit = Duration::from_secs(OPERATION_SECONDS_MAX);
        tokio::time::timeout(limit, self.exchange(request)).await.unwrap_or(Err(HttpTrouble::Slow))
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpTrouble> {
        let request = reqwest::Request::try_from(request).map_err(|_| HttpTrouble::Forbidden)?;
        if !self.permits(request.url()) {
            return Err(HttpTrouble::Forbidden);
        }
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
        if !self.permits(resource) {
            return None;
        }
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

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_link_local(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(_) => false,
        Host::Ipv4(address) => address.is_link_local() || address.is_unspecified(),
        Host::Ipv6(address) => {
            let mapped = address.to_ipv4_mapped();
            address.is_unicast_link_local()
                || address.is_unspecified()
                || mapped.is_some_and(|address| address.is_link_local() || address.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::OAuthHttp;
    use crate::outbound::http_client;

    fn permits(named: &str, url: &str) -> bool {
        let http = OAuthHttp::new(http_client().unwrap(), vec![Url::parse(named).unwrap()]);
        http.permits(&Url::parse(url).unwrap())
    }

    #[test]
    fn metadata_lead_nowhere_that_the_operator_has_not_opened() {
        let mail = "https://mail.example/mcp";
        assert!(permits(mail, "https://login.example/token"));
        assert!(permits("http://10.0.0.7/mcp", "http://10.0.0.7:8080/token"));
        assert!(permits("http://127.0.0.1:9000/mcp", "http://localhost:9001/token"));
        for url in [
            "http://login.example/token",
            "http://127.0.0.1/token",
            "http://mail.example/token",
            "https://169.254.169.254/latest",
            "https://[fe80::1]/x",
            "https://[::ffff:169.254.169.254]/x",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
        ] {
            assert!(!permits(mail, url), "{url}");
        }
        assert!(!permits("http://127.0.0.1:9000/mcp", "http://10.0.0.1/token"));
    }
}
