//! One call of one tool, made once.
//!
//! The idempotency key of an effect travels in the request's `_meta`, where a tool's own schema cannot be in its
//! way. Waiting for a turn and opening the connection come first: what fails there was certainly not sent. From the
//! moment at which the request is handed over, only an answer can say what became of it.

use rmcp::model::{CallToolRequestParams, JsonObject, MetaObject, RequestMetaObject};
use serde_json::Value as Json;
use writ_engine::upstream::Sent;

use super::link::Link;
use super::outcome;

/// The member of a request's `_meta` that names an effect, so that an integration can tell a repeated request.
pub const IDEMPOTENCY_META: &str = "writ.dev/idempotency-key";

/// What a permit held.
pub(super) struct Call {
    pub(super) tool: String,
    pub(super) idempotency_key: Option<String>,
    pub(super) arguments: JsonObject,
}

impl Call {
    /// Makes the call, once.
    pub(super) async fn make(self, link: &Link) -> Sent {
        let kind = if self.idempotency_key.is_some() { outcome::Kind::Effect } else { outcome::Kind::Read };
        let Some(_turn) = link.turn().await else {
            return Sent::NotSent("too many calls of this integration are waiting for their answers".to_owned());
        };
        let open = match link.open().await {
            Ok(open) => open,
            Err(why) => return Sent::NotSent(why),
        };
        let limit = link.answer_within();
        match tokio::time::timeout(limit, open.peer.call_tool_once(self.into_params())).await {
            Ok(Ok(response)) => outcome::of_answer(response, kind),
            Ok(Err(error)) => {
                let outcome = outcome::of_failure(&error, kind);
                if outcome.connection_is_stale {
                    link.close(&open).await;
                }
                outcome.sent
            }
            Err(_) => Sent::Lost(format!("no answer came within {} s", limit.as_secs_f32())),
        }
    }

    fn into_params(self) -> CallToolRequestParams {
        let mut params = CallToolRequestParams::new(self.tool).with_arguments(self.arguments);
        if let Some(key) = self.idempotency_key {
            let mut meta = JsonObject::new();
            meta.insert(IDEMPOTENCY_META.to_owned(), Json::String(key));
            params.meta = Some(RequestMetaObject(MetaObject(meta)));
        }
        params
    }
}
