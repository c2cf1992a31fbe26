//! Requests that the protocol's library does not know in the form in which they come.
//!
//! Revision 2025-11-25 has tasks of its own and says in its list of tools which may become one; a client of 2026-07-28
//! may listen to tasks. The library has types for neither. Such a request is given another name on its way in, with
//! the true one beside it, so that the library treats it as any other: its revision and its headers are checked, it
//! is answered on its own stream and can be taken back. The other name means nothing where nothing stands beside it.

use http::HeaderMap;
use http::header::HeaderValue;
use serde_json::Value as Json;

use super::message::Message;

/// The name that such a request gets.
pub(super) const NAME: &str = "writ/renamed";
/// The header that repeats the method (2026-07-28).
const METHOD_HEADER: &str = "mcp-method";

/// What such a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renamed {
    OldListTools,
    OldCallAsTask,
    OldGetTask,
    OldTaskResult,
    OldListTasks,
    OldCancelTask,
    Listen,
}

/// What a request asks for, if it has to be renamed.
pub(super) fn find(message: &Message, is_current: bool) -> Option<Renamed> {
    if !message.is_request() {
        return None;
    }
    match (message.method()?, is_current) {
        ("subscriptions/listen", true) => Some(Renamed::Listen),
        ("tools/list", false) => Some(Renamed::OldListTools),
        ("tools/call", false) if message.parameter("task").is_some_and(Json::is_object) => Some(Renamed::OldCallAsTask),
        ("tasks/get", false) => Some(Renamed::OldGetTask),
        ("tasks/result", false) => Some(Renamed::OldTaskResult),
        ("tasks/list", false) => Some(Renamed::OldListTasks),
        ("tasks/cancel", false) => Some(Renamed::OldCancelTask),
        _ => None,
    }
}

/// Gives the header that repeats the method the other name too. Where it does not repeat the true one, exactly once,
/// nothing is changed and the answer is no: the library will then say what is wrong with it.
pub(super) fn rename_header(headers: &mut HeaderMap, method: &str) -> bool {
    let mut values = headers.get_all(METHOD_HEADER).iter();
    let repeats = values.next().is_some_and(|value| value == method) && values.next().is_none();
    if repeats {
        headers.insert(METHOD_HEADER, HeaderValue::from_static(NAME));
    }
    repeats
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, is_current: bool) -> Option<Renamed> {
        find(&Message::read(text.as_bytes()).unwrap(), is_current)
    }

    #[test]
    fn only_requests_in_a_form_of_their_revision_are_renamed() {
        let call = r#"{"id":1,"method":"tools/call","params":{"name":"a","task":{"ttl":1}}}"#;
        assert_eq!(found(call, false), Some(Renamed::OldCallAsTask));
        assert_eq!(found(call, true), None);
        assert_eq!(found(r#"{"id":1,"method":"tools/call","params":{"name":"a","task":null}}"#, false), None);
        assert_eq!(found(r#"{"id":1,"method":"tasks/get","params":{"taskId":"a"}}"#, false), Some(Renamed::OldGetTask));
        assert_eq!(found(r#"{"id":1,"method":"tasks/get","params":{"taskId":"a"}}"#, true), None);
        assert_eq!(found(r#"{"id":1,"method":"subscriptions/listen"}"#, true), Some(Renamed::Listen));
        assert_eq!(found(r#"{"method":"tools/list"}"#, false), None);
        assert_eq!(found(r#"{"id":1,"method":"writ/renamed"}"#, true), None);
    }

    #[test]
    fn a_header_is_renamed_where_it_repeats_the_method() {
        let mut headers = HeaderMap::new();
        assert!(!rename_header(&mut headers, "subscriptions/listen"));
        headers.insert(METHOD_HEADER, HeaderValue::from_static("subscriptions/listen"));
        assert!(rename_header(&mut headers, "subscriptions/listen"));
        assert_eq!(headers[METHOD_HEADER], NAME);
        assert!(!rename_header(&mut headers, "subscriptions/listen"));
        headers.insert(METHOD_HEADER, HeaderValue::from_static("subscriptions/listen"));
        headers.append(METHOD_HEADER, HeaderValue::from_static("subscriptions/listen"));
        assert!(!rename_header(&mut headers, "subscriptions/listen"));
    }
}
