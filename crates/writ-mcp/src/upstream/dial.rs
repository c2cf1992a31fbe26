//! Opening a connection to an MCP server: starting the child process or preparing HTTP, and agreeing on a protocol.
//!
//! The current revision is tried first and the newest one with a handshake after it, so that old and new servers
//! alike are understood. Nothing that a server says of itself is believed here: it is only passed on.

use std::sync::Arc;

use rmcp::model::ProtocolVersion;
use rmcp::service::{ClientInitializeError, RunningService};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, Transport as Transporting, TransportAdapterIdentity};
use rmcp::{ClientCacheConfig, ClientLifecycleMode, ClientServiceExt, RoleClient};

use super::child::ChildProcess;
use super::command::command;
use super::connection::{Connection, Transport};
use super::direct::Direct;
use super::http_client::Clients;
use super::ourselves::Ourselves;
use super::switchboard::Switchboard;
use super::watched::Watched;
use crate::Secret;
use crate::credential::{self, Redaction};
use crate::outbound::{HttpError, http_reason, quoted};

/// The largest message that is read from a server.
pub(super) const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How many messages may be on their way beside calls: descriptions, streams to listen on.
const OTHER_MESSAGES_IN_FLIGHT: usize = 16;

/// An open connection.
pub(super) type Running = RunningService<RoleClient, Ourselves>;

/// What opening gives.
pub(super) struct Dialled {
    pub(super) running: Running,
    /// The short way to the same server, where it is reached by HTTP.
    pub(super) direct: Option<Direct>,
}

/// Why there is no connection.
#[derive(Debug, Clone)]
pub(super) enum NotOpen {
    /// The person has not linked the integration.
    NotLinked,
    /// It cannot be reached. The text is for operators and holds no credential.
    Unavailable(String),
}

impl From<String> for NotOpen {
    fn from(why: String) -> Self {
        Self::Unavailable(why)
    }
}

/// Who is calling, and by what means.
pub(super) struct Dialler<'a> {
    pub(super) connection: &'a Connection,
    pub(super) person: Option<&'a str>,
    pub(super) clients: &'a Clients,
    pub(super) switchboard: &'a Arc<Switchboard>,
}

impl Dialler<'_> {
    /// Opens a connection.
    pub(super) async fn dial(&self) -> Result<Dialled, NotOpen> {
        let running = self.open().await?;
        Ok(Dialled { running, direct: self.direct()? })
    }

    /// The short way: by the same client, with the same credential.
    fn direct(&self) -> Result<Option<Direct>, NotOpen> {
        match &self.connection.transport {
            Transport::Stdio { .. } => Ok(None),
            Transport::Http { url, credential } => {
                let client = self.clients.authorized(credential, self.person)?;
                Ok(Direct::new(client.for_reads(), url))
            }
        }
    }

    async fn open(&self) -> Result<Running, NotOpen> {
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        match self.start(self.ourselves(), lifecycle).await? {
            // It knows how to tell its versions, and only has ones with a handshake.
            Err(error) if has_handshake(&error) => {
                let ourselves = self.ourselves().with_handshake();
                let opened = self.start(ourselves, ClientLifecycleMode::Initialize).await?;
                opened.map_err(|error| not_open(&error))
            }
            opened => opened.map_err(|error| not_open(&error)),
        }
    }

    fn ourselves(&self) -> Ourselves {
        Ourselves::new(&self.connection.asks, Arc::clone(self.switchboard))
    }

    async fn start(
        &self,
        ourselves: Ourselves,
        lifecycle: ClientLifecycleMode,
    ) -> Result<Result<Running, Box<ClientInitializeError>>, NotOpen> {
        let Connection { name, transport, limits, .. } = self.connection;
        let opened = match transport {
            Transport::Stdio { command: program, args, env, secrets, cwd } => {
                let mut command = command(program, args, cwd.as_deref(), limits)?;
                command.envs(env).envs(secrets.iter().map(|(name, secret)| (name, secret.expose())));
                let redaction = Redaction::of_all(secrets.values().map(Secret::expose));
                let child = ChildProcess::start(name, program, command, MESSAGE_BYTES_MAX, redaction)?;
                self.introduce(ourselves, child, lifecycle).await
            }
            Transport::Http { url, credential } => {
                let client = self.clients.authorized(credential, self.person)?;
                // A lost session is not opened again behind our back: that would turn calls which were in flight
                // into error answers, and an answer must come from the integration.
                let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                    .reinit_on_expired_session(false)
                    .max_concurrent_requests(limits.calls_in_flight.saturating_add(OTHER_MESSAGES_IN_FLIGHT))
                    .max_json_response_size(MESSAGE_BYTES_MAX)
                    .max_sse_event_size(MESSAGE_BYTES_MAX);
                let transport = StreamableHttpClientTransport::with_client(client, config);
                self.introduce(ourselves, transport, lifecycle).await
            }
        };
        Ok(opened)
    }

    async fn introduce<T: Transporting<RoleClient> + 'static>(
        &self,
        ourselves: Ourselves,
        transport: T,
        lifecycle: ClientLifecycleMode,
    ) -> Result<Running, Box<ClientInitializeError>> {
        let transport = Watched::new(transport, Arc::clone(self.switchboard));
        let running = ourselves
            .serve_with_lifecycle::<Watched<T>, T::Error, TransportAdapterIdentity>(transport, lifecycle)
            .await
            .map_err(Box::new)?;
        // A pin is compared with what the server says now, not with what it allowed us to remember.
        running.set_response_cache_config(ClientCacheConfig::disabled()).await;
        Ok(running)
    }
}

fn has_handshake(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::NoCompatibleProtocolVersion { server_supported, .. } => {
            server_supported.iter().any(ProtocolVersion::has_initialize)
        }
        // It answers any method with something, and knows nothing of this one.
        ClientInitializeError::ExpectedInitResult(_) => true,
        _ => false,
    }
}

fn not_open(error: &ClientInitializeError) -> NotOpen {
    match error {
        ClientInitializeError::TransportError { error, .. } => match error.error.downcast_ref::<HttpError>() {
            Some(error) if credential::missing(error) => NotOpen::NotLinked,
            Some(error) => NotOpen::Unavailable(http_reason(error)),
            None => NotOpen::Unavailable(quoted(&error.error.to_string())),
        },
        ClientInitializeError::ConnectionClosed(_) => {
            NotOpen::Unavailable("it closed the connection before it had introduced itself".to_owned())
        }
        ClientInitializeError::JsonRpcError(error) => {
            NotOpen::Unavailable(format!("it refused to be introduced: {}", quoted(&error.message)))
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => not_open(fallback),
        other => NotOpen::Unavailable(quoted(&other.to_string())),
    }
}
