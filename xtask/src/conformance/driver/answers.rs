//! What the worker answers when it is asked something: defaults where there are any, and otherwise the first thing that
//! the schema allows.

use serde_json::{Map, Value, json};

/// The answer to a question of a server's, in the protocol's own form. Nothing, where it is of no known kind.
pub(super) fn answer(method: &str, params: &Value) -> Option<Value> {
    match method {
        "elicitation/create" => Some(json!({ "action": "accept", "content": filled(params.get("requestedSchema")) })),
        "sampling/createMessage" => Some(json!({
            "role": "assistant",
            "content": { "type": "text", "text": "Paris" },
            "model": "none",
            "stopReason": "endTurn"
        })),
        "roots/list" => Some(json!({ "roots": [] })),
        _ => None,
    }
}

fn filled(schema: Option<&Value>) -> Map<String, Value> {
    let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let values = properties.into_iter().flatten().map(|(name, property)| (name.clone(), value(property)));
    values.collect()
}

fn value(property: &Value) -> Value {
    let first = |member: &str| property.get(member).and_then(Value::as_array).and_then(|list| list.first()).cloned();
    if let Some(value) = property.get("default").cloned().or_else(|| first("enum")) {
        return value;
    }
    if let Some(choice) = first("oneOf").or_else(|| first("anyOf")) {
        return choice.get("const").cloned().unwrap_or_default();
    }
    match property.get("type").and_then(Value::as_str) {
        Some("boolean") => Value::from(true),
        Some("integer" | "number") => Value::from(1),
        Some("array") => Value::Array(property.get("items").map(value).into_iter().collect()),
        _ => Value::from("something"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_come_first() {
        let schema = json!({ "properties": {
            "name": { "type": "string", "default": "John Doe" },
            "score": { "type": "number" },
            "status": { "type": "string", "enum": ["active", "inactive"] },
            "titled": { "type": "string", "oneOf": [{ "const": "value1", "title": "First" }] },
            "several": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] } },
            "confirmed": { "type": "boolean" }
        } });
        let answered = answer("elicitation/create", &json!({ "message": "", "requestedSchema": schema })).unwrap();
        let expected = json!({
            "name": "John Doe", "score": 1, "status": "active", "titled": "value1", "several": ["a"], "confirmed": true
        });
        assert_eq!(answered, json!({ "action": "accept", "content": expected }));
        assert_eq!(answer("something/else", &Value::Null), None);
    }
}
