//! What is given to a worker to bring back: sealed for its run, so that no server has to remember it.
//!
//! A seal is the JSON text in base64url, a dot, and an HMAC-SHA256 over it under a key that is derived from the token
//! key for this purpose alone. It hides nothing: what is in it came from the worker or was for the worker to see.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use writ_core::definition::Ask;
use writ_core::digest::Digest;

use crate::engine::Engine;

/// The longest seal.
const SEAL_BYTES_MAX: usize = 64 * 1024;
/// The longest id of a task: it travels in a header too.
const TASK_BYTES_MAX: usize = 4 * 1024;
/// How the id of an integration's task begins; a decision's begins otherwise.
const TASK_PREFIX: &str = "c.";

/// The state of a call that goes on when the worker has answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ContinuedState {
    pub(super) run: String,
    pub(super) action: String,
    /// The digest of the call's arguments.
    pub(super) arguments: Digest,
    /// What the integration asks, by key: of which kind, and the digest of the question.
    pub(super) questions: BTreeMap<String, (Ask, Digest)>,
    /// What the integration wants back.
    pub(super) state: Option<String>,
}

/// A task of an integration, with the call that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TaskReference {
    pub(super) run: String,
    pub(super) action: String,
    pub(super) task: String,
    pub(super) arguments: Map<String, Json>,
}

impl Engine {
    pub(super) fn seal<T: Serialize>(&self, value: &T) -> String {
        let text = BASE64.encode(serde_json::to_vec(value).unwrap_or_default());
        let mac = BASE64.encode(self.tokens.mac_of("seal", text.as_bytes()));
        format!("{text}.{mac}")
    }

    pub(super) fn unseal<T: DeserializeOwned>(&self, sealed: &str) -> Option<T> {
        if sealed.len() > SEAL_BYTES_MAX {
            return None;
        }
        let (text, mac) = sealed.split_once('.')?;
        if !self.tokens.is_mac_of("seal", text.as_bytes(), &BASE64.decode(mac).ok()?) {
            return None;
        }
        serde_json::from_slice(&BASE64.decode(text).ok()?).ok()
    }

    /// The id under which a worker knows an integration's task; nothing where it would be too long.
    pub(super) fn seal_task(&self, reference: &TaskReference) -> Option<String> {
        let id = format!("{TASK_PREFIX}{}", self.seal(reference));
        (!reference.task.is_empty() && id.len() <= TASK_BYTES_MAX).then_some(id)
    }

    /// The task of an id, where it belongs to this run.
    pub(super) fn unseal_task(&self, run: &str, id: &str) -> Option<TaskReference> {
        let reference: TaskReference = self.unseal(id.strip_prefix(TASK_PREFIX)?)?;
        (reference.run == run).then_some(reference)
    }
}
