//! The HTTP clients with which this crate reaches others, and what their failures mean.
//!
//! Nothing is retried or redirected. Where it matters that a failure to connect proves that nothing was sent, one
//! message is one request on a connection of its own ([`http_client`]); where a lost message harms nobody,
//! connections are kept and used again ([`pooled_http_client`]). No proxy is taken from the environment, because
//! Writ opens no connection that its configuration does not name. What is said of a failure holds no address and no
//! header, since either may carry a credential.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;
use rmcp::transport::streamable_http_client::StreamableHttpError;

use crate::lanes::NotConnected;

/// How long opening a connection may take.
pub(crate) const CONNECT_SECONDS_MAX: u64 = 10;
/// How many connections to one host are kept for later.
pub(crate) const IDLE_CONNECTIONS_MAX: usize = 64;
/// How long a connection is kept: less than common servers keep theirs, so that ours is the end that closes.
pub(crate) const IDLE_SECONDS_MAX: u64 = 4;
/// The longest text of others that is put into a message of ours.
const QUOTED_BYTES_MAX: usize = 500;

/// A failure of the HTTP transport.
pub(crate) type HttpError = StreamableHttpError<reqwest::Error>;

/// A client without proxies, redirects, retries and kept connections.
pub(crate) fn http_client() -> Result<reqwest::Client, String> {
    built(|| plain().pool_max_idle_per_host(0))
}

/// As [`http_client`], with names looked up by this.
pub(crate) fn http_client_with<R: Resolve + 'static>(names: &Arc<R>) -> Result<reqwest::Client, String> {
    built(|| plain().pool_max_idle_per_host(0).dns_resolver(Arc::clone(names)))
}

/// A client without proxies, redirects and retries that keeps connections for a few seconds.
pub(crate) fn pooled_http_client() -> Result<reqwest::Client, String> {
    let idle = Duration::from_secs(IDLE_SECONDS_MAX);
    built(|| plain().pool_max_idle_per_host(IDLE_CONNECTIONS_MAX).pool_idle_timeout(idle))
}

fn plain() -> ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
}

fn built(builder: impl Fn() -> ClientBuilder) -> Result<reqwest::Client, String> {
    match builder().build() {
        Ok(client) => Ok(client),
        // A host without certificates of its own trusts nobody: HTTPS fails there, and HTTP works.
        Err(_) => builder()
            .tls_certs_only(Vec::new())
            .build()
            .map_err(|error| format!("no HTTP client can be made: {}", innermost(&error))),
    }
}

/// Whether a request certainly did not leave.
pub(crate) fn did_not_leave(error: &HttpError) -> bool {
    match error {
        StreamableHttpError::Client(error) => error.is_connect() || error.is_builder(),
        StreamableHttpError::Io(error) => did_not_leave_by(error),
        // Without a credential nothing is sent, and what was answered with 401 before was not carried out.
        StreamableHttpError::Auth(_) | StreamableHttpError::ReservedHeaderConflict(_) => true,
        _ => false,
    }
}

fn did_not_leave_by(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<NotConnected>())
}

/// What happened, in words that hold no credential.
pub(crate) fn http_reason(error: &HttpError) -> String {
    match error {
        StreamableHttpError::Client(error) if error.is_connect() => {
            format!("cannot connect: {}", innermost(error))
        }
        StreamableHttpError::Client(error) => format!("the request failed: {}", innermost(error)),
        StreamableHttpError::Io(error) if did_not_leave_by(error) => quoted(&error.to_string()),
        StreamableHttpError::Io(error) => format!("the request failed: {}", quoted(&error.to_string())),
        StreamableHttpError::Auth(error) => quoted(&error.to_string()),
        StreamableHttpError::AuthRequired(_) => "the credential was not accepted".to_owned(),
        StreamableHttpError::InsufficientScope(_) => "the credential does not reach that far".to_owned(),
        StreamableHttpError::HttpStatus(status) => {
            format!("the server answered with HTTP status {}", status.status)
        }
        StreamableHttpError::SessionExpired => "the server has forgotten the session".to_owned(),
        StreamableHttpError::ResponseBodyTooLarge { max_size } => {
            format!("the answer is larger than {max_size} bytes")
        }
        StreamableHttpError::UnexpectedServerResponse(text) => {
            format!("the server answered: {}", quoted(text))
        }
        StreamableHttpError::TransportChannelClosed => "the connection is closed".to_owned(),
        other => quoted(&other.to_string()),
    }
}

/// The text of the first cause. The outer ones repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time" } else { "no cause is known" }.to_owned();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = quoted(&next.to_string());
        cause = next.source();
    }
    text
}

/// A text of somebody else's, cut to a length that a message can carry.
pub(crate) fn quoted(text: &str) -> String {
    if text.len() <= QUOTED_BYTES_MAX {
        return text.to_owned();
    }
    let cut = text.get(..text.floor_char_boundary(QUOTED_BYTES_MAX)).unwrap_or_default();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::{QUOTED_BYTES_MAX, http_client, pooled_http_client, quoted};

    #[tokio::test]
    async fn an_address_with_tls_is_tried_and_not_given_up_for_want_of_cryptography() {
        for client in [http_client().unwrap(), pooled_http_client().unwrap()] {
            let address = crate::testing::unused_url().await.replace("http://", "https://");
            let error = client.get(address).send().await.unwrap_err();
            assert!(error.is_connect(), "{error:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(quoted("short"), "short");
        let long = "é".repeat(QUOTED_BYTES_MAX);
        let cut = quoted(&long);
        assert!(cut.len() <= QUOTED_BYTES_MAX + '…'.len_utf8());
        assert!(cut.ends_with('…'));
    }
}
