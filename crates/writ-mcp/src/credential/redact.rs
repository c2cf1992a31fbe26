//! A server that repeats the credential which it was sent does not get it past here.
//!
//! Answers go to workers and into the trail, and a server may echo a request's headers, out of malice or while it is
//! debugged. Each message is searched for the credential itself, as it stands and as JSON writes it. A server that
//! encodes it otherwise is not found out: it could as well send it anywhere else.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use rmcp::model::ServerJsonRpcMessage;
use rmcp::transport::streamable_http_client::{SseError, StreamableHttpPostResponse};
use serde_json::Value as Json;
use sse_stream::Sse;

use crate::Secret;

/// What stands in the credential's place.
const MARK: &str = "***";
/// A shorter text occurs by chance.
const SECRET_BYTES_MIN: usize = 8;

/// What is looked for.
#[derive(Clone)]
pub(crate) struct Redaction(Vec<Secret>);

impl Redaction {
    /// Looks for a header's value, with and without the word `Bearer`.
    pub(super) fn of(value: &str) -> Self {
        let bare = value.strip_prefix("Bearer ").unwrap_or(value);
        let written = serde_json::to_string(bare).unwrap_or_default();
        let written = written.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
        let mut forms = vec![Secret::new(bare)];
        if written != bare {
            forms.push(Secret::new(written));
        }
        // Some writers of JSON escape the slash as well.
        let escaped = written.replace('/', "\\/");
        if escaped != written {
            forms.push(Secret::new(escaped));
        }
        forms.retain(|form| form.expose().len() >= SECRET_BYTES_MIN);
        Self(forms)
    }

    /// Looks for each of several secrets.
    pub(crate) fn of_all<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        Self(values.flat_map(|value| Self::of(value).0).collect())
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without the credential, where it holds it.
    pub(super) fn text(&self, text: &str) -> Option<String> {
        let mut cleaned: Option<String> = None;
        for form in &self.0 {
            let current = cleaned.as_deref().unwrap_or(text);
            if current.contains(form.expose()) {
                cleaned = Some(current.replace(form.expose(), MARK));
            }
        }
        cleaned
    }

    /// The message without the credential. Nothing, where none can be made of what is left.
    pub(crate) fn message(&self, message: ServerJsonRpcMessage) -> Option<ServerJsonRpcMessage> {
        if self.0.is_empty() {
            return Some(message);
        }
        let text = serde_json::to_string(&message).ok()?;
        match self.text(&text) {
            Some(cleaned) => serde_json::from_str(&cleaned).ok(),
            None => Some(message),
        }
    }

    /// The value without the credential. Nothing, where none can be made of what is left.
    pub(crate) fn json(&self, value: Json) -> Option<Json> {
        if self.0.is_empty() {
            return Some(value);
        }
        match self.text(&value.to_string()) {
            Some(cleaned) => serde_json::from_str(&cleaned).ok(),
            None => Some(value),
        }
    }

    /// The stream without the credential.
    pub(super) fn stream(
        self,
        events: BoxStream<'static, Result<Sse, SseError>>,
    ) -> BoxStream<'static, Result<Sse, SseError>> {
        if self.0.is_empty() {
            return events;
        }
        let clean = move |event: Result<Sse, SseError>| {
            event.map(|mut event| {
                if let Some(data) = event.data.take() {
                    // Read and written again, so that no escape hides anything.
                    let plain = match serde_json::from_str::<serde_json::Value>(&data) {
                        Ok(json) => json.to_string(),
                        Err(_) => data,
                    };
                    event.data = Some(self.text(&plain).unwrap_or(plain));
                }
                event
            })
        };
        events.map(clean).boxed()
    }

    /// The answer without the credential. Nothing, where none can be made of what is left.
    pub(super) fn answer(self, answer: StreamableHttpPostResponse) -> Option<StreamableHttpPostResponse> {
        match answer {
            StreamableHttpPostResponse::Json(message, session) => {
                Some(StreamableHttpPostResponse::Json(self.message(message)?, session))
            }
            StreamableHttpPostResponse::Sse(events, session) => {
                Some(StreamableHttpPostResponse::Sse(self.stream(events), session))
            }
            other => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Redaction;

    #[test]
    fn the_credential_is_taken_out_in_each_form() {
        let redaction = Redaction::of("Bearer canary-\"7f31\"");
        assert_eq!(redaction.text(r#"{"echo":"Bearer canary-\"7f31\""}"#).as_deref(), Some(r#"{"echo":"Bearer ***"}"#));
        assert_eq!(redaction.text("got canary-\"7f31\" twice: canary-\"7f31\"").as_deref(), Some("got *** twice: ***"));
        assert_eq!(redaction.text("nothing of it"), None);
        assert_eq!(Redaction::of("canary/7f31").text(r#""canary\/7f31""#).as_deref(), Some(r#""***""#));
        assert_eq!(Redaction::of("Bearer short").text("short"), None);
    }
}
