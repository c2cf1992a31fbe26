//! What an integration wants to know before it goes on.
//!
//! A client of revision 2026-07-28 gets the questions as the answer and calls again with what it answers. Within a
//! session the engine asks the client while the call goes on; what a task asks that is waited for in the client's
//! place, is asked from here. Either way nothing is asked that the client has not declared to answer.

use rmcp::model::{
    ClientCapabilities, ElicitationCapability, ErrorData, InputRequest, InputRequests, InputRequiredResult, JsonObject,
};
use serde_json::Value as Json;
use writ_engine::upstream::InputRequired;

use super::caller::ClientCaller;

/// How long a client may take to answer one question within a session.
const ANSWER_SECONDS_MAX: u64 = 300;

#[derive(Clone, Copy)]
enum Kind {
    Form,
    Page,
    Sampling,
    Roots,
}

/// The questions as the answer to a request of revision 2026-07-28.
///
/// # Errors
/// What the client would have to declare; or that a question is none of the protocol's.
pub(super) fn as_result(
    declared: &ClientCapabilities,
    wanted: InputRequired,
) -> Result<InputRequiredResult, ErrorData> {
    if let Some(missing) = missing(declared, &wanted.requests) {
        return Err(ErrorData::missing_required_client_capability(missing));
    }
    let mut requests = InputRequests::new();
    for (key, request) in wanted.requests {
        let request: InputRequest = serde_json::from_value(request).map_err(|_| {
            tracing::warn!("an integration asks something that is none of the protocol's questions");
            ErrorData::internal_error("the integration asks something that is none of the protocol's questions", None)
        })?;
        requests.insert(key, request);
    }
    Ok(InputRequiredResult::new((!requests.is_empty()).then_some(requests), wanted.state))
}

/// Asks the questions of a task within a session, one after the other. The answers have the keys of the questions.
///
/// # Errors
/// Why the client did not answer, in words.
pub(super) async fn answers(caller: &ClientCaller, requests: &JsonObject) -> Result<JsonObject, String> {
    if missing(caller.declared(), requests).is_some() {
        return Err("the integration asks something that this client has not declared to answer".to_owned());
    }
    let mut answers = JsonObject::new();
    for (key, request) in requests {
        let method = request.get("method").and_then(Json::as_str).unwrap_or_default();
        let parameters = request.get("params").cloned().unwrap_or_else(|| Json::Object(JsonObject::new()));
        answers.insert(key.clone(), caller.request(method, parameters, ANSWER_SECONDS_MAX).await?);
    }
    Ok(answers)
}

/// What a client would have to declare to be asked all of this; nothing where it has. A question of no known kind
/// counts as one that nobody declares to answer.
fn missing(declared: &ClientCapabilities, requests: &JsonObject) -> Option<ClientCapabilities> {
    let mut missing = ClientCapabilities::default();
    let mut is_missing = false;
    for request in requests.values() {
        let Some(kind) = kind(request) else {
            is_missing = true;
            continue;
        };
        if is_declared(declared, kind) {
            continue;
        }
        is_missing = true;
        match kind {
            Kind::Form => elicitation(&mut missing).form = Some(Default::default()),
            Kind::Page => elicitation(&mut missing).url = Some(Default::default()),
            Kind::Sampling => missing.sampling = Some(Default::default()),
            Kind::Roots => missing.roots = Some(Default::default()),
        }
    }
    is_missing.then_some(missing)
}

fn elicitation(capabilities: &mut ClientCapabilities) -> &mut ElicitationCapability {
    capabilities.elicitation.get_or_insert_default()
}

fn kind(request: &Json) -> Option<Kind> {
    let mode = request.get("params").and_then(|parameters| parameters.get("mode")).and_then(Json::as_str);
    match (request.get("method")?.as_str()?, mode) {
        ("elicitation/create", None | Some("form")) => Some(Kind::Form),
        ("elicitation/create", Some("url")) => Some(Kind::Page),
        ("sampling/createMessage", _) => Some(Kind::Sampling),
        ("roots/list", _) => Some(Kind::Roots),
        _ => None,
    }
}

fn is_declared(declared: &ClientCapabilities, kind: Kind) -> bool {
    let modes = declared.elicitation.as_ref();
    match kind {
        // A client that names no mode takes forms.
        Kind::Form => modes.is_some_and(|modes| modes.form.is_some() || modes.url.is_none()),
        Kind::Page => modes.is_some_and(|modes| modes.url.is_some()),
        Kind::Sampling => declared.sampling.is_some(),
        Kind::Roots => declared.roots.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::ErrorCode;
    use serde_json::json;

    use super::*;

    fn declared(value: Json) -> ClientCapabilities {
        serde_json::from_value(value).unwrap()
    }

    fn wanted(requests: Json) -> InputRequired {
        InputRequired { requests: requests.as_object().cloned().unwrap(), state: Some("sealed".to_owned()) }
    }

    fn form() -> Json {
        let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
        json!({ "method": "elicitation/create", "params": { "message": "who?", "requestedSchema": schema } })
    }

    #[test]
    fn questions_that_the_client_answers_go_to_it_with_the_state() {
        let questions = json!({ "name": form(), "roots": { "method": "roots/list", "params": {} } });
        let result = as_result(&declared(json!({ "elicitation": {}, "roots": {} })), wanted(questions)).unwrap();
        let result = serde_json::to_value(result).unwrap();
        assert_eq!((&result["resultType"], &result["requestState"]), (&json!("input_required"), &json!("sealed")));
        assert_eq!(result["inputRequests"]["name"]["params"]["message"], json!("who?"));
        assert_eq!(result["inputRequests"]["roots"]["method"], json!("roots/list"));
    }

    #[test]
    fn one_question_too_many_names_what_would_have_to_be_declared() {
        let sampling = json!({ "method": "sampling/createMessage", "params": { "messages": [], "maxTokens": 1 } });
        let page = json!({ "method": "elicitation/create", "params": { "mode": "url", "message": "m", "url": "u" } });
        let questions = json!({ "name": form(), "model": sampling, "page": page });
        let error = as_result(&declared(json!({ "elicitation": { "form": {} } })), wanted(questions)).unwrap_err();
        assert_eq!(error.code, ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY);
        let required = json!({ "sampling": {}, "elicitation": { "url": {} } });
        assert_eq!(error.data.unwrap()["requiredCapabilities"], required);
    }

    #[test]
    fn a_question_of_no_known_kind_is_never_asked() {
        let all = declared(json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} }));
        let questions = json!({ "x": { "method": "tools/call", "params": {} } });
        assert!(as_result(&all, wanted(questions)).is_err());
    }
}
