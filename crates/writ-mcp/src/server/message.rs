//! One message's text, looked at before the protocol reads it.
//!
//! A name that stands twice in one object means one thing to whoever reads the first and another to whoever reads
//! the last, so such a message is refused, at any depth. What the text says is looked at only as far as is needed to
//! see which way the request goes; whether it is a message at all is for the protocol to say.

use std::collections::HashSet;
use std::fmt;

use axum::body::Bytes;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

/// Where a request names its revision (2026-07-28, `_meta` of a request).
const REVISION_META: &str = "io.modelcontextprotocol/protocolVersion";

/// The text of a message.
pub(super) struct Message(Json);

/// Why a text is no message to look at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not JSON, or nested deeper than 128 levels.
    NotJson,
    /// Some object in it has a name twice.
    RepeatedName,
}

impl Message {
    pub(super) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice::<Unrepeated>(body)
            .map_err(|error| if error.is_data() { Unreadable::RepeatedName } else { Unreadable::NotJson })?;
        serde_json::from_slice(body).map(Self).map_err(|_| Unreadable::NotJson)
    }

    pub(super) fn method(&self) -> Option<&str> {
        self.0.get("method").and_then(Json::as_str)
    }

    /// Whether it wants an answer.
    pub(super) fn is_request(&self) -> bool {
        self.method().is_some() && self.0.get("id").is_some()
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&Json> {
        self.0.get("params").and_then(|parameters| parameters.get(name))
    }

    /// The revision that the request names for itself.
    pub(super) fn revision(&self) -> Option<&str> {
        self.parameter("_meta").and_then(|meta| meta.get(REVISION_META)).and_then(Json::as_str)
    }

    /// Whether it opens a session, as the revisions before 2026-07-28 do.
    pub(super) fn is_handshake(&self) -> bool {
        self.method() == Some("initialize")
            && self.parameter("protocolVersion").is_some_and(Json::is_string)
            && self.revision().is_none()
    }

    /// The same message by another method.
    pub(super) fn renamed(mut self, method: &str) -> Bytes {
        if let Json::Object(message) = &mut self.0 {
            message.insert("method".to_owned(), Json::String(method.to_owned()));
        }
        Bytes::from(self.0.to_string())
    }
}

/// A JSON text without repeated names. Only the check is kept of it.
struct Unrepeated;

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Unrepeated;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unrepeated, A::Error> {
        while items.next_element::<Unrepeated>()?.is_some() {}
        Ok(Unrepeated)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unrepeated, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a name stands twice"));
            }
            members.next_value::<Unrepeated>()?;
        }
        Ok(Unrepeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Message, Unreadable> {
        Message::read(text.as_bytes())
    }

    fn handshake(parameters: &str) -> bool {
        read(&format!(r#"{{"id":1,"method":"initialize","params":{parameters}}}"#)).is_ok_and(|m| m.is_handshake())
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"method":"ping","method":"tools/call"}"#,
            r#"{"params":{"arguments":{"list":[{"a":1,"b":{"c":1,"c":2}}]}}}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert_eq!(read(text).err(), Some(Unreadable::RepeatedName), "{text}");
        }
        assert!(read(r#"{"a":{"a":[{"a":1},{"a":2}]},"b":1.5,"c":null,"d":-1,"e":1e3,"f":true,"g":"a"}"#).is_ok());
    }

    #[test]
    fn what_is_no_json_or_nested_too_deep_is_told_apart_from_that() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for text in ["", "{", r#"{"a":1} {"a":1}"#, "{'a':1}", deep.as_str()] {
            assert_eq!(read(text).err(), Some(Unreadable::NotJson), "{text}");
        }
    }

    #[test]
    fn a_handshake_names_a_revision_as_a_parameter_and_in_no_other_place() {
        assert!(handshake(r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#));
        assert!(!handshake("{}"));
        assert!(!handshake(r#"{"protocolVersion":5}"#));
        let current = format!(r#"{{"protocolVersion":"2026-07-28","_meta":{{"{REVISION_META}":"2026-07-28"}}}}"#);
        assert!(!handshake(&current));
    }

    #[test]
    fn another_method_leaves_the_rest_as_it_is() {
        let message = read(r#"{"jsonrpc":"2.0","id":"x","method":"tools/list","params":{"a":[1.0,2]}}"#).unwrap();
        assert!(message.is_request());
        let renamed = message.renamed("other");
        assert_eq!(renamed, r#"{"jsonrpc":"2.0","id":"x","method":"other","params":{"a":[1.0,2]}}"#.as_bytes());
    }
}
