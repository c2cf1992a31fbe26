//! Who listens for changes of what the fixture offers (`subscriptions/listen` of 2026-07-28).
//!
//! The lists never really change: the suite asks for the notification alone. A sink that is found closed is dropped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::service::{SubscriptionSendError, SubscriptionSink};

/// How many listen at a time; the oldest gives way.
const LISTENERS_MAX: usize = 256;

/// What is said to have changed.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Tools,
    Prompts,
}

/// Clones share the listeners.
#[derive(Clone, Default)]
pub(crate) struct Listeners {
    next: Arc<AtomicU64>,
    sinks: Arc<Mutex<Vec<(u64, SubscriptionSink)>>>,
}

impl Listeners {
    /// Adds a listener, and gives the key by which it is taken off again.
    pub(crate) fn add(&self, sink: SubscriptionSink) -> u64 {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        if sinks.len() >= LISTENERS_MAX {
            sinks.remove(0);
        }
        sinks.push((key, sink));
        key
    }

    pub(crate) fn remove(&self, key: u64) {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| *other != key);
    }

    /// Tells everybody who wants to know.
    pub(crate) async fn tell(&self, change: Change) {
        let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (key, sink) in sinks {
            let told = match change {
                Change::Tools => sink.notify_tool_list_changed().await,
                Change::Prompts => sink.notify_prompt_list_changed().await,
            };
            if matches!(told, Err(SubscriptionSendError::SubscriptionClosed)) {
                self.remove(key);
            }
        }
    }
}
