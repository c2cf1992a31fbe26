//! `writ integration`: what integrations offer, beside what the operator has seen and pinned.
//!
//! Everything that a server says is made visible before it is printed. No class is changed here: that a tool is a read
//! is for a person to write into its file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value as Json, json};
use writ_core::definition::{Integration, ToolClass, parse_yaml};
use writ_core::visible::{visible_line, visible_name};
use writ_engine::pin::{self, Accepted, Item, Kind, Look, Snapshot};
use writ_engine::upstream::{ServerDescription, Upstream as _};
use writ_engine::workspace::{Defined, Workspace};

use crate::{output, wiring};

/// Add integrations, and compare what they offer with what was pinned.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Connect to a server for the first time and write its definition file: every tool an effect, with its pin.
    Add(Add),
    /// List each tool with its class, how it stands to its pin, and whether its texts hide something.
    List(Looked),
    /// Show what has changed since it was pinned. The exit code is 1 where anything has.
    Diff(Looked),
    /// Accept what a server says now: write pins and snapshot, and nothing else.
    Pin(Pin),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// The workspace folder.
    folder: PathBuf,
    /// The integration's name.
    name: String,
    /// The address of a server that speaks Streamable HTTP.
    #[arg(long, conflicts_with = "command")]
    url: Option<String>,
    /// The environment variable that holds the server's bearer token.
    #[arg(long, value_name = "VARIABLE", requires = "url")]
    credential_env: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The program that speaks MCP on its standard input and output, and its arguments. A path with a `/` is taken
    /// from the workspace folder, where it is run.
    #[arg(last = true, required_unless_present = "url")]
    command: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Looked {
    /// The workspace folder.
    folder: PathBuf,
    /// The integration; all of them where nothing is said.
    name: Option<String>,
    /// The person on whose behalf to connect, where the connection is a person's own.
    #[arg(long)]
    person: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Pin {
    /// The workspace folder.
    folder: PathBuf,
    /// The integration.
    name: String,
    /// The tools to accept, and prompts as `prompts/NAME`; everything where nothing is said.
    tools: Vec<String>,
    /// The person on whose behalf to connect, where the connection is a person's own.
    #[arg(long)]
    person: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    match args.verb {
        Verb::Add(args) => add(&args).await,
        Verb::List(args) => list(&args).await,
        Verb::Diff(args) => diff(&args).await,
        Verb::Pin(args) => accept(&args).await,
    }
}

async fn add(args: &Add) -> Result<ExitCode, String> {
    let name = &args.name;
    if !pin::is_integration_name(name) {
        return Err(format!("`{}` is no name: take letters, digits, `_` and `-`, a letter first", visible_name(name)));
    }
    let workspace = wiring::load(&args.folder)?;
    if let Some(defined) = workspace.integrations.iter().find(|defined| defined.value.integration == *name) {
        return Err(format!("`{name}` is defined in `{}`; see `writ integration diff` and `pin`", defined.file));
    }
    let relative = format!("integrations/{name}.yaml");
    let file = args.folder.join(&relative);
    if file.exists() {
        return Err(format!("`{}` is there already; nothing is overwritten", file.display()));
    }
    let from = match (&args.url, args.command.split_first()) {
        (Some(url), _) => {
            let credential = args.credential_env.as_ref().map(|variable| json!({ "env": variable }));
            json!({ "http": { "url": url, "credential": credential } })
        }
        (None, Some((command, arguments))) => json!({ "stdio": { "command": command, "args": arguments } }),
        (None, None) => return Err("say `--url URL`, or a command after `--`".to_owned()),
    };
    let integration: Integration =
        serde_json::from_value(json!({ "integration": name, "from": from })).map_err(|error| error.to_string())?;
    let now = described(&workspace, &integration, None).await?;
    let snapshot = Snapshot::of(name, &now).map_err(|error| error.to_string())?;
    let text = pin::draft(&integration.from, &snapshot)?;
    let written: Integration = parse_yaml(&relative, &text).map_err(|problem| problem.to_string())?;
    pin::create(&file, &text).map_err(|error| format!("`{}`: {error}", file.display()))?;
    snapshot.save(&args.folder).map_err(|error| error.to_string())?;
    let found = pin::look(&written, Some(&snapshot), &now);
    for item in &found.items {
        show(name, item, args.json);
    }
    if args.json {
        let files = [relative, format!("integrations/{name}.pinned.json")];
        output::json(&json!({ "integration": name, "server": visible_line(&now.server), "written": files }));
        return Ok(ExitCode::SUCCESS);
    }
    output::note(&format!("`{relative}` is written for {}; every tool is an effect", visible_line(&now.server)));
    output::note(
        "next: set `class: read` where you vouch that a call changes nothing, and name its tools in a mission",
    );
    Ok(ExitCode::SUCCESS)
}

async fn list(args: &Looked) -> Result<ExitCode, String> {
    let workspace = wiring::load(&args.folder)?;
    for Defined { value, .. } in chosen(&workspace, args.name.as_deref())? {
        match looked(&workspace, value, args.person.as_deref()).await {
            Ok(found) => found.items.iter().for_each(|item| show(&value.integration, item, args.json)),
            Err(why) => not_available(&value.integration, &why, args.json),
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn diff(args: &Looked) -> Result<ExitCode, String> {
    let workspace = wiring::load(&args.folder)?;
    let (mut differences, mut unavailable) = (0_usize, 0_usize);
    for Defined { value, .. } in chosen(&workspace, args.name.as_deref())? {
        match looked(&workspace, value, args.person.as_deref()).await {
            Ok(found) => differences = differences.saturating_add(differing(&value.integration, &found, args.json)),
            Err(why) => {
                unavailable = unavailable.saturating_add(1);
                not_available(&value.integration, &why, args.json);
            }
        }
    }
    if args.json {
        output::json(&json!({ "differences": differences, "unavailable": unavailable }));
    } else {
        output::note(&format!("{differences} differences, {unavailable} integrations not available"));
        if differences > 0 {
            output::note("what is in order is accepted with `writ integration pin`");
        }
    }
    Ok(if differences == 0 && unavailable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn accept(args: &Pin) -> Result<ExitCode, String> {
    let workspace = wiring::load(&args.folder)?;
    let Some(Defined { file, text, value }) = chosen(&workspace, Some(args.name.as_str()))?.first().copied() else {
        return Err(format!("there is no integration `{}`", args.name));
    };
    let now = described(&workspace, value, args.person.as_deref()).await?;
    let done = pin::accept(text, value, workspace.snapshots.get(&args.name), &now, &args.tools)?;
    let path = workspace.folder.join(file);
    if std::fs::read_to_string(&path).ok().as_ref() != Some(text) {
        return Err(format!("`{file}` has been changed in the meantime; run this again"));
    }
    if done.text != *text {
        pin::replace(&path, &done.text).map_err(|error| format!("`{file}`: {error}"))?;
    }
    done.snapshot.save(&args.folder).map_err(|error| error.to_string())?;
    report(&args.name, file, &done, args.json);
    Ok(if done.by_hand.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(integration: &str, file: &str, done: &Accepted, json: bool) {
    for (item, digest) in &done.pinned {
        let name = format!("{integration}.{}", item.label());
        if json {
            output::json(
                &json!({ "integration": integration, "tool": item.label(), "pin": digest, "was": item.state }),
            );
        } else {
            output::data(&format!("{name}  {}  {digest}", item.state.name()));
        }
        warn_of_hidden(item, json);
    }
    for (item, unwritable) in &done.by_hand {
        if json {
            let (under, line) = (&unwritable.under, &unwritable.line);
            output::json(&json!({ "integration": integration, "tool": item.label(), "under": under, "write": line }));
        } else {
            output::note(&format!("error: {file}: {unwritable}"));
        }
    }
    for item in &done.gone {
        output::note(&format!("{integration}.{} is not offered any more; take it out of {file}", item.label()));
    }
    if done.server_is_another {
        output::note("the server itself is another one now; `writ integration pin` without tools accepts that too");
    }
    output::note("a running server takes this up when it reloads (SIGHUP)");
}

/// The integrations that are meant.
fn chosen<'a>(workspace: &'a Workspace, name: Option<&str>) -> Result<Vec<&'a Defined<Integration>>, String> {
    let all = workspace.integrations.iter();
    let Some(name) = name else { return Ok(all.collect()) };
    let found: Vec<_> = all.clone().filter(|defined| defined.value.integration == name).collect();
    if found.is_empty() {
        let known: Vec<&str> = all.map(|defined| defined.value.integration.as_str()).collect();
        return Err(format!("there is no integration `{}`; there are {}", visible_name(name), known.join(", ")));
    }
    Ok(found)
}

async fn looked(workspace: &Workspace, integration: &Integration, person: Option<&str>) -> Result<Look, String> {
    let now = described(workspace, integration, person).await?;
    Ok(pin::look(integration, workspace.snapshots.get(&integration.integration), &now))
}

/// Asks one server. A connection of its own for each, so that one that cannot even be set up says so by itself.
async fn described(
    workspace: &Workspace,
    integration: &Integration,
    person: Option<&str>,
) -> Result<ServerDescription, String> {
    let upstream = wiring::upstream_of(workspace, std::slice::from_ref(integration))?;
    upstream.describe(&integration.integration, person).await.map_err(|error| error.to_string())
}

fn show(integration: &str, item: &Item, json: bool) {
    if json {
        return output::json(&as_json(integration, item));
    }
    let class = match (item.kind, item.class) {
        (Kind::Prompt, _) => "prompt",
        (Kind::Tool, Some(ToolClass::Read)) => "read",
        (Kind::Tool, Some(ToolClass::Effect)) => "effect",
        (Kind::Tool, None) => "-",
    };
    let hides = if item.hidden.is_empty() { "" } else { "  hidden text" };
    let name = format!("{integration}.{}", item.label());
    output::data(format!("{name:<40}  {class:<6}  {:<8}{hides}", item.state.name()).trim_end());
    warn_of_hidden(item, json);
}

fn warn_of_hidden(item: &Item, json: bool) {
    if !json {
        item.hidden.iter().for_each(|hidden| output::note(&format!("  {} hides text: {hidden}", item.label())));
    }
}

fn as_json(integration: &str, item: &Item) -> Json {
    json!({
        "integration": integration,
        "tool": item.label(),
        "kind": item.kind,
        "class": item.class,
        "state": item.state,
        "pin": item.pin,
        "digest": item.digest,
        "changes": item.changes,
        "hidden": item.hidden,
    })
}

/// Shows what has changed, and says of how many things.
fn differing(integration: &str, found: &Look, json: bool) -> usize {
    let changed = || found.items.iter().filter(|item| !item.changes.is_empty());
    match (&found.server, json) {
        (Some(change), true) => output::json(&json!({ "integration": integration, "server": change })),
        (Some(change), false) => output::data(&format!("{integration}: {change}")),
        (None, _) => {}
    }
    for item in changed() {
        if json {
            output::json(&as_json(integration, item));
            continue;
        }
        output::data(&format!("{integration}.{} ({})", item.label(), item.state.name()));
        item.changes.iter().for_each(|change| output::data(&format!("  {change}")));
        warn_of_hidden(item, json);
    }
    changed().count().saturating_add(usize::from(found.server.is_some()))
}

fn not_available(integration: &str, why: &str, json: bool) {
    let why = visible_line(why);
    if json {
        output::json(&json!({ "integration": integration, "unavailable": why }));
    } else {
        output::data(&format!("{integration}: {why}"));
    }
}
