//! What a worker says about why it makes a call.
//!
//! A claim is the worker's own words. It goes to the record beside the call and is taken out of the arguments, because
//! it is no part of what is asked for. Whether it is true is not looked at, here or anywhere.

use serde_json::{Map, Value as Json};

use crate::epoch::REASON_ARGUMENT;

/// How much of a claim is kept.
const CLAIM_BYTES_MAX: usize = 4_000;

/// Takes the claim of a call: what was said beside it, otherwise what stands among its arguments, which loses it either
/// way.
pub(super) fn take(arguments: &mut Map<String, Json>, beside: Option<&str>) -> Option<String> {
    let argued = match arguments.get(REASON_ARGUMENT) {
        Some(Json::String(_)) => arguments.shift_remove(REASON_ARGUMENT),
        // Not a reason: it stays, and the schema of the arguments refuses it.
        _ => None,
    };
    bounded(beside).or_else(|| bounded(argued.as_ref().and_then(Json::as_str)))
}

/// A claim as it is kept: nothing where nothing is said, and cut where it is long.
pub(super) fn bounded(text: Option<&str>) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    if text.len() <= CLAIM_BYTES_MAX {
        return Some(text.to_owned());
    }
    let kept = text.get(..text.floor_char_boundary(CLAIM_BYTES_MAX)).unwrap_or_default();
    Some(format!("{kept}… ({} bytes more)", text.len().saturating_sub(kept.len())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Json) -> Map<String, Json> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_reason_leaves_the_arguments_and_the_rest_keeps_its_order() {
        let mut arguments = object(&json!({ "writ_reason": " torn strap ", "b": 1, "a": 2, "c": 3 }));
        assert_eq!(take(&mut arguments, None).as_deref(), Some("torn strap"));
        assert_eq!(Json::Object(arguments).to_string(), r#"{"b":1,"a":2,"c":3}"#);
    }

    #[test]
    fn what_is_said_beside_comes_first_and_the_argument_still_leaves() {
        let mut arguments = object(&json!({ "writ_reason": "argued" }));
        assert_eq!(take(&mut arguments, Some("asked by the model")).as_deref(), Some("asked by the model"));
        assert!(arguments.is_empty());
        let mut arguments = object(&json!({ "writ_reason": "argued" }));
        assert_eq!(take(&mut arguments, Some(" \n")).as_deref(), Some("argued"));
    }

    #[test]
    fn what_is_no_text_is_no_reason() {
        let mut arguments = object(&json!({ "writ_reason": 5 }));
        assert_eq!(take(&mut arguments, Some("  ")), None);
        assert_eq!(arguments.len(), 1);
    }

    #[test]
    fn a_long_reason_is_cut_and_says_so() {
        for long in ["é".repeat(CLAIM_BYTES_MAX), "e".repeat(2 * CLAIM_BYTES_MAX)] {
            let mut arguments = object(&json!({ "writ_reason": long }));
            let claim = take(&mut arguments, None).unwrap();
            assert!(claim.ends_with(&format!("… ({CLAIM_BYTES_MAX} bytes more)")));
        }
    }
}
