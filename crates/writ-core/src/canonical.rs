//! Canonical JSON (RFC 8785) of what has no need of its hard part.
//!
//! The hard part is numbers that are no small integers, which the library writes. Everything else is the same text with
//! its members in order, and every read's answer is written so, to be digested. A property test holds this writer to
//! the library.

use serde_json::{Map, Value as Json};

/// Whole numbers up to here are written as they are (RFC 8785, section 3.2.2.3, and ECMAScript's safe integers).
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The canonical text of an object, where it holds no number but small integers.
pub(crate) fn object(members: &Map<String, Json>) -> Option<String> {
    let mut text = String::with_capacity(256);
    write_object(members, &mut text)?;
    Some(text)
}

fn write(value: &Json, text: &mut String) -> Option<()> {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(true) => text.push_str("true"),
        Json::Bool(false) => text.push_str("false"),
        Json::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs))?;
            if magnitude > INTEGER_MAX {
                return None;
            }
            text.push_str(&number.to_string());
        }
        Json::String(value) => write_string(value, text),
        Json::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text)?;
            }
            text.push(']');
        }
        Json::Object(members) => write_object(members, text)?,
    }
    Some(())
}

/// Members are in the order of their names' UTF-16 code units (section 3.2.3).
fn write_object(members: &Map<String, Json>, text: &mut String) -> Option<()> {
    let mut sorted: Vec<(&String, &Json)> = members.iter().collect();
    sorted.sort_unstable_by(|(left, _), (right, _)| {
        if left.is_ascii() && right.is_ascii() {
            left.cmp(right)
        } else {
            left.encode_utf16().cmp(right.encode_utf16())
        }
    });
    text.push('{');
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        write_string(name, text);
        text.push(':');
        write(value, text)?;
    }
    text.push('}');
    Some(())
}

/// A string, with the escapes of section 3.2.2.2 and no others.
fn write_string(value: &str, text: &mut String) {
    text.push('"');
    let mut rest = value;
    while let Some(at) = rest.find(|character: char| character < ' ' || character == '"' || character == '\\') {
        let (plain, from) = rest.split_at(at);
        text.push_str(plain);
        let mut characters = from.chars();
        match characters.next() {
            Some('"') => text.push_str("\\\""),
            Some('\\') => text.push_str("\\\\"),
            Some('\u{8}') => text.push_str("\\b"),
            Some('\t') => text.push_str("\\t"),
            Some('\n') => text.push_str("\\n"),
            Some('\u{c}') => text.push_str("\\f"),
            Some('\r') => text.push_str("\\r"),
            Some(control) => text.push_str(&format!("\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = characters.as_str();
    }
    text.push_str(rest);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Json> {
        let text = prop_oneof![any::<String>(), "[\u{0}-\u{22}\\\\\u{7f}\u{e9}\u{fb33}\u{1f600}]{0,6}"];
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            (-(1_i64 << 54)..(1_i64 << 54)).prop_map(Json::from),
            any::<i16>().prop_map(Json::from),
            any::<f64>().prop_map(|number| json!(number)),
            text.clone().prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                prop::collection::vec((text.clone(), inner), 0..6)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn what_is_written_here_the_library_would_have_written(value in value()) {
            let members = Map::from_iter([("value".to_owned(), value)]);
            if let Some(text) = object(&members) {
                prop_assert_eq!(Ok(text), serde_json_canonicalizer::to_string(&members).map_err(|_| ()));
            }
        }
    }

    #[test]
    fn the_hard_part_is_left_to_the_library() {
        for number in [json!(0.5), json!(1.0), json!(9_007_199_254_740_992_u64), json!(-9_007_199_254_740_992_i64)] {
            assert_eq!(object(&Map::from_iter([("n".to_owned(), number.clone())])), None, "{number}");
        }
        let easy = json!({ "b": 9_007_199_254_740_991_u64, "a": [null, true, "\u{1}\u{2028}é"], "\u{1f600}": 1, "\u{fb33}": 2 });
        let text = "{\"a\":[null,true,\"\\u0001\u{2028}é\"],\"b\":9007199254740991,\"\u{1f600}\":1,\"\u{fb33}\":2}";
        assert_eq!(object(easy.as_object().unwrap()).as_deref(), Some(text));
    }
}
