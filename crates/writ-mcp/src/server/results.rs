//! Answers in the protocol's own form.
//!
//! What Writ says itself is structured content, and the same JSON as text for clients that only show text. What an
//! integration answered passes as it is. A call of a tool that is refused is a result that the worker can read; where
//! the protocol has no such results, a refusal is an error with Writ's own code in its data.

use rmcp::model::{CallToolResult, ErrorCode, ErrorData, JsonObject, ResultType};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_engine::view::WorkerAnswer;

/// Writ's own answer to a call of a tool.
pub(super) fn own(content: Json, is_error: bool) -> CallToolResult {
    if is_error { CallToolResult::structured_error(content) } else { CallToolResult::structured(content) }
}

/// A refusal as the answer to a call of a tool.
pub(super) fn refused(code: Code, message: &str) -> CallToolResult {
    own(json!({ "refused": { "code": code.name(), "message": message } }), true)
}

/// An integration's answer to a call of a tool.
///
/// # Errors
/// The integration's own error where it names something that the client itself must declare or mend.
pub(super) fn tool_result(message: JsonObject) -> Result<CallToolResult, ErrorData> {
    if let Some(error) = protocol_error(&message) {
        return match error.code {
            ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY | ErrorCode::INVALID_PARAMS => Err(error),
            _ => Ok(refused(Code::UpstreamError, &error.message)),
        };
    }
    let mut result: CallToolResult = typed(message)?;
    result.result_type = Some(ResultType::COMPLETE);
    Ok(result)
}

/// An integration's answer to something else than a call of a tool.
///
/// # Errors
/// What the integration answered, where that is an error; and a refusal, whose code `unknown` explains.
pub(super) fn other_result<T: DeserializeOwned>(
    answer: WorkerAnswer,
    unknown: impl FnOnce(String) -> ErrorData,
) -> Result<T, ErrorData> {
    match answer {
        WorkerAnswer::Passed(message) => match protocol_error(&message) {
            Some(error) => Err(error),
            None => typed(message),
        },
        WorkerAnswer::Own { content, .. } => match refusal_in(&content) {
            Some((code, message)) if code == Code::UnknownName.name() => Err(unknown(message.to_owned())),
            Some((code, message)) => Err(coded(code, message)),
            None => Err(misfit()),
        },
        WorkerAnswer::InputRequired(_) | WorkerAnswer::Task(_) => Err(misfit()),
    }
}

/// A refusal where the protocol knows errors only.
pub(super) fn error(refusal: &Refusal) -> ErrorData {
    coded(refusal.code.name(), &refusal.message)
}

/// The code and the message of a refusal that the engine has put into an answer.
pub(super) fn refusal_in(content: &Json) -> Option<(&str, &str)> {
    let refused = content.get("refused")?;
    Some((refused.get("code")?.as_str()?, refused.get("message")?.as_str()?))
}

/// An object of an integration's in the library's own type.
pub(super) fn typed<T: DeserializeOwned>(message: JsonObject) -> Result<T, ErrorData> {
    // What is wrong with it is not logged: it may quote the answer.
    serde_json::from_value(Json::Object(message)).map_err(|_| {
        tracing::warn!("an integration's answer is not what the protocol lets it answer");
        misfit()
    })
}

/// An error of the protocol that an integration answered with.
fn protocol_error(message: &JsonObject) -> Option<ErrorData> {
    let code = i32::try_from(message.get("code")?.as_i64()?).ok()?;
    let text = message.get("message")?.as_str()?.to_owned();
    Some(ErrorData::new(ErrorCode(code), text, message.get("data").cloned()))
}

fn coded(code: &str, message: &str) -> ErrorData {
    let is = |codes: &[Code]| codes.iter().any(|known| known.name() == code);
    let rpc_code = if is(&[Code::Internal, Code::StoreUnavailable, Code::PolicyMismatch]) {
        ErrorCode::INTERNAL_ERROR
    } else if is(&[Code::BadArguments, Code::MalformedMessage]) {
        ErrorCode::INVALID_PARAMS
    } else {
        ErrorCode::INVALID_REQUEST
    };
    ErrorData::new(rpc_code, message.to_owned(), Some(json!({ "code": code })))
}

fn misfit() -> ErrorData {
    ErrorData::internal_error(
        "the integration's answer does not fit the protocol",
        Some(json!({ "code": Code::UpstreamError.name() })),
    )
}

#[cfg(test)]
mod tests {
    use rmcp::model::{GetPromptResult, ReadResourceResult};

    use super::*;

    fn object(value: Json) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    fn unknown(message: String) -> ErrorData {
        ErrorData::resource_not_found(message, None)
    }

    #[test]
    fn a_refusal_is_a_result_that_can_be_read_twice() {
        let result = refused(Code::NotPermitted, "not in this mission");
        let content = json!({ "refused": { "code": "not_permitted", "message": "not in this mission" } });
        assert_eq!((result.is_error, result.structured_content.as_ref()), (Some(true), Some(&content)));
        let text = result.content[0].as_text().unwrap();
        assert_eq!(serde_json::from_str::<Json>(&text.text).unwrap(), content);
        assert_eq!(refusal_in(&content), Some(("not_permitted", "not in this mission")));
    }

    #[test]
    fn an_integrations_answer_passes_as_it_is() {
        let answer = json!({
            "content": [
                { "type": "image", "data": "AA==", "mimeType": "image/png" },
                { "type": "resource", "resource": { "uri": "test://a", "mimeType": "text/plain", "text": "t" } },
            ],
            "structuredContent": { "a": null },
            "isError": true,
            "_meta": { "theirs": 1 },
        });
        let mut result = serde_json::to_value(tool_result(object(answer.clone())).unwrap()).unwrap();
        assert_eq!(result.as_object_mut().unwrap().remove("resultType"), Some(json!("complete")));
        assert_eq!(result, answer);
    }

    #[test]
    fn an_integrations_error_is_a_result_where_the_client_cannot_mend_it() {
        let missing = json!({ "code": -32021, "message": "m", "data": { "requiredCapabilities": { "sampling": {} } } });
        let error = tool_result(object(missing.clone())).unwrap_err();
        assert_eq!(serde_json::to_value(error).unwrap(), missing);
        let result = tool_result(object(json!({ "code": -32603, "message": "broken" }))).unwrap();
        assert_eq!(result.is_error, Some(true));
        assert_eq!(result.structured_content.unwrap()["refused"]["message"], json!("broken"));
    }

    #[test]
    fn elsewhere_a_refusal_is_an_error_with_its_code() {
        let own = |code: &str| WorkerAnswer::Own {
            content: json!({ "refused": { "code": code, "message": "m" } }),
            is_error: true,
            waits_for: None,
        };
        let found: Result<ReadResourceResult, _> = other_result(own("unknown_name"), unknown);
        assert_eq!(found.unwrap_err().code, ErrorCode::RESOURCE_NOT_FOUND);
        for (code, rpc_code) in [
            ("result_withheld", ErrorCode::INVALID_REQUEST),
            ("bad_arguments", ErrorCode::INVALID_PARAMS),
            ("internal", ErrorCode::INTERNAL_ERROR),
        ] {
            let error = other_result::<GetPromptResult>(own(code), unknown).unwrap_err();
            assert_eq!((error.code, error.data), (rpc_code, Some(json!({ "code": code }))));
        }
        let passed = WorkerAnswer::Passed(object(json!({ "code": -32002, "message": "gone" })));
        let error = other_result::<ReadResourceResult>(passed, unknown).unwrap_err();
        assert_eq!((error.code, error.message.as_ref()), (ErrorCode::RESOURCE_NOT_FOUND, "gone"));
    }
}
