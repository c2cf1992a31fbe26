//! `writ decision`: list and decide what waits for a person.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value as Json, json};

use crate::client::{Caller, Client};
use crate::output;

/// List and decide what waits for a person.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Show {
    Open,
    Settled,
    All,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List decisions, newest first.
    List {
        /// Which.
        #[arg(long, value_enum, default_value = "open")]
        show: Show,
        #[command(flatten)]
        caller: Caller,
    },
    /// Show one decision: what would happen, why it may ask, and the digest of the exact bytes.
    Show {
        /// The decision.
        decision: String,
        #[command(flatten)]
        caller: Caller,
    },
    /// Approve exactly what `show` showed.
    Approve {
        /// The decision.
        decision: String,
        /// The digest that `show` printed. An approval names what it approves.
        #[arg(long)]
        digest: String,
        /// Why, for the record.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        caller: Caller,
    },
    /// Reject, with a reason that the worker reads.
    Reject {
        /// The decision.
        decision: String,
        /// The digest that `show` printed.
        #[arg(long)]
        digest: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        caller: Caller,
    },
    /// Say what happened to an effect whose outcome is unknown.
    Settle {
        /// The decision.
        decision: String,
        /// Whether the effect did happen.
        #[arg(long, action = clap::ArgAction::Set)]
        succeeded: bool,
        /// What you found.
        #[arg(long)]
        note: String,
        #[command(flatten)]
        caller: Caller,
    },
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    match args.verb {
        Verb::List { show, caller } => {
            let show = match show {
                Show::Open => "open",
                Show::Settled => "settled",
                Show::All => "all",
            };
            let found = Client::new(&caller)?.get(&format!("/api/decisions?show={show}")).await?;
            for decision in found.get("decisions").and_then(Json::as_array).into_iter().flatten() {
                if caller.json {
                    output::json(decision);
                } else {
                    let id = at(decision, &["proposal", "decision"]);
                    output::data(&format!("{id}  {:<9}  {}", at(decision, &["status"]), at(decision, &["headline"])));
                }
            }
        }
        Verb::Show { decision, caller } => {
            let decision = Client::new(&caller)?.get(&format!("/api/decisions/{decision}")).await?;
            show(&decision, caller.json);
        }
        Verb::Approve { decision, digest, reason, caller } => {
            let body = json!({ "action_digest": digest, "approve": true, "reason": reason });
            vote(&caller, &decision, &body).await?;
        }
        Verb::Reject { decision, digest, reason, caller } => {
            let body = json!({ "action_digest": digest, "approve": false, "reason": reason });
            vote(&caller, &decision, &body).await?;
        }
        Verb::Settle { decision, succeeded, note, caller } => {
            let body = json!({ "succeeded": succeeded, "note": note });
            let settled = Client::new(&caller)?.post(&format!("/api/decisions/{decision}/settle"), &body).await?;
            show(&settled, caller.json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn vote(caller: &Caller, decision: &str, body: &Json) -> Result<(), String> {
    let voted = Client::new(caller)?.post(&format!("/api/decisions/{decision}/vote"), body).await?;
    if caller.json {
        output::json(&voted);
    } else {
        output::data(&format!("{decision} is {}", at(&voted, &["status"])));
    }
    Ok(())
}

fn show(decision: &Json, json: bool) {
    if json {
        return output::json(decision);
    }
    output::data(&at(decision, &["headline"]));
    output::data(&format!("status     {}", at(decision, &["status"])));
    for line in decision.get("card").and_then(Json::as_array).into_iter().flatten() {
        let mark = line
            .get("mark")
            .and_then(|mark| mark.get("text"))
            .and_then(Json::as_str)
            .map_or_else(String::new, |mark| format!("  [{mark}]"));
        output::data(&format!("  {:<16} {}{mark}", at(line, &["label"]), visible(&at(line, &["text"]))));
    }
    output::data("why it is allowed to ask");
    for reason in decision.get("permitted_by").and_then(Json::as_array).into_iter().flatten() {
        output::data(&format!(
            "  {:<16} {} {}",
            at(reason, &["set"]),
            at(reason, &["policy"]),
            at(reason, &["detail"])
        ));
    }
    if let Some(claim) = decision.get("proposal").and_then(|proposal| proposal.get("claim")).and_then(Json::as_str) {
        output::data("what the worker says (claimed, not checked)");
        output::data(&format!("  {}", visible(claim)));
    }
    output::data(&format!("exactly    {}", visible(&at(decision, &["canonical"]))));
    output::data(&format!("digest     {}", at(decision, &["proposal", "action_digest"])));
}

/// Text of somebody else, with whatever would not show, or would steer the terminal, written out.
fn visible(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                character.escape_unicode().to_string()
            }
            character if character.is_control() => character.escape_default().to_string(),
            character => character.to_string(),
        })
        .collect()
}

fn at(value: &Json, path: &[&str]) -> String {
    let found = path.iter().try_fold(value, |value, name| value.get(name));
    found.and_then(Json::as_str).unwrap_or_default().to_owned()
}
