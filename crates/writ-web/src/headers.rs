//! What every request must say and every answer carries, whatever the handler did.
//!
//! The outermost layer: it turns away requests that name another host, hands each page a fresh nonce, writes
//! problems, and sets the headers by which a browser lets nothing act that is not this console's own. It knows
//! no route.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use writ_core::code::Code;

use crate::App;
use crate::problem::{self, Asked, Failure};

/// The word by which a page's own script tag proves itself; fresh for every answer.
#[derive(Debug, Clone)]
pub(crate) struct Nonce(pub(crate) String);

impl Nonce {
    fn fresh() -> Self {
        let mut bytes = [0; 16];
        // Without randomness there is no nonce; the page's script is still allowed as this server's own.
        let filled = getrandom::fill(&mut bytes).is_ok();
        Self(if filled { bytes.iter().map(|byte| format!("{byte:02x}")).collect() } else { String::new() })
    }
}

/// The layer around everything.
pub(crate) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let asked = Asked {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(ToOwned::to_owned),
    };
    let nonce = Nonce::fresh();
    request.extensions_mut().insert(nonce.clone());
    let known = named_host(&request).and_then(|host| known_host(&app, host));
    let response = match known {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    };
    let mut response = problem::written(response, &asked);
    protect(response.headers_mut(), &nonce, app.config.secure_cookies);
    response
}

/// The host that a request names. One that names none, or two different ones, is not understood.
fn named_host(request: &Request) -> Result<&str, Failure> {
    let confused = || Failure::new(Code::BadArguments, "the request names no host, or several");
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = hosts.next().map(HeaderValue::to_str).transpose().map_err(|_| confused())?;
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    match (named, hosts.next(), target) {
        (Some(host), None, None) | (None, None, Some(host)) => Ok(host),
        (Some(host), None, Some(target)) if host.eq_ignore_ascii_case(target) => Ok(host),
        _ => Err(confused()),
    }
}

fn known_host(app: &App, host: &str) -> Result<(), Failure> {
    let own = own_host(&app.config.base_url);
    let mut allowed = app.config.allowed_hosts.iter().map(String::as_str).chain(own.as_deref());
    if allowed.any(|allowed| allows(allowed, host)) {
        Ok(())
    } else {
        Err(Failure::with_status(
            StatusCode::MISDIRECTED_REQUEST,
            Code::BadArguments,
            "this server does not answer for that host; whoever runs it can allow the host",
        ))
    }
}

/// The host and port of the address under which people reach the console.
pub(crate) fn own_host(base_url: &str) -> Option<String> {
    base_url.parse::<Uri>().ok()?.authority().map(|authority| authority.as_str().to_owned())
}

/// Whether an allowed host covers a named one. Without a port it covers every port.
fn allows(allowed: &str, host: &str) -> bool {
    let any_port = without_port(allowed) == allowed;
    allowed.eq_ignore_ascii_case(if any_port { without_port(host) } else { host })
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Sets the headers by which a browser protects the reader.
fn protect(headers: &mut HeaderMap, nonce: &Nonce, secure: bool) {
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = content_policy(&nonce.0);
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'")),
    );
    let kept = headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes().ends_with(b"immutable"));
    if !kept {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// What a page may load and do. Nothing inline, nothing from elsewhere, no frame around it.
fn content_policy(nonce: &str) -> String {
    let nonce = if nonce.is_empty() { String::new() } else { format!(" 'nonce-{nonce}'") };
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'{nonce}; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::{Nonce, allows, content_policy, own_host};

    #[test]
    fn only_allowed_hosts_are_answered() {
        let cases = [
            ("localhost", "localhost", true),
            ("localhost", "LOCALHOST:8080", true),
            ("localhost", "localhost.evil.example", false),
            ("localhost", "evil.example", false),
            ("127.0.0.1:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "127.0.0.1:9090", false),
            ("127.0.0.1:8080", "127.0.0.1", false),
            ("[::1]", "[::1]:8080", true),
            ("[::1]:8080", "[::1]:8080", true),
            ("writ.example.org", "writ.example.org:443", true),
        ];
        for (allowed, host, answer) in cases {
            assert_eq!(allows(allowed, host), answer, "{allowed} and {host}");
        }
        assert_eq!(own_host("https://writ.example.org").as_deref(), Some("writ.example.org"));
        assert_eq!(own_host("http://127.0.0.1:8080/").as_deref(), Some("127.0.0.1:8080"));
    }

    #[test]
    fn nonces_are_fresh() {
        let (one, other) = (Nonce::fresh().0, Nonce::fresh().0);
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }

    #[test]
    fn the_policy_allows_nothing_inline() {
        let policy = content_policy("0123");
        assert!(policy.starts_with("default-src 'none'; "));
        assert!(policy.contains("script-src 'self' 'nonce-0123'; "));
        assert!(!policy.contains("unsafe"));
        assert!(content_policy("").contains("script-src 'self'; "));
    }
}
