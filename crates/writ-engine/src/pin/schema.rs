//! A server's schema as it may be shown to a worker: what a model reads is what a person can see.
//!
//! Only words about values are made visible (titles, descriptions, comments). Names and values stay as they are, since
//! they decide which arguments fit.

use serde_json::{Map, Value as Json};
use writ_core::visible::visible;

/// Members whose text is about values.
const WORDS: [&str; 3] = ["title", "description", "$comment"];
/// Members that hold values as they are.
const VALUES: [&str; 5] = ["const", "default", "enum", "example", "examples"];
/// Members that hold schemas by names of the author's.
const NAMED: [&str; 5] = ["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"];
/// How deep a schema is gone into. What is deeper is left out.
const DEPTH_MAX: usize = 128;

/// The schema with every title, description and comment made visible.
#[must_use]
pub fn visible_schema(schema: &Map<String, Json>) -> Map<String, Json> {
    of_object(schema, 0)
}

fn of_object(schema: &Map<String, Json>, depth: usize) -> Map<String, Json> {
    let below = depth.saturating_add(1);
    let members = schema.iter().map(|(name, value)| {
        let value = match value {
            Json::String(text) if WORDS.contains(&name.as_str()) => Json::String(visible(text)),
            value if VALUES.contains(&name.as_str()) => value.clone(),
            Json::Object(schemas) if NAMED.contains(&name.as_str()) => schemas
                .iter()
                .map(|(name, schema)| (name.clone(), of_value(schema, below)))
                .collect::<Map<_, _>>()
                .into(),
            value => of_value(value, below),
        };
        (name.clone(), value)
    });
    members.collect()
}

fn of_value(value: &Json, depth: usize) -> Json {
    match value {
        Json::Object(_) | Json::Array(_) if depth > DEPTH_MAX => Json::Object(Map::new()),
        Json::Object(schema) => Json::Object(of_object(schema, depth)),
        Json::Array(items) => items.iter().map(|item| of_value(item, depth.saturating_add(1))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_made_visible_and_values_are_left_alone() {
        let hidden = "a\u{200b}";
        let schema = |words: &str| {
            json!({
                "type": "object",
                "description": words,
                "properties": {
                    "default": { "title": words, "const": { "description": hidden } },
                    "description": { "enum": [hidden], "items": { "anyOf": [{ "$comment": words }] } },
                },
                "required": [hidden],
            })
        };
        let shown = visible_schema(schema(hidden).as_object().unwrap());
        assert_eq!(Json::Object(shown), schema("a\\u{200b}"));
    }
}
