//! What a client tells about the model's own invocation, in a request's `_meta`.
//!
//! Why a worker makes a call is its claim. The engine takes it from here, or from an argument, and puts it on record.

use rmcp::model::RequestMetaObject;
use serde_json::Value as Json;

/// The member of a request's `_meta` in which a client tells about the model's own invocation.
const INVOCATION_META: &str = "io.modelcontextprotocol/aiInvocation";

/// The reason that a client names, as it is.
pub(super) fn invoked(meta: &RequestMetaObject) -> Option<String> {
    let reason = match meta.get(INVOCATION_META)? {
        Json::Object(invocation) => invocation.get("reason").and_then(Json::as_str),
        other => other.as_str(),
    };
    reason.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use rmcp::model::MetaObject;
    use serde_json::json;

    use super::*;
    use crate::testing::object;

    fn meta(invocation: Json) -> RequestMetaObject {
        RequestMetaObject(MetaObject(object(json!({ INVOCATION_META: invocation }))))
    }

    #[test]
    fn the_invocation_names_a_reason() {
        for invocation in [json!({ "reason": "asked by the model" }), json!("asked by the model")] {
            assert_eq!(invoked(&meta(invocation)).as_deref(), Some("asked by the model"));
        }
    }

    #[test]
    fn what_is_no_text_is_no_reason() {
        for invocation in [json!({ "reason": 5 }), json!({}), json!(["x"]), json!(null)] {
            assert_eq!(invoked(&meta(invocation)), None);
        }
        assert_eq!(invoked(&RequestMetaObject::new()), None);
    }
}
