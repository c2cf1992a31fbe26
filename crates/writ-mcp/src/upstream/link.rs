//! One integration's connection through its life, for one person or for all: closed, open, broken, opened again.
//!
//! A link opens at the first use and again after it broke. After a failed attempt it waits, longer each time up to a
//! limit, and says so at once to whoever asks meanwhile: nobody's call waits for a server that is down. Many calls
//! share one open connection. A link makes no call of its own; it listens for changes, where the server announces
//! them to listeners.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ServerPeerInfo;
use rmcp::{Peer, RoleClient};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::breaker::{Breaker, backoff};
use super::changes::{Attached, Changes, Heard, announced, keep_listening};
use super::connection::{Connection, Transport};
use super::dial::{Dialled, Dialler, NotOpen, Running};
use super::direct::Direct;
use super::follow::Follows;
use super::http_client::Clients;
use super::request;
use super::switchboard::Switchboard;
use super::tools::Tools;

/// How long opening may take. A server of an old protocol may leave the first ten seconds unanswered.
const OPEN_SECONDS_MAX: u64 = 25;

/// One connection.
pub(super) struct Link {
    connection: Arc<Connection>,
    person: Option<String>,
    clients: Arc<Clients>,
    switchboard: Arc<Switchboard>,
    breaker: Breaker,
    state: Mutex<State>,
    in_flight: Semaphore,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    /// Tells one opening from the next, so that a late complaint does not close a newer connection.
    opening: u64,
    failures: u32,
    trouble: Option<Trouble>,
}

struct Live {
    running: Running,
    direct: Option<Arc<Direct>>,
    tools: Arc<Tools>,
    is_current: bool,
    _listening: Option<Attached>,
}

struct Trouble {
    until: Instant,
    why: String,
}

/// A connection to send on.
pub(super) struct Open {
    pub(super) peer: Peer<RoleClient>,
    /// The short way, where the server has one.
    pub(super) direct: Option<Arc<Direct>>,
    /// What is known of its tools.
    pub(super) tools: Arc<Tools>,
    /// The edition of what its server offers, as far as is known.
    pub(super) edition: u64,
    is_current: bool,
    opening: u64,
}

impl Open {
    /// How the server introduced itself.
    pub(super) fn server(&self) -> Option<Arc<ServerPeerInfo>> {
        self.peer.peer_info()
    }

    /// Whether it speaks the current revision, in which every request stands by itself.
    pub(super) fn is_current(&self) -> bool {
        self.is_current
    }
}

impl Link {
    pub(super) fn new(
        connection: Arc<Connection>,
        person: Option<String>,
        clients: Arc<Clients>,
        changes: Changes,
    ) -> Self {
        let in_flight = Semaphore::new(connection.limits.calls_in_flight.clamp(1, Semaphore::MAX_PERMITS));
        let switchboard = Arc::new(Switchboard::new(changes, Arc::new(Follows::default())));
        Self {
            connection,
            person,
            clients,
            switchboard,
            breaker: Breaker::default(),
            state: Mutex::new(State::default()),
            in_flight,
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    pub(super) fn follows(&self) -> &Arc<Follows> {
        self.switchboard.follows()
    }

    /// Whether it is one person's own.
    pub(super) fn is_personal(&self) -> bool {
        self.person.is_some()
    }

    /// How long a call may take here.
    pub(super) fn answer_within(&self) -> Duration {
        self.connection.limits.answer
    }

    /// Whether a tool's call needs the tool's definition, since parts of its arguments go into headers (SEP-2243).
    pub(super) fn needs_definitions(&self, open: &Open) -> bool {
        matches!(self.connection.transport, Transport::Http { .. }) && open.is_current()
    }

    /// A turn to make a call, or nothing where none came free in time.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout(self.answer_within(), self.in_flight.acquire()).await.ok()?.ok()
    }

    /// The open connection; opens it where there is none.
    pub(super) async fn open(&self) -> Result<Open, NotOpen> {
        let mut state = self.state.lock().await;
        if let Some(live) = &state.live
            && !live.running.is_transport_closed()
        {
            return Ok(live.opened(state.opening, self.switchboard.edition()));
        }
        state.live = None;
        self.follows().close_streams();
        if let Some(trouble) = state.trouble.as_ref().filter(|trouble| Instant::now() < trouble.until) {
            return Err(NotOpen::Unavailable(format!("{} (not tried again yet)", trouble.why)));
        }
        match self.dial().await {
            Ok(dialled) => {
                let live = self.live(dialled);
                let opening = state.opening.wrapping_add(1);
                let open = live.opened(opening, self.switchboard.renew());
                *state = State { live: Some(live), opening, failures: 0, trouble: None };
                Ok(open)
            }
            Err(NotOpen::NotLinked) => Err(NotOpen::NotLinked),
            Err(NotOpen::Unavailable(why)) => {
                let until = Instant::now().checked_add(backoff(state.failures));
                state.failures = state.failures.saturating_add(1);
                state.trouble = until.map(|until| Trouble { until, why: why.clone() });
                tracing::warn!(integration = self.connection.name, why, "an integration cannot be reached");
                Err(NotOpen::Unavailable(why))
            }
        }
    }

    async fn dial(&self) -> Result<Dialled, NotOpen> {
        let dialler = Dialler {
            connection: &self.connection,
            person: self.person.as_deref(),
            clients: &self.clients,
            switchboard: &self.switchboard,
        };
        let limit = Duration::from_secs(OPEN_SECONDS_MAX);
        tokio::time::timeout(limit, dialler.dial()).await.unwrap_or_else(|_| {
            Err(NotOpen::Unavailable(format!("it did not introduce itself within {OPEN_SECONDS_MAX} s")))
        })
    }

    /// Takes up listening and following on a connection that has just opened.
    fn live(&self, Dialled { running, direct }: Dialled) -> Live {
        let peer = running.peer();
        let server = peer.peer_info();
        let is_current = server.as_ref().is_some_and(|server| !server.protocol_version.has_initialize());
        let filter = server.as_ref().filter(|_| is_current).and_then(|server| announced(&server.capabilities));
        let listening = filter.map(|filter| {
            let switchboard = Arc::clone(&self.switchboard);
            Attached::spawn(keep_listening(peer.clone(), filter, None, move |heard| match heard {
                Heard::Notification(notification) => switchboard.spread(&notification),
                Heard::Gap => switchboard.announce(),
            }))
        });
        for uri in self.follows().followed() {
            if is_current {
                self.follows().keep_stream(peer.clone(), &uri, None);
            } else {
                tokio::spawn(request::subscribe_again(peer.clone(), uri));
            }
        }
        let direct = direct.filter(|_| is_current).map(Arc::new);
        Live { running, direct, tools: Arc::default(), is_current, _listening: listening }
    }

    /// Closes the connection that was given out as `open`, so that the next call opens a new one.
    pub(super) async fn close(&self, open: &Open) {
        let mut state = self.state.lock().await;
        if state.opening == open.opening {
            state.live = None;
        }
    }
}

impl Live {
    fn opened(&self, opening: u64, edition: u64) -> Open {
        Open {
            peer: self.running.peer().clone(),
            direct: self.direct.clone(),
            tools: Arc::clone(&self.tools),
            edition,
            is_current: self.is_current,
            opening,
        }
    }
}
