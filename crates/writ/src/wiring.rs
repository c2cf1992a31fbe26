//! Putting the crates together: keys, store, integrations, engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use writ_core::definition::{Integration, Problem, SealingKey, StoreAddress, Transport as Defined, parse_duration};
use writ_engine::clock::Clock;
use writ_engine::token::{Audience, Claims, TokenKey, new_id, read_or_create_secret};
use writ_engine::workspace::Workspace;
use writ_engine::{Engine, EngineOptions, StartError};
use writ_mcp::Secret;
use writ_mcp::credential::{Identity, KeySource, OAuthSource, Surroundings, Vault};
use writ_mcp::upstream::{Connection, Limits, McpUpstream, Transport};
use writ_store::{Database, Options, PostgresUrl, Store};
use writ_trail::note::{Signer, Verifier};

use crate::linking::Links;

/// How long a link that signs a person in is good.
const SIGN_IN_MILLISECONDS: i64 = 10 * 60_000;

/// Reads a workspace folder, with every problem as one text.
pub(crate) fn load(folder: &Path) -> Result<Workspace, String> {
    Workspace::load(folder).map_err(|problems| listed(&problems))
}

/// Problems, one after the other.
pub(crate) fn listed(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    format!("the workspace cannot be used\n{}", lines.join("\n"))
}

/// The key with which tokens are issued: whoever can read it is the operator.
pub(crate) fn token_key(workspace: &Workspace) -> Result<TokenKey, String> {
    let path = workspace.data().join("keys/token.key");
    TokenKey::load_or_create(&path).map_err(|error| format!("the key file `{}`: {error}", path.display()))
}

/// The key with which the trail's checkpoints are signed.
pub(crate) fn signer(workspace: &Workspace) -> Result<Signer, String> {
    let path = workspace.data().join("keys/trail.key");
    let seed = read_or_create_secret(&path).map_err(|error| format!("the key file `{}`: {error}", path.display()))?;
    Signer::new(&workspace.config.trail.origin, &seed).map_err(|error| format!("`trail.origin`: {error}"))
}

/// The witnesses whose cosignatures exports and proofs must have.
pub(crate) fn witnesses(workspace: &Workspace) -> Result<Vec<Verifier>, String> {
    let keys = workspace.config.trail.witnesses.iter();
    keys.map(|key| key.parse::<Verifier>().map_err(|error| format!("`trail.witnesses`: {error}"))).collect()
}

/// The database of the store.
pub(crate) fn database(workspace: &Workspace) -> Result<Database, String> {
    let address = match &workspace.config.store {
        None => return Ok(Database::Sqlite),
        Some(StoreAddress::Plain(address)) => Secret::new(address.as_str()),
        Some(StoreAddress::Secret(source)) => surroundings(workspace, &public_url(workspace))?
            .secret(source)
            .map_err(|error| format!("`store`: {error}"))?,
    };
    let url = PostgresUrl::parse(address.expose()).map_err(|error| format!("`store`: {error}"))?;
    Ok(Database::Postgres(Box::new(url)))
}

/// Issues a token for a person.
pub(crate) fn person_token(
    workspace: &Workspace,
    person: &str,
    audience: Audience,
    milliseconds: i64,
) -> Result<(String, i64), String> {
    if !workspace.people.value.people.contains_key(person) {
        let known: Vec<&str> = workspace.people.value.people.keys().map(String::as_str).collect();
        return Err(format!("there is no person `{person}` in people.yaml; there are {}", known.join(", ")));
    }
    let now = Clock::default().now();
    let exp = now.saturating_add(milliseconds);
    let jti = new_id("t").map_err(|refusal| refusal.to_string())?;
    let claims = Claims { aud: audience, sub: person.to_owned(), act: None, run: None, iat: now, exp, jti };
    Ok((token_key(workspace)?.issue(&claims), exp))
}

/// Issues a ticket with which a person signs in to the console, once.
pub(crate) fn sign_in_ticket(workspace: &Workspace, person: &str) -> Result<(String, i64), String> {
    person_token(workspace, person, Audience::SignIn, SIGN_IN_MILLISECONDS)
}

/// The sealed credentials of a workspace.
pub(crate) fn vault(workspace: &Workspace) -> Result<Vault, String> {
    let data = workspace.data();
    let key = match &workspace.config.credentials.key {
        None => KeySource::File(data.join("keys/credentials.key")),
        Some(SealingKey::File(file)) => KeySource::File(workspace.folder.join(file)),
        Some(SealingKey::Env(name)) => KeySource::Environment(name.clone()),
        Some(SealingKey::Command(command)) => KeySource::Command(command.clone()),
    };
    Vault::open(data.join("credentials.sealed"), key, Clock::default()).map_err(|error| chain(&error))
}

/// Where the credentials of connections come from. `public_url` is what others know this server by.
fn surroundings(workspace: &Workspace, public_url: &str) -> Result<Surroundings, String> {
    let path = workspace.data().join("keys/identity.key");
    let identity = Identity::load_or_create(&path, public_url, Clock::default())
        .map_err(|error| format!("the key file `{}`: {error}", path.display()))?;
    Ok(Surroundings {
        folder: workspace.folder.clone(),
        vault: Arc::new(vault(workspace)?),
        identity: Arc::new(identity),
        clock: Clock::default(),
    })
}

/// The address by which others know the server, where none is configured: the one that it is to listen on.
fn public_url(workspace: &Workspace) -> String {
    let config = &workspace.config;
    config.public_url.clone().unwrap_or_else(|| format!("http://{}", config.listen))
}

/// The integrations of a workspace.
pub(crate) fn upstream(workspace: &Workspace) -> Result<McpUpstream, String> {
    let integrations: Vec<Integration> = workspace.integrations.iter().map(|defined| defined.value.clone()).collect();
    upstream_of(workspace, &integrations)
}

/// Some integrations, reached as this workspace reaches its own.
pub(crate) fn upstream_of(workspace: &Workspace, integrations: &[Integration]) -> Result<McpUpstream, String> {
    connected(workspace, integrations, &public_url(workspace)).map(|connected| connected.upstream)
}

/// Integrations, and what belongs to them.
struct Connected {
    upstream: McpUpstream,
    /// Those that people link in their own name.
    linked: BTreeMap<String, Arc<OAuthSource>>,
    identity: Arc<Identity>,
}

fn connected(workspace: &Workspace, integrations: &[Integration], public_url: &str) -> Result<Connected, String> {
    let around = surroundings(workspace, public_url)?;
    let connections: Result<Vec<Connection>, String> = integrations
        .iter()
        .map(|integration| {
            connection(workspace, integration, &around)
                .map_err(|error| format!("integration `{}`: {error}", integration.integration))
        })
        .collect();
    let connections = connections?;
    let linked = connections.iter().filter_map(|connection| match &connection.transport {
        Transport::Http { credential, .. } => {
            credential.linked().map(|source| (connection.name.clone(), Arc::clone(source)))
        }
        Transport::Stdio { .. } => None,
    });
    let (linked, identity) = (linked.collect(), around.identity);
    Ok(Connected { upstream: McpUpstream::new(connections), linked, identity })
}

fn connection(workspace: &Workspace, integration: &Integration, around: &Surroundings) -> Result<Connection, String> {
    let transport = match &integration.from {
        Defined::Stdio { command, args, env, secrets } => {
            let secrets: Result<BTreeMap<String, Secret>, _> = secrets
                .iter()
                .map(|(name, source)| around.secret(source).map(|secret| (name.clone(), secret)))
                .collect();
            Transport::Stdio {
                command: program(&workspace.folder, command),
                args: args.clone(),
                env: env.clone(),
                secrets: secrets.map_err(|error| error.to_string())?,
                cwd: Some(workspace.folder.clone()),
            }
        }
        Defined::Http { url, credential } => {
            let credential =
                around.source(&integration.integration, url, credential.as_ref()).map_err(|error| error.to_string())?;
            Transport::Http { url: url.clone(), credential }
        }
    };
    let limits = &integration.limits;
    let answer = parse_duration(&limits.answer).and_then(|milliseconds| u64::try_from(milliseconds).ok());
    let answer = answer.ok_or_else(|| format!("`limits.answer`: `{}` is no length of time", limits.answer))?;
    Ok(Connection {
        name: integration.integration.clone(),
        transport,
        asks: integration.asks.clone(),
        limits: Limits {
            answer: Duration::from_millis(answer),
            calls_in_flight: usize::try_from(limits.calls_in_flight).unwrap_or(usize::MAX).max(1),
            calls_per_minute: limits.calls_per_minute,
            memory_mib: limits.memory_mib,
            processor_seconds: limits.processor_seconds,
            open_files: limits.open_files,
        },
    })
}

/// A path is taken from the workspace folder; a plain name is looked for beside this program, then in `PATH`.
fn program(folder: &Path, command: &Path) -> PathBuf {
    if command.components().count() > 1 {
        return folder.join(command);
    }
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(command)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| command.to_owned())
}

/// An engine with what belongs to its integrations.
pub(crate) struct Opened {
    pub(crate) engine: Arc<Engine>,
    /// The integrations that people link in their own name.
    pub(crate) links: Links,
    /// Counts up when a server says that what it offers has changed.
    pub(crate) changed: watch::Receiver<u64>,
}

/// Opens store and engine. `public_url` is what others know this server by.
pub(crate) async fn engine(workspace: Workspace, public_url: &str) -> Result<Opened, String> {
    // What only an export needs is looked at early, so that a wrong key is no surprise years later.
    witnesses(&workspace)?;
    let (folder, signer, database) = (workspace.data(), signer(&workspace)?, database(&workspace)?);
    let store = Store::open(Options { folder, signer, database }).map_err(|error| chain(&error))?;
    let integrations: Vec<Integration> = workspace.integrations.iter().map(|defined| defined.value.clone()).collect();
    let Connected { upstream, linked, identity } = connected(&workspace, &integrations, public_url)?;
    let changed = upstream.changed();
    let tokens = token_key(&workspace)?;
    let options = EngineOptions { workspace, store, upstream: Arc::new(upstream), tokens, clock: Clock::default() };
    let engine = Engine::open(options).await.map_err(|error| match error {
        StartError::Problems(problems) => listed(&problems),
        StartError::Store(error) => chain(&error),
    })?;
    let links = Links { sources: linked, identity, engine: Arc::clone(&engine) };
    Ok(Opened { engine, links, changed })
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
