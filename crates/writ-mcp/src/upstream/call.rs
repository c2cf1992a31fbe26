//! One request of one permit, made once.
//!
//! Waiting for a turn and opening the connection come first: what fails there was certainly not sent. From the
//! moment at which the request is handed over, only an answer can say what became of it. Until then the server's
//! notices go to the caller, in order and before the answer. A request that nobody waits for any more, because its
//! future was dropped or its time was up, is taken back from the server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CancelledNotificationParam, JsonObject, RequestId, RequestMetaObject, ServerResult};
use rmcp::service::{PeerRequestOptions, RequestHandle};
use rmcp::{Peer, RoleClient, ServiceError};
use serde_json::Value as Json;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout};
use writ_core::definition::Ask;
use writ_engine::permit::{Basis, Request};
use writ_engine::upstream::{Answer, Caller, Notice, Sent};

use super::answer::refused;
use super::breaker::Pass;
use super::conversation::Conversation;
use super::describe;
use super::dial::NotOpen;
use super::follow::updates_of;
use super::link::{Link, Open};
use super::outcome::{Asked, Kind, of_answer, of_failure};
use super::request::{Message, Shape, options};

/// How often a request that waits for a worker's answer looks at its time again.
const LOOK_AGAIN_SECONDS: u64 = 1;

/// What a permit held.
pub(super) struct Call {
    pub(super) request: Request,
    pub(super) idempotency_key: Option<String>,
    /// The run on whose account it is.
    pub(super) run: String,
    /// What it relies on where the connection is a person's own.
    pub(super) basis: Basis,
}

impl Call {
    /// Makes the request, once.
    pub(super) async fn make(self, link: &Link, caller: Arc<dyn Caller>) -> Sent {
        // Who stops following hears nothing more, whether or not the server can be told.
        let unfollowed = match &self.request {
            Request::Follow { uri, begin: false } => link.follows().remove(uri, &self.run, &caller),
            _ => false,
        };
        let pass = match link.breaker().admit(Instant::now()) {
            Ok(pass) => pass,
            Err(why) => return Sent::NotSent(why),
        };
        let Some(_turn) = link.turn().await else {
            return Sent::NotSent("too many calls of this integration are waiting for their answers".to_owned());
        };
        let open = match link.open().await {
            Ok(open) => open,
            Err(NotOpen::NotLinked) => return Sent::NotLinked,
            Err(NotOpen::Unavailable(why)) => return Sent::NotSent(why),
        };
        if link.is_personal() && !self.may_leave(open.edition) {
            return Sent::NotCompared;
        }
        let sent = match &self.request {
            Request::Follow { uri, begin: true } if open.is_current() => self.listen(link, &open, uri, caller).await,
            Request::Follow { uri, begin: true } => {
                let (uri, run) = (uri.clone(), self.run.clone());
                let sent = self.exchange(link, &open, Arc::clone(&caller)).await;
                if matches!(&sent, Sent::Answered(answer) if !answer.is_error) {
                    link.follows().add(&uri, &run, caller);
                }
                sent
            }
            Request::Follow { begin: false, .. } if open.is_current() || !unfollowed => acknowledged(),
            _ => self.exchange(link, &open, caller).await,
        };
        judge(pass, &sent);
        sent
    }

    /// Whether the request may leave where the server offers this edition.
    fn may_leave(&self, edition: u64) -> bool {
        match (&self.request, self.basis) {
            // Who stops following is told nothing, and has been taken off already.
            (Request::Follow { begin: false, .. }, _) | (_, Basis::Intent) => true,
            (_, Basis::Compared(compared)) => compared == Some(edition),
        }
    }

    /// Sends the request and waits for its answer.
    async fn exchange(self, link: &Link, open: &Open, caller: Arc<dyn Caller>) -> Sent {
        let kind = if self.idempotency_key.is_some() { Kind::Effect } else { Kind::Read };
        // A task goes on beyond the call that made it: whoever looks after it is not the one who is asked.
        let of_task = matches!(self.request, Request::Task { .. });
        let asks = link.connection().asks.iter().copied();
        let asks: BTreeSet<Ask> = asks.filter(|ask| of_task || caller.takes(*ask)).collect();
        let message = Message::from(self.request);
        let shape = message.shape;
        let limit = link.answer_within();
        if shape == Shape::Tool && link.needs_definitions(open) {
            // Where they cannot be listed the call itself will say what is wrong.
            let _ = timeout(limit, open.tools.once_listed(describe::list_tools(open))).await;
        }
        if let Some(direct) = open.direct.as_ref().filter(|_| kind == Kind::Read && message.is_plain(&open.tools)) {
            return direct.call(message, &asks, &*caller, limit).await;
        }
        let tasks = of_task || caller.takes_tasks();
        let (conversation, notices) = Conversation::begin(caller, asks.clone());
        let request = message.bound(Arc::downgrade(&conversation), kind);
        let meta = options(self.idempotency_key.as_deref(), &asks, tasks, open.is_current());
        let options = PeerRequestOptions::no_options().with_meta(RequestMetaObject::from(meta));
        let started = Instant::now();
        let handing_over = open.peer.send_request_with_option(request, options);
        let handle = match timeout(limit, handing_over).await {
            Ok(Ok(handle)) => handle,
            Ok(Err(_)) => return Sent::NotSent("the connection is closed".to_owned()),
            Err(_) => return Sent::NotSent("the connection took no request in time".to_owned()),
        };
        match hear_out(handle, &conversation, notices, started, limit).await {
            Some(Ok(result)) => match serde_json::to_value(result) {
                Ok(Json::Object(result)) => of_answer(result, Asked { shape, kind, asks: &asks }),
                _ => Sent::Lost("the answer was not an object".to_owned()),
            },
            Some(Err(error)) => {
                let outcome = of_failure(&error, shape, kind);
                if outcome.connection_is_stale {
                    link.close(open).await;
                }
                outcome.sent
            }
            None => Sent::Lost(format!("no answer came within {} s", limit.as_secs_f32())),
        }
    }

    /// Has a server of the current revision keep a stream open for a resource.
    async fn listen(&self, link: &Link, open: &Open, uri: &str, caller: Arc<dyn Caller>) -> Sent {
        if link.follows().has_stream(uri) {
            link.follows().add(uri, &self.run, caller);
            return acknowledged();
        }
        let shape = Shape::Acknowledgement;
        match timeout(link.answer_within(), open.peer.listen(updates_of(uri))).await {
            Ok(Ok(stream)) if stream.acknowledged().resource_subscriptions.as_ref().is_some_and(has(uri)) => {
                link.follows().add(uri, &self.run, caller);
                link.follows().keep_stream(open.peer.clone(), uri, Some(stream));
                acknowledged()
            }
            Ok(Ok(_)) => refused(shape, "the server does not announce changes of this resource", None),
            Ok(Err(error)) => of_failure(&error, shape, Kind::Read).sent,
            Err(_) => Sent::Lost("the server did not begin to announce changes in time".to_owned()),
        }
    }
}

fn has(uri: &str) -> impl Fn(&Vec<String>) -> bool {
    move |accepted| accepted.iter().any(|accepted| accepted == uri)
}

fn acknowledged() -> Sent {
    Sent::Answered(Answer { is_error: false, result: JsonObject::new().into(), message: JsonObject::new() })
}

/// What the breaker learns. An error is an answer; what was not sent for another reason than the connection's says
/// nothing.
fn judge(pass: Pass<'_>, sent: &Sent) {
    match sent {
        Sent::Answered(_) | Sent::InputRequired(_) | Sent::Task(_) => pass.answered(),
        Sent::Lost(why) | Sent::NotSent(why) => pass.missed(why, Instant::now()),
        Sent::NotLinked | Sent::NotCompared => drop(pass),
    }
}

/// Waits for the answer and tells the caller what the server says meanwhile. Nothing where no answer came in time;
/// the time for which the server waited for the worker does not count.
async fn hear_out(
    mut handle: RequestHandle<RoleClient>,
    conversation: &Conversation,
    mut notices: Receiver<Notice>,
    started: Instant,
    limit: Duration,
) -> Option<Result<ServerResult, ServiceError>> {
    let mut unanswered = Unanswered { peer: handle.peer.clone(), request: Some(handle.id.clone()) };
    let mut until = started.checked_add(limit)?;
    loop {
        tokio::select! {
            biased;
            answer = &mut handle.rx => {
                unanswered.request = None;
                while let Ok(notice) = notices.try_recv() {
                    conversation.tell(notice).await;
                }
                return Some(answer.unwrap_or(Err(ServiceError::TransportClosed)));
            }
            () = sleep_until(until) => {
                let now = Instant::now();
                let (waited, waits) = conversation.waited();
                let allowed = started.checked_add(limit)?.checked_add(waited)?;
                let later = now.checked_add(Duration::from_secs(LOOK_AGAIN_SECONDS))?;
                until = if waits { allowed.max(later) } else { allowed };
                if until <= now {
                    return None;
                }
            }
            Some(notice) = notices.recv() => conversation.tell(notice).await,
        }
    }
}

/// A request that has no answer yet. Dropped, it tells the server that nobody waits any more.
struct Unanswered {
    peer: Peer<RoleClient>,
    request: Option<RequestId>,
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let (Some(request), Ok(runtime)) = (self.request.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let peer = self.peer.clone();
        runtime.spawn(async move {
            let why = "nobody waits for the answer any more".to_owned();
            // A connection that is closed needs no cancellation.
            let _ = peer.notify_cancelled(CancelledNotificationParam::new(Some(request), Some(why))).await;
        });
    }
}
