//! The tools, as the fixture describes them.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

/// Tools that take no arguments, with what they do.
const PLAIN: [(&str, &str); 27] = [
    ("test_simple_text", "Answers with a text"),
    ("test_image_content", "Answers with an image"),
    ("test_audio_content", "Answers with a sound"),
    ("test_embedded_resource", "Answers with a resource"),
    ("test_multiple_content_types", "Answers with a text, an image and a resource"),
    ("test_error_handling", "Always fails"),
    ("test_tool_with_logging", "Logs three lines while it runs"),
    ("test_logging_tool", "Logs one line, where the caller wants to know"),
    ("test_tool_with_progress", "Tells how far it is, three times"),
    ("test_reconnection", "Takes a moment, in which the caller may connect anew"),
    ("test_trigger_tool_change", "Says that the list of tools has changed"),
    ("test_trigger_prompt_change", "Says that the list of prompts has changed"),
    ("test_missing_capability", "Runs for clients alone whose model can be asked"),
    ("test_elicitation_sep1034_defaults", "Asks for values that all have defaults"),
    ("test_elicitation_sep1330_enums", "Asks for choices of every form"),
    ("test_streaming_elicitation", "Asks for a value before it goes on"),
    ("test_input_required_result_elicitation", "Asks for a name before it goes on"),
    ("test_input_required_result_sampling", "Asks the caller's model before it goes on"),
    ("test_input_required_result_list_roots", "Asks for the caller's folders before it goes on"),
    ("test_input_required_result_multiple_inputs", "Asks three things at once before it goes on"),
    ("test_input_required_result_request_state", "Goes on only with the state that it gave"),
    ("test_input_required_result_tampered_state", "Refuses a state that it did not give"),
    ("test_input_required_result_multi_round", "Asks twice, one thing after another"),
    ("test_input_required_result_capabilities", "Asks for what the caller says that it can answer"),
    ("failing_job", "Becomes a task, which fails"),
    ("protocol_error_job", "Becomes a task, which breaks off"),
    ("multi_input", "Becomes a task that asks two things at once"),
];

/// All of them.
pub(crate) fn tools() -> Vec<Tool> {
    let plain = PLAIN.into_iter().map(|(name, description)| (name, description, json!({ "type": "object" })));
    let tools = plain.chain(with_arguments());
    tools.map(|(name, description, schema)| Tool::new(name, description, Arc::new(object(schema)))).collect()
}

fn with_arguments() -> [(&'static str, &'static str, Value); 8] {
    let one = |name: &str, kind: &str| {
        let mut properties = JsonObject::new();
        properties.insert(name.to_owned(), json!({ "type": kind }));
        json!({ "type": "object", "properties": properties, "required": [name] })
    };
    let header = json!({
        "type": "object",
        "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
        "required": ["value"]
    });
    let compute = json!({
        "type": "object",
        "properties": { "seconds": { "type": "number", "minimum": 0 }, "label": { "type": "string" } }
    });
    let delete = json!({ "type": "object", "properties": { "filename": { "type": "string" } } });
    [
        ("test_sampling", "Asks the caller's model", one("prompt", "string")),
        ("test_elicitation", "Asks whoever uses the caller", one("message", "string")),
        ("test_custom_header", "Repeats a value that is sent in a header as well", header),
        ("json_schema_2020_12_tool", "Has a schema with much of JSON Schema 2020-12 in it", much_schema()),
        ("greet", "Greets, at once", one("name", "string")),
        ("slow_compute", "Becomes a task that takes as long as it is told", compute),
        ("confirm_delete", "Becomes a task that asks whether it may", delete),
        ("test_tool_with_task", "Asks for a name, then becomes a task", json!({ "type": "object" })),
    ]
}

/// What the suite looks for in a schema that is passed on unharmed: a dialect, an anchored definition, compositions and
/// a condition.
fn much_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } }
            }
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" }
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false
    })
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_tool_has_a_name_of_its_own_and_takes_an_object() {
        let tools = tools();
        let names: BTreeSet<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(names.len(), tools.len());
        for tool in &tools {
            assert_eq!(tool.input_schema["type"], "object", "{}", tool.name);
        }
    }
}
