//! What a worker says about why it makes a call.
//!
//! A claim is the worker's own words. It goes to the record beside the call and is taken out of the arguments,
//! because it is no part of what is asked for. Whether it is true is not looked at, here or anywhere.

use rmcp::model::{JsonObject, RequestMetaObject};
use serde_json::Value as Json;

/// The argument in which any tool takes a reason.
pub(super) const REASON_ARGUMENT: &str = "writ_reason";
/// The member of a request's `_meta` in which a client tells about the model's own invocation.
const INVOCATION_META: &str = "io.modelcontextprotocol/aiInvocation";
const CLAIM_BYTES_MAX: usize = 4_000;

/// Takes the claim out of a call: from `_meta` where it is there, otherwise from the arguments.
pub(super) fn take(arguments: &mut JsonObject, meta: &RequestMetaObject) -> Option<String> {
    let argued = match arguments.get(REASON_ARGUMENT) {
        Some(Json::String(_)) => arguments.shift_remove(REASON_ARGUMENT),
        // Not a reason: it stays, and the engine says that it does not fit.
        _ => None,
    };
    let invoked = meta.get(INVOCATION_META).and_then(|invocation| match invocation {
        Json::Object(invocation) => invocation.get("reason").and_then(Json::as_str),
        other => other.as_str(),
    });
    bounded(invoked).or_else(|| bounded(argued.as_ref().and_then(Json::as_str)))
}

fn bounded(text: Option<&str>) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    if text.len() <= CLAIM_BYTES_MAX {
        return Some(text.to_owned());
    }
    let kept = text.get(..text.floor_char_boundary(CLAIM_BYTES_MAX)).unwrap_or_default();
    Some(format!("{kept}… ({} bytes more)", text.len().saturating_sub(kept.len())))
}

#[cfg(test)]
mod tests {
    use rmcp::model::MetaObject;
    use serde_json::json;

    use super::*;

    fn object(value: Json) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    fn meta(invocation: Json) -> RequestMetaObject {
        RequestMetaObject(MetaObject(object(json!({ INVOCATION_META: invocation }))))
    }

    #[test]
    fn a_reason_leaves_the_arguments_and_the_rest_keeps_its_order() {
        let mut arguments = object(json!({ "writ_reason": " torn strap ", "b": 1, "a": 2 }));
        assert_eq!(take(&mut arguments, &RequestMetaObject::new()).as_deref(), Some("torn strap"));
        assert_eq!(Json::Object(arguments).to_string(), r#"{"b":1,"a":2}"#);
    }

    #[test]
    fn the_invocation_comes_first_and_the_argument_still_leaves() {
        for invocation in [json!({ "reason": "asked by the model" }), json!("asked by the model")] {
            let mut arguments = object(json!({ "writ_reason": "argued" }));
            assert_eq!(take(&mut arguments, &meta(invocation)).as_deref(), Some("asked by the model"));
            assert!(arguments.is_empty());
        }
    }

    #[test]
    fn what_is_no_text_is_no_reason() {
        let mut arguments = object(json!({ "writ_reason": 5 }));
        assert_eq!(take(&mut arguments, &meta(json!({ "reason": "  " }))), None);
        assert_eq!(arguments.len(), 1);
    }

    #[test]
    fn a_long_reason_is_cut_and_says_so() {
        let mut arguments = object(json!({ "writ_reason": "é".repeat(CLAIM_BYTES_MAX) }));
        let claim = take(&mut arguments, &RequestMetaObject::new()).unwrap();
        assert!(claim.ends_with(&format!("… ({CLAIM_BYTES_MAX} bytes more)")));
    }
}
