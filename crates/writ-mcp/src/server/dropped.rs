//! What revision 2026-07-28 has dropped and the protocol's library still says: the `elicitationId` of a page that a client
//! is asked to show. A client of that revision is led back by the request's state.
//!
//! The library's types always have the member, so it is taken out of what they become. One way is left out: a question
//! of an integration's after something else has been said, as a stream of the library's.

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use rmcp::model::{CustomResult, ServerResult};
use serde_json::Value as Json;

const MEMBER: &str = "elicitationId";

/// A result without it.
pub(super) fn from_result(result: ServerResult) -> ServerResult {
    let asked = match &result {
        ServerResult::InputRequiredResult(asked) => serde_json::to_value(asked).ok(),
        _ => None,
    };
    let Some(mut asked) = asked else {
        return result;
    };
    if take_out(&mut asked) { ServerResult::CustomResult(CustomResult(asked)) } else { result }
}

/// A whole answer of the library's without it.
pub(super) async fn from_response(response: Response) -> Response {
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !is_json || response.status() != StatusCode::OK {
        return response;
    }
    let (parts, body) = response.into_parts();
    // What is answered is bounded, and there as a whole.
    let Ok(text) = to_bytes(body, usize::MAX).await else {
        let mut failed = Response::new(Body::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return failed;
    };
    let body = from_message(&text).map_or_else(|| Body::from(text), Body::from);
    Response::from_parts(parts, body)
}

/// The message without it; nothing where it is not there.
fn from_message(text: &[u8]) -> Option<Vec<u8>> {
    if !std::str::from_utf8(text).is_ok_and(|text| text.contains(MEMBER)) {
        return None;
    }
    let mut message: Json = serde_json::from_slice(text).ok()?;
    if !take_out(message.get_mut("result")?) {
        return None;
    }
    serde_json::to_vec(&message).ok()
}

/// Takes it out of a result or a task, and says whether it was there.
pub(super) fn take_out(result: &mut Json) -> bool {
    let Some(requests) = result.get_mut("inputRequests").and_then(Json::as_object_mut) else {
        return false;
    };
    let mut is_taken = false;
    for request in requests.values_mut() {
        let parameters = request.get_mut("params").and_then(Json::as_object_mut);
        let parameters = parameters.filter(|parameters| parameters.get("mode").is_some_and(|mode| mode == "url"));
        is_taken |= parameters.is_some_and(|parameters| parameters.shift_remove(MEMBER).is_some());
    }
    is_taken
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn response(kind: &'static str, body: &Json) -> Response {
        let mut response = Response::new(Body::from(body.to_string()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }

    async fn answered(kind: &'static str, body: &Json) -> String {
        let body = from_response(response(kind, body)).await.into_body();
        String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    fn asks(params: &Json) -> Json {
        let request = json!({ "method": "elicitation/create", "params": params });
        json!({ "id": 1, "result": { "resultType": "input_required", "inputRequests": { "a": request } } })
    }

    #[tokio::test]
    async fn a_page_is_asked_for_without_an_id() {
        let with = asks(&json!({ "mode": "url", "message": "m", "url": "https://x", "elicitationId": "e" }));
        let without = asks(&json!({ "mode": "url", "message": "m", "url": "https://x" }));
        assert_eq!(answered("application/json", &with).await, without.to_string());
        assert_eq!(answered("application/json", &without).await, without.to_string());
    }

    #[tokio::test]
    async fn everything_else_stays_as_it_is() {
        let form = asks(&json!({ "mode": "form", "message": "m", "elicitationId": "e" }));
        let text = json!({ "id": 1, "result": { "content": [{ "text": "elicitationId" }], "elicitationId": "e" } });
        let error = json!({ "id": 1, "error": { "code": 1, "message": "elicitationId" } });
        for body in [form, text, error] {
            assert_eq!(answered("application/json", &body).await, body.to_string());
        }
        let stream = asks(&json!({ "mode": "url", "elicitationId": "e" }));
        assert_eq!(answered("text/event-stream", &stream).await, stream.to_string());
    }
}
