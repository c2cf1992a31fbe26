//! `writ serve DIR`: the server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use writ_engine::workspace::Workspace;
use writ_engine::{Engine, StartError};

use crate::client::address_file;
use crate::wiring::Opened;
use crate::{output, wiring};

/// Serve a workspace.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workspace folder.
    folder: PathBuf,
    /// The address to listen on, instead of the workspace's own.
    #[arg(long)]
    listen: Option<String>,
    /// Print one JSON object with the address once the server answers.
    #[arg(long)]
    json: bool,
}

/// A server that listens.
pub(crate) struct Running {
    pub(crate) engine: Arc<Engine>,
    /// The address, as `http://host:port`.
    pub(crate) address: String,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    sweep: tokio::task::JoinHandle<()>,
    inspect: tokio::task::JoinHandle<()>,
    address_file: PathBuf,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    output::log();
    let workspace = wiring::load(&args.folder)?;
    let running = start(workspace, args.listen.as_deref()).await?;
    if args.json {
        output::json(&json!({ "listening": running.address }));
    } else {
        output::note(&format!("listening on {}", running.address));
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let mut reload = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = reload.recv() => match running.engine.reload(&args.folder).await {
                Ok(()) => tracing::info!("the definitions were reloaded"),
                Err(StartError::Problems(problems)) => tracing::error!("{}; the old ones stay in force", wiring::listed(&problems)),
                Err(error) => tracing::error!("{}", wiring::chain(&error)),
            },
        }
    }
    running.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the engine and listens.
pub(crate) async fn start(workspace: Workspace, listen: Option<&str>) -> Result<Running, String> {
    let listen = listen.unwrap_or(&workspace.config.listen).to_owned();
    let mut hosts = workspace.config.hosts.clone();
    let data = workspace.data();
    let public_url = workspace.config.public_url.clone();
    let public_log = workspace.config.trail.public;
    let listener =
        TcpListener::bind(&listen).await.map_err(|error| format!("`{listen}` cannot be listened on: {error}"))?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    let address = format!("http://{bound}");
    let base_url = public_url.unwrap_or_else(|| address.clone());
    let Opened { engine, links, changed } = wiring::engine(workspace, &base_url).await?;
    hosts.extend([bound.to_string(), format!("localhost:{}", bound.port()), format!("127.0.0.1:{}", bound.port())]);
    let stop = CancellationToken::new();
    let worker_side = writ_mcp::server::ServerConfig {
        allowed_origins: hosts.iter().flat_map(|host| [format!("http://{host}"), format!("https://{host}")]).collect(),
        allowed_hosts: hosts.clone(),
        console_url: base_url.clone(),
        shutdown: stop.clone(),
        ..writ_mcp::server::ServerConfig::default()
    };
    let secure_cookies = base_url.starts_with("https://");
    let people_side = writ_web::WebConfig { base_url, allowed_hosts: hosts, secure_cookies, public_log };
    let router = writ_web::router(engine.clone(), people_side, Arc::new(links))
        .merge(writ_mcp::server::router(engine.clone(), worker_side));
    let sweep = tokio::spawn(engine.clone().sweep_forever());
    let inspect = tokio::spawn(engine.clone().inspect_forever(changed));
    let served = tokio::spawn(crate::listen::serve(listener, router, stop.clone()));
    let address_file = address_file(&data);
    std::fs::write(&address_file, format!("{address}\n"))
        .map_err(|error| format!("`{}`: {error}", address_file.display()))?;
    Ok(Running { engine, address, stop, served, sweep, inspect, address_file })
}

impl Running {
    /// Stops answering and waits a moment for what is under way.
    pub(crate) async fn stop(self) -> Result<(), String> {
        const GRACE_SECONDS: u64 = 3;
        self.stop.cancel();
        _ = tokio::time::timeout(std::time::Duration::from_secs(GRACE_SECONDS), self.served).await;
        for task in [self.sweep, self.inspect] {
            task.abort();
            _ = task.await;
        }
        _ = std::fs::remove_file(&self.address_file);
        // The last holder closes the store, which signs what is not signed yet.
        drop(self.engine);
        Ok(())
    }
}
