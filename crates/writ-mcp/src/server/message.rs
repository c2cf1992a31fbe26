//! One message's text, looked at before the protocol reads it.
//!
//! A name that stands twice in one object means one thing to whoever reads the first and another to whoever reads
//! the last, so such a message is refused, at any depth. So is a name by which the JSON library marks a text of its
//! own: it would be one value to whoever reads the message and another to whoever reads what was written of it. What
//! the text says is looked at only as far as is needed to see which way the request goes; whether it is a message at
//! all is for the protocol to say.

use std::fmt;

use axum::body::Bytes;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value as Json};

use crate::revision::REVISION_META;

/// How the names begin that the JSON library has for itself (`serde_json`, its feature `raw_value`).
const LIBRARY_PREFIX: &str = "$serde_json::private::";

/// The text of a message.
pub(super) struct Message(Json);

/// Why a text is no message to look at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not JSON, or nested deeper than 128 levels.
    NotJson,
    /// Some object in it can be read in two ways: it has a name twice, or one of the JSON library's own.
    Ambiguous,
}

impl Message {
    pub(super) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        match serde_json::from_slice(body) {
            Ok(Unambiguous(message)) => Ok(Self(message)),
            Err(error) if error.is_data() => Err(Unreadable::Ambiguous),
            Err(_) => Err(Unreadable::NotJson),
        }
    }

    /// Its members, where it is an object.
    pub(super) fn members(&self) -> Option<&Map<String, Json>> {
        self.0.as_object()
    }

    /// Its members, where it is an object.
    pub(super) fn into_members(self) -> Option<Map<String, Json>> {
        match self.0 {
            Json::Object(members) => Some(members),
            _ => None,
        }
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

/// A JSON value of which every reader has the same.
struct Unambiguous(Json);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Unambiguous;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Unambiguous, E> {
        Ok(Unambiguous(Json::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Unambiguous, E> {
        Ok(Unambiguous(Json::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Unambiguous, E> {
        Ok(Unambiguous(Json::from(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Unambiguous, E> {
        Ok(Unambiguous(Json::from(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Unambiguous, E> {
        Ok(Unambiguous(Json::from(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Unambiguous, E> {
        Ok(Unambiguous(Json::String(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unambiguous, A::Error> {
        let mut list = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Unambiguous(Json::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unambiguous, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if name.starts_with(LIBRARY_PREFIX) {
                return Err(A::Error::custom("a name is the library's own"));
            }
            let Entry::Vacant(place) = object.entry(name) else {
                return Err(A::Error::custom("a name stands twice"));
            };
            let Unambiguous(value) = members.next_value()?;
            place.insert(value);
        }
        Ok(Unambiguous(Json::Object(object)))
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
            assert_eq!(read(text).err(), Some(Unreadable::Ambiguous), "{text}");
        }
        assert!(read(r#"{"a":{"a":[{"a":1},{"a":2}]},"b":1.5,"c":null,"d":-1,"e":1e3,"f":true,"g":"a"}"#).is_ok());
    }

    #[test]
    fn a_name_that_only_the_library_reads_otherwise_is_refused_at_any_depth() {
        // The library may read this as {"a": 2}: hidden from whoever looks at the text, and with a name twice.
        let hidden = r#"{"params":{"arguments":[{"$serde_json::private::RawValue":"{\"a\":1,\"a\":2}"}]}}"#;
        let escaped = hidden.replace('$', "\\u0024");
        for text in [hidden, escaped.as_str()] {
            assert_eq!(read(text).err(), Some(Unreadable::Ambiguous), "{text}");
        }
        assert!(read(r#"{"$serde_json":1,"$":{"a":"$serde_json::private::RawValue"}}"#).is_ok());
    }

    #[test]
    fn what_was_looked_at_is_what_the_library_reads() {
        for text in [
            r#"{"b":1,"a":[{"z":null,"y":true},[],{}],"c":"\u00e9\n"}"#,
            "[0,-1,9223372036854775807,18446744073709551615,-9223372036854775808,1.5,1e3,1.0,0.1,-0,-0.0,1e-7]",
            "\"text\"",
            "18446744073709551616",
        ] {
            let expected: Json = serde_json::from_str(text).unwrap();
            let read = read(text).unwrap();
            assert_eq!(read.0, expected, "{text}");
            assert_eq!(read.0.to_string(), expected.to_string(), "{text}");
        }
        assert_eq!(read(r#"{"a":1}"#).unwrap().into_members().unwrap().len(), 1);
        assert!(read("[1]").unwrap().into_members().is_none() && read("[1]").unwrap().members().is_none());
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
