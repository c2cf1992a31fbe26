//! One request that the engine answers: what it brings along, and how long it goes on.
//!
//! A request that the client has taken back, or whose connection is gone, is dropped at once: of a read nothing is
//! released then, and an effect is never carried out within a request. What an integration asks while the request goes
//! on, the engine asks the client by itself, if the client can be asked at once.

use std::future::Future;

use rmcp::model::{ErrorData, InputResponses, JsonObject};
use tokio_util::sync::CancellationToken;
use writ_engine::permit::Continued;

/// Goes on until the request is taken back.
///
/// # Errors
/// That it was.
pub(super) async fn until<T>(
    taken_back: &CancellationToken,
    going_on: impl Future<Output = T>,
) -> Result<T, ErrorData> {
    tokio::select! {
        biased;
        () = taken_back.cancelled() => Err(ErrorData::internal_error("the request was taken back", None)),
        outcome = going_on => Ok(outcome),
    }
}

/// What a client brings back that was asked something.
pub(super) fn continued(responses: Option<InputResponses>, state: Option<String>) -> Option<Continued> {
    if responses.is_none() && state.is_none() {
        return None;
    }
    Some(Continued { responses: JsonObject::from_iter(responses.unwrap_or_default()), state })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_request_that_is_taken_back_is_dropped() {
        let token = CancellationToken::new();
        assert_eq!(until(&token, async { 5 }).await.unwrap(), 5);
        let (dropped, mut is_dropped) = tokio::sync::oneshot::channel::<()>();
        let never = async move {
            std::future::pending::<()>().await;
            drop(dropped);
        };
        token.cancel();
        assert!(until(&token, never).await.is_err());
        assert!(is_dropped.try_recv().is_err_and(|error| error == tokio::sync::oneshot::error::TryRecvError::Closed));
    }

    #[test]
    fn answers_and_state_are_brought_back_together_or_alone() {
        assert_eq!(continued(None, None), None);
        let responses = InputResponses::from_iter([("name".to_owned(), json!({ "action": "accept" }))]);
        let both = continued(Some(responses), Some("sealed".to_owned())).unwrap();
        assert_eq!((both.responses.len(), both.state.as_deref()), (1, Some("sealed")));
        assert!(continued(None, Some("sealed".to_owned())).unwrap().responses.is_empty());
    }
}
