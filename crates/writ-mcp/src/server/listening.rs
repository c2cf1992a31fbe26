//! `subscriptions/listen` of revision 2026-07-28: word of changes for as long as the client listens.
//!
//! Two kinds of changes are told: of the resources that the client names and the run may read, and of the run's
//! tasks that it names (SEP-2663). The acknowledgement comes first and says which of them will be told; everything
//! after it carries the id of the request. The engine's records say when to look again, so that a client that listens
//! costs nothing while nothing happens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmcp::model::{
    ClientCapabilities, CustomNotification, ErrorData, NotificationMetaObject, RequestId, ServerNotification,
};
use rmcp::service::RequestContext;
use rmcp::{Peer, RoleServer};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use writ_core::definition::Ask;
use writ_engine::Engine;
use writ_engine::upstream::{Caller, Notice};
use writ_engine::view::{TaskStatus, TaskView};

use super::client::Client;
use super::{dropped, tasks};

const RESOURCES_MAX: usize = 64;
const TASKS_MAX: usize = 64;
const TELL_SECONDS_MAX: u64 = 10;
/// How long a record is waited for before the tasks are looked at anyway: an integration's own change without one.
const LOOK_SECONDS: u64 = 15;
const POLL_MILLISECONDS_MIN: u64 = 500;
const POLL_MILLISECONDS_MAX: u64 = 10_000;

/// What a client wants to hear.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Parameters {
    notifications: Wanted,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    resource_subscriptions: Vec<String>,
    task_ids: Vec<String>,
}

/// Tells the client of changes until it has gone away.
///
/// # Errors
/// That the parameters do not fit, or what the client would have to declare.
pub(super) async fn listen(
    engine: &Arc<Engine>,
    client: &Client,
    parameters: Json,
    context: &RequestContext<RoleServer>,
) -> Result<Json, ErrorData> {
    let Parameters { notifications: wanted } = serde_json::from_value(parameters)
        .map_err(|_| ErrorData::invalid_params("`notifications` does not fit the protocol", None))?;
    if !wanted.task_ids.is_empty() && !client.has_tasks() {
        let required = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(required));
    }
    let listener = Arc::new(Listener {
        peer: context.peer.clone(),
        subscription: context.id.clone(),
        acknowledged: CancellationToken::new(),
    });
    let caller: Arc<dyn Caller> = listener.clone();
    let mut resources = Vec::new();
    for uri in wanted.resource_subscriptions.into_iter().take(RESOURCES_MAX) {
        if engine.worker_follow(&client.access, &uri, true, Arc::clone(&caller)).await.is_ok() {
            resources.push(uri);
        }
    }
    let mut followed = HashMap::new();
    for task in wanted.task_ids.into_iter().take(TASKS_MAX) {
        if let Ok(view) = tasks::look(engine, client, &task).await {
            followed.insert(task, view);
        }
    }
    listener.acknowledge(&resources, &followed).await;
    tokio::select! {
        () = context.ct.cancelled() => {}
        () = listener.follow(engine, client, followed) => {}
    }
    for uri in resources {
        let _ = engine.worker_follow(&client.access, &uri, false, Arc::clone(&caller)).await;
    }
    Ok(json!({ "resultType": "complete", "_meta": listener.meta() }))
}

/// A client that listens.
struct Listener {
    peer: Peer<RoleServer>,
    subscription: RequestId,
    acknowledged: CancellationToken,
}

impl Listener {
    fn meta(&self) -> NotificationMetaObject {
        let mut meta = NotificationMetaObject::new();
        meta.set_subscription_id(self.subscription.clone());
        meta
    }

    async fn acknowledge(&self, resources: &[String], followed: &HashMap<String, TaskView>) {
        let mut accepted = serde_json::Map::new();
        if !resources.is_empty() {
            accepted.insert("resourceSubscriptions".to_owned(), json!(resources));
        }
        if !followed.is_empty() {
            accepted.insert("taskIds".to_owned(), json!(followed.keys().collect::<Vec<_>>()));
        }
        self.say("notifications/subscriptions/acknowledged", json!({ "notifications": accepted })).await;
        self.acknowledged.cancel();
    }

    async fn say(&self, method: &str, parameters: Json) {
        let mut notification = CustomNotification::new(method, Some(parameters));
        notification.extensions.insert(self.meta());
        let saying = self.peer.send_notification(ServerNotification::CustomNotification(notification));
        if tokio::time::timeout(Duration::from_secs(TELL_SECONDS_MAX), saying).await.is_err() {
            tracing::debug!("a client does not read what it listens to; it is left out");
        }
    }

    /// Tells of the tasks' changes, and goes on until somebody stops it.
    async fn follow(&self, engine: &Arc<Engine>, client: &Client, mut followed: HashMap<String, TaskView>) {
        let mut records = engine.follow();
        loop {
            followed.retain(|_, view| !tasks::is_final(view.status));
            if followed.is_empty() {
                return std::future::pending::<()>().await;
            }
            // Looking at an integration's task is itself on record: never more often than the task says.
            let poll = followed.values().map(|view| view.poll_milliseconds).max().unwrap_or_default();
            let poll = poll.clamp(POLL_MILLISECONDS_MIN, POLL_MILLISECONDS_MAX);
            tokio::time::sleep(Duration::from_millis(poll)).await;
            changed(&mut records).await;
            for (task, view) in &mut followed {
                let Ok(now) = tasks::look(engine, client, task).await else {
                    // The run has ended, or may not look any more: there is nothing further to tell.
                    view.status = TaskStatus::Cancelled;
                    continue;
                };
                let has_changed =
                    (now.status, now.updated_at, &now.message) != (view.status, view.updated_at, &view.message);
                if has_changed && let Ok(mut told) = serde_json::to_value(tasks::detailed(&now)) {
                    dropped::take_out(&mut told);
                    self.say("notifications/tasks", told).await;
                }
                *view = now;
            }
        }
    }
}

/// Waits for a record, for a limited time. One that came since the last look counts.
async fn changed(records: &mut watch::Receiver<u64>) {
    if let Ok(Err(_)) = tokio::time::timeout(Duration::from_secs(LOOK_SECONDS), records.changed()).await {
        // The store is closed: nothing will change, and the server is about to go.
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Caller for Listener {
    fn can_be_asked(&self, _ask: Ask) -> bool {
        false
    }

    fn is_gone(&self) -> bool {
        self.peer.is_transport_closed()
    }

    async fn tell(&self, notice: Notice) {
        if let Notice::ResourceChanged { uri } = notice {
            self.acknowledged.cancelled().await;
            self.say("notifications/resources/updated", json!({ "uri": uri })).await;
        }
    }

    async fn ask(&self, _ask: Ask, _parameters: Json) -> Result<Json, String> {
        Err("whoever listens is not asked".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_wants_to_hear_is_read_and_the_rest_is_left() {
        let wanted = json!({ "notifications": {
            "toolsListChanged": true,
            "resourceSubscriptions": ["test://a"],
            "taskIds": ["d1", "d2"],
        }});
        let read: Parameters = serde_json::from_value(wanted).unwrap();
        assert_eq!(read.notifications.resource_subscriptions, ["test://a"]);
        assert_eq!(read.notifications.task_ids, ["d1", "d2"]);
        let read: Parameters = serde_json::from_value(json!({})).unwrap();
        assert!(read.notifications.task_ids.is_empty());
        assert!(serde_json::from_value::<Parameters>(json!({ "notifications": { "taskIds": 5 } })).is_err());
    }

    #[tokio::test]
    async fn a_record_that_came_since_the_last_look_ends_the_wait() {
        let (sender, mut records) = watch::channel(0_u64);
        sender.send(1).unwrap();
        changed(&mut records).await;
        assert!(!records.has_changed().unwrap());
    }
}
