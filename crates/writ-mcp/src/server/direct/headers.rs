//! What the headers of a call must say for it to be answered directly.
//!
//! Each check accepts less than the protocol's library does: one value a header, no quality values, no origin. A
//! request that says the same in another way is not wrong, it goes the long way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use http::uri::Authority;

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
/// How a header's value begins and ends that could not stand there as it is (SEP-2243).
const ENCODED_PREFIX: &str = "=?base64?";
const ENCODED_SUFFIX: &str = "?=";

/// The hosts that a request may name.
#[derive(Debug)]
pub(in crate::server) struct Hosts(Vec<Host>);

#[derive(Debug)]
struct Host {
    /// In small letters, without the brackets of an IPv6 address.
    name: String,
    /// Any, where it has none.
    port: Option<u16>,
}

impl Hosts {
    /// The hosts of a list of `name` and `name:port`, read as the protocol's library reads it.
    pub(in crate::server) fn new(allowed: &[String]) -> Self {
        let allowed = allowed.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty());
        let hosts = allowed.map(|entry| match Authority::try_from(entry) {
            Ok(authority) => Host { name: bare(authority.host()).to_ascii_lowercase(), port: authority.port_u16() },
            Err(_) => Host { name: bare(entry).to_ascii_lowercase(), port: None },
        });
        Self(hosts.collect())
    }

    fn allow(&self, named: &str) -> bool {
        let Ok(authority) = Authority::try_from(named) else {
            return false;
        };
        let (name, port) = (bare(authority.host()), authority.port_u16());
        self.0.iter().any(|host| host.name.eq_ignore_ascii_case(name) && (host.port.is_none() || host.port == port))
    }
}

fn bare(host: &str) -> &str {
    host.trim_matches('[').trim_matches(']')
}

/// Whether a request comes in by a host that it may name, from no web page, with JSON, and takes both kinds of answer.
pub(super) fn are_plain(headers: &HeaderMap, hosts: &Hosts) -> bool {
    !headers.contains_key("origin")
        && only(headers, "host").is_some_and(|host| hosts.allow(host))
        && only(headers, "content-type").is_some_and(is_json)
        && only(headers, "accept").is_some_and(takes_both)
}

/// Whether the headers repeat what the body says, as revision 2026-07-28 wants it.
pub(super) fn repeat(headers: &HeaderMap, revision: &str, method: &str, tool: &str) -> bool {
    only(headers, "mcp-protocol-version") == Some(revision)
        && only(headers, "mcp-method") == Some(method)
        && only(headers, "mcp-name").is_some_and(|value| names(value, tool))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split_once(';').map_or(content_type, |(kind, _)| kind);
    kind.trim().eq_ignore_ascii_case(JSON)
}

fn takes_both(accept: &str) -> bool {
    // Parameters may weigh a kind down to nothing.
    if accept.contains([';', '"']) {
        return false;
    }
    let takes = |kind: &str| accept.split(',').any(|entry| entry.trim().eq_ignore_ascii_case(kind));
    takes(JSON) && takes(EVENT_STREAM)
}

fn names(value: &str, tool: &str) -> bool {
    match value.strip_prefix(ENCODED_PREFIX).and_then(|rest| rest.strip_suffix(ENCODED_SUFFIX)) {
        Some(encoded) => BASE64.decode(encoded).is_ok_and(|name| name == tool.as_bytes()),
        None => value == tool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_regard_to_case_and_with_its_port_where_it_has_one() {
        let hosts = ["localhost", "::1", "Writ.Example:8443", " "].map(str::to_owned);
        let hosts = Hosts::new(&hosts);
        for named in ["localhost", "LocalHost:9", "[::1]:8080", "writ.example:8443"] {
            assert!(hosts.allow(named), "{named}");
        }
        for named in ["", "localhost.evil", "evil", "writ.example", "writ.example:1", "localhost/x", "[::2]"] {
            assert!(!hosts.allow(named), "{named}");
        }
        assert!(!Hosts::new(&[]).allow("localhost"));
    }

    #[test]
    fn both_kinds_of_answer_must_be_taken_and_none_weighed_down() {
        for accept in [
            "application/json, text/event-stream",
            "TEXT/event-stream,application/json",
            "application/json,\ta/b,text/event-stream",
        ] {
            assert!(takes_both(accept), "{accept}");
        }
        for accept in [
            "application/json",
            "*/*",
            "application/json, text/event-stream;q=0",
            "application/jsonx, text/event-stream",
        ] {
            assert!(!takes_both(accept), "{accept}");
        }
    }

    #[test]
    fn a_name_stands_in_its_header_as_it_is_or_encoded() {
        assert!(names("pay", "pay") && names("=?base64?cGF5?=", "pay"));
        for value in ["", "Pay", "=?base64?cGF5", "=?base64?cGF5IA==?=", "=?base64?*?=", "=?base64??="] {
            assert!(!names(value, "pay"), "{value}");
        }
    }

    #[test]
    fn a_header_that_is_there_twice_says_nothing() {
        let mut headers = HeaderMap::new();
        assert_eq!(only(&headers, "mcp-method"), None);
        headers.append("mcp-method", "tools/call".parse().unwrap());
        assert_eq!(only(&headers, "mcp-method"), Some("tools/call"));
        headers.append("mcp-method", "tools/call".parse().unwrap());
        assert_eq!(only(&headers, "mcp-method"), None);
    }
}
