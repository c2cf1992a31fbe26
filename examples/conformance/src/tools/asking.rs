//! Tools that ask something while they run, in whichever way the call's revision has.

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, InputResponses};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::{argument, failed, text, unknown};
use crate::questions::{self, Asked, answer, ask, elicit_one, elicitation, said, sampling};

/// The key of the one question that each tool asks.
const QUESTION: &str = "question";

pub(super) async fn call(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let question = match request.name.as_ref() {
        "test_sampling" => sampling(argument(request, "prompt"))?,
        "test_elicitation" => elicitation(argument(request, "message"), &about_a_person())?,
        "test_elicitation_sep1034_defaults" => elicitation("Please confirm what is filled in", &with_defaults())?,
        "test_elicitation_sep1330_enums" => elicitation("Please choose", &with_choices())?,
        "test_streaming_elicitation" => elicit_one("Please give a value", "value", "string")?,
        "test_missing_capability" => return needs_sampling(context).map(Into::into),
        _ => return Err(unknown(request)),
    };
    let given = request.input_responses.as_ref();
    Ok(match ask(context, given, questions::questions([(QUESTION, question)])).await {
        Ok(Asked::Open(open)) => open.into(),
        Ok(Asked::Answered(answers)) if request.name == "test_sampling" => {
            text(format!("LLM response: {}", said(&answers, QUESTION, "/content/text"))).into()
        }
        Ok(Asked::Answered(answers)) => text(told(&answers)).into(),
        // A client that cannot be asked is something that the caller should read of.
        Err(error) => failed(error.message).into(),
    })
}

fn told(answers: &InputResponses) -> String {
    let content = answer(answers, QUESTION).and_then(|answer| answer.get("content")).unwrap_or(&Value::Null);
    format!("User response: action={}, content={content}", said(answers, QUESTION, "/action"))
}

/// Goes on only where the client's model can be asked. It is not asked.
fn needs_sampling(context: &RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
    let declared = context.client_capabilities().is_some_and(|declared| declared.sampling.is_some());
    if declared {
        return Ok(text("The client's model can be asked"));
    }
    Err(ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_sampling().build()))
}

fn about_a_person() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": { "type": "string", "description": "The user's name" },
            "email": { "type": "string", "description": "The user's email address" }
        },
        "required": ["username", "email"]
    })
}

/// A value of every simple type with a default (SEP-1034).
fn with_defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "description": "The user's name", "default": "John Doe" },
            "age": { "type": "integer", "description": "The user's age", "default": 30 },
            "score": { "type": "number", "description": "The user's score", "default": 95.5 },
            "status": {
                "type": "string",
                "description": "The user's status",
                "enum": ["active", "inactive", "pending"],
                "default": "active"
            },
            "verified": { "type": "boolean", "description": "Whether the user is verified", "default": true }
        },
        "required": []
    })
}

/// A choice in each of the five forms (SEP-1330).
fn with_choices() -> Value {
    let titled = |first: &str, second: &str, third: &str| {
        json!([
            { "const": "value1", "title": first },
            { "const": "value2", "title": second },
            { "const": "value3", "title": third }
        ])
    };
    let plain = json!(["option1", "option2", "option3"]);
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": plain },
            "titledSingle": { "type": "string", "oneOf": titled("First Option", "Second Option", "Third Option") },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"]
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
            "titledMulti": {
                "type": "array",
                "items": { "anyOf": titled("First Choice", "Second Choice", "Third Choice") }
            }
        },
        "required": []
    })
}
