//! `writ credential`: seal, list, remove and rotate credentials, and link an integration in a person's name.
//!
//! A value comes from standard input alone, never from an argument, which other processes of the machine could see.
//! Nothing here prints one.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use writ_core::value::format_datetime;
use writ_mcp::credential::vault::VALUE_BYTES_MAX;
use writ_mcp::credential::{Key, Name};

use crate::{client, output, wiring};

/// Seal, list, remove and rotate credentials; link an integration in a person's name.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Seal a secret, read from standard input, under a name that definitions use as `sealed: NAME`.
    Set {
        /// The workspace folder.
        folder: PathBuf,
        /// Its name.
        name: String,
    },
    /// List what is sealed: names, kinds and dates.
    List {
        /// The workspace folder.
        folder: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove a secret, a person's tokens, or a registration at an authorization server.
    Remove {
        /// The workspace folder.
        folder: PathBuf,
        /// The secret's name.
        #[arg(required_unless_present = "integration", conflicts_with = "integration")]
        name: Option<String>,
        /// The integration whose tokens or registration are removed.
        #[arg(long)]
        integration: Option<String>,
        /// The person whose tokens are removed.
        #[arg(long, requires = "integration", conflicts_with = "issuer")]
        person: Option<String>,
        /// The authorization server at which the registration is.
        #[arg(long, requires = "integration")]
        issuer: Option<String>,
    },
    /// Seal everything anew under another key.
    Rotate {
        /// The workspace folder.
        folder: PathBuf,
        /// The file that holds the new key, 64 hexadecimal digits. Where the key is in a file and nothing is said, a
        /// new one is made.
        #[arg(long, value_name = "FILE")]
        new_key_file: Option<PathBuf>,
    },
    /// Print the address at which a person links an integration: it signs them in, once, within ten minutes.
    Link {
        /// The workspace folder.
        folder: PathBuf,
        /// The integration.
        integration: String,
        /// The person, as in people.yaml.
        #[arg(long)]
        person: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: Args) -> Result<ExitCode, String> {
    match args.verb {
        Verb::Set { folder, name } => {
            let name = Name::secret(&name).map_err(|error| error.to_string())?;
            let vault = wiring::vault(&wiring::load(&folder)?)?;
            vault.set(&name, &value()?).map_err(|error| wiring::chain(&error))?;
            output::note(&format!("sealed: {name}"));
        }
        Verb::List { folder, json } => {
            let vault = wiring::vault(&wiring::load(&folder)?)?;
            for listed in vault.list().map_err(|error| wiring::chain(&error))? {
                if json {
                    output::json(&json!({ "of": listed.name, "updated_at": listed.updated_at }));
                } else {
                    output::data(&format!("{}  {}", format_datetime(listed.updated_at), listed.name));
                }
            }
        }
        Verb::Remove { folder, name, integration, person, issuer } => {
            let name = match (name, integration, person, issuer) {
                (Some(name), None, ..) => Name::secret(&name).map_err(|error| error.to_string())?,
                (None, Some(integration), Some(person), None) => Name::Token { integration, person },
                (None, Some(integration), None, Some(issuer)) => Name::Registration { integration, issuer },
                _ => return Err("say a secret's name, or `--integration` with `--person` or `--issuer`".to_owned()),
            };
            let vault = wiring::vault(&wiring::load(&folder)?)?;
            if !vault.remove(&name).map_err(|error| wiring::chain(&error))? {
                return Err(format!("nothing is sealed as {name}"));
            }
            output::note(&format!("removed: {name}"));
        }
        Verb::Rotate { folder, new_key_file } => {
            let vault = wiring::vault(&wiring::load(&folder)?)?;
            let new = new_key_file.as_deref().map(Key::read_file).transpose().map_err(|error| wiring::chain(&error))?;
            let count = vault.rotate(new).map_err(|error| wiring::chain(&error))?;
            output::note(&format!(
                "{count} credentials are sealed under the new key; the old one opens nothing any more"
            ));
        }
        Verb::Link { folder, integration, person, json } => link(&folder, &integration, &person, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn link(folder: &std::path::Path, integration: &str, person: &str, json: bool) -> Result<(), String> {
    let workspace = wiring::load(folder)?;
    if !workspace.integrations.iter().any(|defined| defined.value.integration == integration) {
        return Err(format!("there is no integration `{integration}`"));
    }
    let listening = client::address(&workspace)?;
    let base = workspace.config.public_url.clone().unwrap_or(listening);
    let (ticket, expires_at) = wiring::sign_in_ticket(&workspace, person)?;
    let path = writ_web::sign_in_with(&ticket, Some(&writ_web::link_integration(integration)));
    let link = format!("{}{path}", base.trim_end_matches('/'));
    if json {
        output::json(&json!({ "link": link, "expires_at": expires_at }));
    } else {
        output::data(&link);
    }
    Ok(())
}

/// A secret from standard input, without the line's end.
fn value() -> Result<String, String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        output::note("type the secret, then Ctrl-D on a line of its own");
    }
    let mut text = String::new();
    input
        .lock()
        .take(VALUE_BYTES_MAX as u64 + 2)
        .read_to_string(&mut text)
        .map_err(|error| format!("standard input: {error}"))?;
    let value = text.strip_suffix('\n').unwrap_or(&text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.is_empty() {
        return Err("standard input is empty: pipe the secret in".to_owned());
    }
    Ok(value.to_owned())
}
