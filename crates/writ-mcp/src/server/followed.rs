//! The resources that a session follows.
//!
//! Whoever is told of a change is the session, and the same one is named when it wants to hear no more. What a
//! session still follows when it ends is given up then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::ErrorData;
use serde_json::json;
use writ_core::code::Code;
use writ_engine::Engine;
use writ_engine::upstream::Caller;
use writ_engine::view::WorkerAccess;

use super::client::Client;
use super::results;

const RESOURCES_MAX: usize = 64;

/// One session's resources.
pub(super) struct Followed {
    engine: Arc<Engine>,
    resources: Mutex<HashMap<String, Follower>>,
}

#[derive(Clone)]
struct Follower {
    access: WorkerAccess,
    caller: Arc<dyn Caller>,
}

impl Followed {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, resources: Mutex::default() }
    }

    /// # Errors
    /// A refusal, as the protocol says it: also where the session follows as many as it may.
    pub(super) async fn begin(&self, client: &Client, uri: String) -> Result<(), ErrorData> {
        let follower = Follower { access: client.access.clone(), caller: client.caller.clone() };
        {
            let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
            if resources.contains_key(&uri) {
                return Ok(());
            }
            if resources.len() >= RESOURCES_MAX {
                let message = format!("a session follows at most {RESOURCES_MAX} resources");
                return Err(ErrorData::invalid_request(message, Some(json!({ "code": Code::LimitReached.name() }))));
            }
            resources.insert(uri.clone(), follower.clone());
        }
        let begun = self.engine.worker_follow(&follower.access, &uri, true, follower.caller).await;
        begun.map_err(|refusal| {
            self.forget(&uri);
            let mut error = results::error(&refusal);
            if refusal.code == Code::UnknownName {
                error = ErrorData::resource_not_found(error.message, Some(json!({ "uri": uri })));
            }
            error
        })
    }

    /// # Errors
    /// A refusal, as the protocol says it.
    pub(super) async fn end(&self, client: &Client, uri: &str) -> Result<(), ErrorData> {
        let Some(follower) = self.forget(uri) else {
            return Ok(());
        };
        let ended = self.engine.worker_follow(&client.access, uri, false, follower.caller).await;
        ended.map_err(|refusal| results::error(&refusal))
    }

    fn forget(&self, uri: &str) -> Option<Follower> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).remove(uri)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let resources = std::mem::take(self.resources.get_mut().unwrap_or_else(PoisonError::into_inner));
        if resources.is_empty() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let engine = Arc::clone(&self.engine);
        runtime.spawn(async move {
            for (uri, follower) in resources {
                // A run that has ended follows nothing any more.
                let _ = engine.worker_follow(&follower.access, &uri, false, follower.caller).await;
            }
        });
    }
}
