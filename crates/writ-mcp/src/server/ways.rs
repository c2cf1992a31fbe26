//! Which way a request goes: into a session, or by itself.

use http::request::Parts;
use http::{HeaderMap, Method};
use rmcp::model::ProtocolVersion;

use super::message::Message;

pub(super) const SESSION_HEADER: &str = "mcp-session-id";
pub(super) const REVISION_HEADER: &str = "mcp-protocol-version";

/// Which way a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By itself.
    Alone,
    /// It opens a session.
    Handshake,
    /// Into the session that it names.
    Session,
}

impl Way {
    /// The way of a request with this message, where it has one.
    pub(super) fn of(parts: &Parts, message: Option<&Message>) -> Self {
        let names_session = parts.headers.contains_key(SESSION_HEADER);
        match message {
            Some(message) if parts.method == Method::POST && message.is_handshake() => Self::Handshake,
            message if names_session && !is_current(&parts.headers, message) => Self::Session,
            _ => Self::Alone,
        }
    }
}

/// Whether a request is of revision 2026-07-28 or a later one. Revisions are dates, which are ordered as they are
/// written.
pub(super) fn is_current(headers: &HeaderMap, message: Option<&Message>) -> bool {
    let current = ProtocolVersion::V_2026_07_28;
    let header = headers.get(REVISION_HEADER).and_then(|value| value.to_str().ok());
    let named = [header, message.and_then(Message::revision)];
    named.into_iter().flatten().any(|revision| revision >= current.as_str())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;

    use super::*;

    fn parts(method: Method, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request.into_parts().0
    }

    fn message(text: &str) -> Message {
        Message::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_request_goes_into_a_session_only_before_the_current_revision() {
        let open = message(r#"{"id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#);
        let call = message(r#"{"id":1,"method":"tools/call","params":{"name":"a"}}"#);
        let current = message(
            r#"{"id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        let (session, old, new) =
            (("mcp-session-id", "s"), (REVISION_HEADER, "2025-11-25"), (REVISION_HEADER, "2026-07-28"));
        let post =
            |headers: &[(&'static str, &str)], message: &Message| Way::of(&parts(Method::POST, headers), Some(message));
        assert_eq!(post(&[], &open), Way::Handshake);
        assert_eq!(post(&[session], &open), Way::Handshake);
        assert_eq!(post(&[session, old], &call), Way::Session);
        assert_eq!(post(&[session], &call), Way::Session);
        assert_eq!(post(&[old], &call), Way::Alone);
        assert_eq!(post(&[session, new], &call), Way::Alone);
        assert_eq!(post(&[session], &current), Way::Alone);
        assert_eq!(Way::of(&parts(Method::GET, &[session]), None), Way::Session);
        assert_eq!(Way::of(&parts(Method::DELETE, &[]), None), Way::Alone);
    }
}
