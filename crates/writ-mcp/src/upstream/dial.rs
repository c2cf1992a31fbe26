//! Opening a connection to an MCP server: starting the child process or preparing HTTP, and agreeing on a protocol.
//!
//! The current revision is tried first and the newest one with a handshake after it, so that old and new servers
//! alike are understood. A child process sees nothing of Writ's environment but `PATH`, is in a process group of its
//! own so that a terminal's interrupt is Writ's to handle, and ends with its connection. Nothing that a server says
//! of itself is believed here: it is only passed on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use http::{HeaderName, HeaderValue};
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::{ClientInitializeError, RunningService};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{IntoTransport, StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientCacheConfig, ClientLifecycleMode, ClientServiceExt, RoleClient};
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, Command};

use super::connection::{Connection, Transport};
use super::link::CALLS_IN_FLIGHT_MAX;
use crate::outbound::{HttpError, http_client, http_reason, quoted};

/// The largest message that is read from a server over HTTP.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How much of a child process's standard error goes to the log, at level debug. The rest is read and dropped.
const STDERR_BYTES_MAX: usize = 64 * 1024;

/// An open connection.
pub(super) type Running = RunningService<RoleClient, ClientConfig>;

/// Opens a connection. The error is for operators and holds no credential.
pub(super) async fn dial(connection: &Connection) -> Result<Running, String> {
    match &connection.transport {
        Transport::Stdio { command, args, env, cwd } => {
            let mut program = program(command, args, cwd.as_ref());
            program.envs(env);
            introduce(start(&connection.name, command, program)?).await
        }
        Transport::Http { url, header } => {
            let mut headers = HashMap::new();
            if let Some((name, value)) = header {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "the header's name is not valid")?;
                let mut value = HeaderValue::from_str(value.expose()).map_err(|_| "the header's value is not valid")?;
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            // A lost session is not opened again behind our back: that would turn calls which were in flight into
            // error answers, and an answer must come from the integration.
            let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                .custom_headers(headers)
                .reinit_on_expired_session(false)
                .max_concurrent_requests(CALLS_IN_FLIGHT_MAX)
                .max_json_response_size(MESSAGE_BYTES_MAX)
                .max_sse_event_size(MESSAGE_BYTES_MAX);
            introduce(StreamableHttpClientTransport::with_client(http_client()?, config)).await
        }
    }
}

async fn introduce<T, E, A>(transport: T) -> Result<Running, String>
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let ourselves =
        ClientConfig::new(ClientCapabilities::default(), Implementation::new("writ", env!("CARGO_PKG_VERSION")));
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::LATEST],
        legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
    };
    let running = ourselves.serve_with_lifecycle(transport, lifecycle).await.map_err(|error| reason(&error))?;
    // A pin is compared with what the server says now, not with what it allowed us to remember.
    running.set_response_cache_config(ClientCacheConfig::disabled()).await;
    Ok(running)
}

fn program(command: &Path, args: &[String], cwd: Option<&PathBuf>) -> Command {
    let mut program = Command::new(command);
    program.args(args).env_clear().kill_on_drop(true);
    if let Some(path) = std::env::var_os("PATH") {
        program.env("PATH", path);
    }
    if let Some(cwd) = cwd {
        program.current_dir(cwd);
    }
    #[cfg(unix)]
    program.process_group(0);
    program
}

fn start(integration: &str, command: &Path, program: Command) -> Result<TokioChildProcess, String> {
    let (child, stderr) = TokioChildProcess::builder(program)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{}` cannot be started: {error}", command.display()))?;
    if let Some(stderr) = stderr {
        tokio::spawn(drain(integration.to_owned(), stderr));
    }
    Ok(child)
}

/// Reads a child's standard error to its end, so that the child never waits for a reader.
async fn drain(integration: String, mut stderr: ChildStderr) {
    let mut left = STDERR_BYTES_MAX;
    let mut chunk = [0_u8; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
        let shown = chunk.get(..length.min(left)).unwrap_or_default();
        if !shown.is_empty() {
            let text = String::from_utf8_lossy(shown).escape_debug().to_string();
            tracing::debug!(integration, text, "standard error of an integration");
            left = left.saturating_sub(shown.len());
        }
    }
}

fn reason(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::TransportError { error, .. } => match error.error.downcast_ref::<HttpError>() {
            Some(error) => http_reason(error),
            None => quoted(&error.error.to_string()),
        },
        ClientInitializeError::ConnectionClosed(_) => {
            "it closed the connection before it had introduced itself".to_owned()
        }
        ClientInitializeError::JsonRpcError(error) => {
            format!("it refused to be introduced: {}", quoted(&error.message))
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => reason(fallback),
        other => quoted(&other.to_string()),
    }
}
