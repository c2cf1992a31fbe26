//! Arguments that a tool's schema wants in headers as well (`x-mcp-header`, SEP-2243).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The headers of a call, by name.
pub(super) fn of(schema: &Value, arguments: &Value) -> Vec<(String, String)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let header = |(name, property): (&String, &Value)| {
        let header = property.get("x-mcp-header")?.as_str()?;
        Some((format!("Mcp-Param-{header}"), written(arguments.get(name)?)?))
    };
    properties.into_iter().flatten().filter_map(header).collect()
}

/// A value as a header carries it. Nothing for what is no simple value.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(encoded(text)),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text as it is, where a header can carry it unharmed.
fn encoded(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) && text.trim() == text;
    if is_plain && !text.starts_with("=?base64?") {
        return text.to_owned();
    }
    format!("=?base64?{}?=", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_marked_and_given_is_sent() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "urgent": { "type": "boolean", "x-mcp-header": "Urgent" },
            "absent": { "type": "string", "x-mcp-header": "Absent" },
            "padded": { "type": "string", "x-mcp-header": "Padded" },
            "query": { "type": "string" }
        } });
        let arguments = json!({ "region": "us west", "urgent": false, "padded": " x", "query": "all" });
        let mut headers = of(&schema, &arguments);
        headers.sort();
        let expected =
            [("Mcp-Param-Padded", "=?base64?IHg=?="), ("Mcp-Param-Region", "us west"), ("Mcp-Param-Urgent", "false")];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
