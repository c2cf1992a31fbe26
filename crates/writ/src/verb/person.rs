//! `writ person`: personal tokens and sign-in links, made with the workspace's own key.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use writ_engine::token::Audience;

use crate::{client, output, wiring};

const API_TOKEN_MILLISECONDS: i64 = 12 * 3_600_000;

/// Personal tokens and sign-in links.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print a token for the API, good for twelve hours.
    Token(Named),
    /// Print a link that signs the person in to the console, once, within ten minutes.
    SignIn(Named),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The person, as in people.yaml.
    person: String,
    /// The workspace folder.
    #[arg(long, default_value = ".")]
    workspace: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, String> {
    match args.verb {
        Verb::Token(Named { person, workspace, json }) => {
            let workspace = wiring::load(&workspace)?;
            let (token, expires_at) = wiring::person_token(&workspace, &person, Audience::Api, API_TOKEN_MILLISECONDS)?;
            if json { output::json(&json!({ "token": token, "expires_at": expires_at })) } else { output::data(&token) }
        }
        Verb::SignIn(Named { person, workspace, json }) => {
            let workspace = wiring::load(&workspace)?;
            let address = client::address(&workspace)?;
            let (ticket, expires_at) = wiring::sign_in_ticket(&workspace, &person)?;
            let link = format!("{address}{}", writ_web::sign_in_with(&ticket, None));
            if json { output::json(&json!({ "link": link, "expires_at": expires_at })) } else { output::data(&link) }
        }
    }
    Ok(ExitCode::SUCCESS)
}
