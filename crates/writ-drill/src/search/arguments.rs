//! Arguments that a JSON Schema suggests: constants, examples and bounds first, something plain otherwise.

use serde_json::{Map, Value as Json, json};

/// The text in place of one about which the schema says nothing.
const PLAIN: &str = "drill";

/// Values for the required members of an object's schema. Whether they are permitted, the engine says.
pub(super) fn suggested(schema: &Map<String, Json>) -> Map<String, Json> {
    let required = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
    required.map(|name| (name.to_owned(), value(property(name).unwrap_or(&Json::Null)))).collect()
}

fn value(schema: &Json) -> Json {
    let first = |member: &str| schema.get(member).and_then(Json::as_array).and_then(|values| values.first());
    let told = schema.get("const").or(first("enum")).or(schema.get("default")).or(first("examples"));
    if let Some(told) = told {
        return told.clone();
    }
    match schema.get("type").and_then(Json::as_str) {
        Some("number" | "integer") => {
            let bound = schema.get("maximum").or(schema.get("minimum")).filter(|bound| bound.is_number());
            bound.cloned().unwrap_or(json!(1))
        }
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => Json::Object(schema.as_object().map(suggested).unwrap_or_default()),
        _ => json!(PLAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_schema_says_comes_first() {
        let schema = json!({
            "type": "object",
            "properties": {
                "to": { "type": "string", "const": "one@example.com" },
                "kind": { "enum": ["a", "b"] },
                "amount": { "type": "number", "maximum": 12.5 },
                "note": { "type": "string" },
                "place": { "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] },
                "more": { "type": "string" },
            },
            "required": ["to", "kind", "amount", "note", "place"],
        });
        let expected =
            json!({ "to": "one@example.com", "kind": "a", "amount": 12.5, "note": "drill", "place": { "n": 1 } });
        assert_eq!(Json::Object(suggested(schema.as_object().unwrap())), expected);
    }
}
