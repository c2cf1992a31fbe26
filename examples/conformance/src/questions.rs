//! What the fixture asks of whoever calls it, in both protocol eras.
//!
//! From 2026-07-28 on a server asks in its result: the call is answered with questions, and made again with the
//! answers. Before, it sends requests of its own while the call is under way. [`ask`] does whichever the call's
//! revision has, so that one tool serves both.

use rmcp::model::{InputRequest, InputRequests, InputRequiredResult, InputResponses, ProtocolVersion};
use rmcp::service::{RequestContext, ServiceError};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

/// What came of asking.
pub(crate) enum Asked {
    /// Every question has an answer.
    Answered(InputResponses),
    /// The call is to be made again with answers to these.
    Open(InputRequiredResult),
}

/// Whether the call's revision asks in results.
pub(crate) fn asks_in_results(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// Asks, or takes the answers that the call brought along. An answer that is no object counts as none.
pub(crate) async fn ask(
    context: &RequestContext<RoleServer>,
    given: Option<&InputResponses>,
    questions: InputRequests,
) -> Result<Asked, ErrorData> {
    if questions.is_empty() {
        return Ok(Asked::Answered(InputResponses::new()));
    }
    if asks_in_results(context) {
        return Ok(match given.filter(|given| questions.keys().all(|key| answer(given, key).is_some())) {
            Some(given) => Asked::Answered(given.clone()),
            None => Asked::Open(InputRequiredResult::from_input_requests(questions)),
        });
    }
    let mut answers = InputResponses::new();
    for (key, question) in questions {
        answers.insert(key, put(context, question).await?);
    }
    Ok(Asked::Answered(answers))
}

/// The answer to one question, where it is an object.
pub(crate) fn answer<'a>(answers: &'a InputResponses, key: &str) -> Option<&'a Value> {
    answers.get(key).filter(|answer| answer.is_object())
}

/// A text in the answer to one question, or nothing.
pub(crate) fn said<'a>(answers: &'a InputResponses, key: &str, pointer: &str) -> &'a str {
    answer(answers, key).and_then(|answer| answer.pointer(pointer)).and_then(Value::as_str).unwrap_or_default()
}

/// Asks whoever uses the client, with the JSON Schema of the answer.
pub(crate) fn elicitation(message: &str, schema: &Value) -> Result<InputRequest, ErrorData> {
    let params = json!({ "mode": "form", "message": message, "requestedSchema": schema });
    question(json!({ "method": "elicitation/create", "params": params }))
}

/// Asks whoever uses the client for one value.
pub(crate) fn elicit_one(message: &str, name: &str, kind: &str) -> Result<InputRequest, ErrorData> {
    let mut properties = serde_json::Map::new();
    properties.insert(name.to_owned(), json!({ "type": kind }));
    elicitation(message, &json!({ "type": "object", "properties": properties, "required": [name] }))
}

/// Asks the client's model.
pub(crate) fn sampling(prompt: &str) -> Result<InputRequest, ErrorData> {
    let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
    question(json!({ "method": "sampling/createMessage", "params": { "messages": [message], "maxTokens": 100 } }))
}

/// Asks for the client's folders.
pub(crate) fn roots() -> Result<InputRequest, ErrorData> {
    question(json!({ "method": "roots/list" }))
}

/// Questions with their keys.
pub(crate) fn questions<const N: usize>(questions: [(&str, InputRequest); N]) -> InputRequests {
    questions.into_iter().map(|(key, question)| (key.to_owned(), question)).collect()
}

fn question(json: Value) -> Result<InputRequest, ErrorData> {
    serde_json::from_value(json).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// Puts one question to a client of an older revision, while its call is under way.
async fn put(context: &RequestContext<RoleServer>, question: InputRequest) -> Result<Value, ErrorData> {
    let peer = &context.peer;
    let answer = match question {
        InputRequest::Elicitation(request) => {
            serde_json::to_value(peer.create_elicitation(request.params).await.map_err(unanswered)?)
        }
        InputRequest::CreateMessage(request) => {
            serde_json::to_value(peer.create_message(request.params).await.map_err(unanswered)?)
        }
        InputRequest::ListRoots(_) => serde_json::to_value(peer.list_roots().await.map_err(unanswered)?),
        _ => return Err(ErrorData::internal_error("a question of a kind that is not known", None)),
    };
    answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn unanswered(error: ServiceError) -> ErrorData {
    ErrorData::internal_error(format!("the client does not answer: {error}"), None)
}
