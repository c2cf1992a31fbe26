//! Putting the crates together: keys, store, integrations, engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use writ_core::definition::{Credential, Integration, Problem, Transport as Defined};
use writ_engine::clock::Clock;
use writ_engine::token::{Audience, Claims, TokenKey, new_id, read_or_create_secret};
use writ_engine::workspace::Workspace;
use writ_engine::{Engine, EngineOptions, StartError};
use writ_mcp::Secret;
use writ_mcp::upstream::{Connection, McpUpstream, Transport};
use writ_store::{Options, Store};
use writ_trail::note::Signer;

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

/// The integrations of a workspace.
pub(crate) fn upstream(workspace: &Workspace) -> Result<McpUpstream, String> {
    let connections: Result<Vec<Connection>, String> =
        workspace.integrations.iter().map(|defined| connection(workspace, &defined.value)).collect();
    Ok(McpUpstream::new(connections?))
}

fn connection(workspace: &Workspace, integration: &Integration) -> Result<Connection, String> {
    let transport = match &integration.from {
        Defined::Stdio { command, args, env } => Transport::Stdio {
            command: program(&workspace.folder, command),
            args: args.clone(),
            env: env.clone(),
            cwd: Some(workspace.folder.clone()),
        },
        Defined::Http { url, credential } => {
            let header = credential.as_ref().map(|credential| secret(workspace, credential)).transpose();
            let header = header.map_err(|error| format!("integration `{}`: {error}", integration.integration))?;
            Transport::Http { url: url.clone(), header }
        }
    };
    Ok(Connection { name: integration.integration.clone(), transport })
}

/// A path is taken from the workspace folder; a plain name is looked for beside this program, then in `PATH`.
fn program(folder: &Path, command: &Path) -> PathBuf {
    if command.components().count() > 1 {
        return folder.join(command);
    }
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(command)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| command.to_owned())
}

fn secret(workspace: &Workspace, credential: &Credential) -> Result<(String, Secret), String> {
    let value = match (&credential.env, &credential.file) {
        (Some(name), None) => {
            std::env::var(name).map_err(|_| format!("the environment variable `{name}` is not set"))?
        }
        (None, Some(file)) => {
            let path = workspace.folder.join(file);
            let text = std::fs::read_to_string(&path).map_err(|error| format!("`{}`: {error}", path.display()))?;
            text.trim().to_owned()
        }
        _ => return Err("a credential names either `env` or `file`".to_owned()),
    };
    let bearer = credential.header.eq_ignore_ascii_case("authorization");
    let value = if bearer { format!("Bearer {value}") } else { value };
    Ok((credential.header.clone(), Secret::new(value)))
}

/// Opens store and engine.
pub(crate) async fn engine(workspace: Workspace) -> Result<Arc<Engine>, String> {
    let store = Store::open(Options { folder: workspace.data(), signer: signer(&workspace)? })
        .map_err(|error| chain(&error))?;
    let upstream = Arc::new(upstream(&workspace)?);
    let tokens = token_key(&workspace)?;
    let options = EngineOptions { workspace, store, upstream, tokens, clock: Clock::default() };
    Engine::open(options).await.map_err(|error| match error {
        StartError::Problems(problems) => listed(&problems),
        StartError::Store(error) => chain(&error),
    })
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
