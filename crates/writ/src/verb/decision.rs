//! `writ decision`: list and decide what waits for a person.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value as Json, json};
use writ_core::visible::visible_whole;

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
        let mark = at(line, &["mark", "text"]);
        let mark = if mark.is_empty() { mark } else { format!("  [{mark}]") };
        output::data(&format!("  {:<16} {}{mark}", at(line, &["label"]), at(line, &["text"])));
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
    if decision.pointer("/proposal/claim").is_some_and(Json::is_string) {
        output::data("what the worker says (claimed, not checked)");
        output::data(&format!("  {}", at(decision, &["proposal", "claim"])));
    }
    output::data(&format!("exactly    {}", at(decision, &["canonical"])));
    output::data(&format!("digest     {}", at(decision, &["proposal", "action_digest"])));
}

/// A text of the answer, whole and made visible: much of it is somebody else's.
fn at(value: &Json, path: &[&str]) -> String {
    let found = path.iter().try_fold(value, |value, name| value.get(name));
    visible_whole(found.and_then(Json::as_str).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_an_answer_steers_the_terminal() {
        let long = "x".repeat(5_000);
        let decision = json!({
            "headline": "Refund\u{1b}[2K\u{9b}1m\u{202e}",
            "proposal": { "claim": "fine\ndigest     0" },
            "canonical": long,
        });
        assert_eq!(at(&decision, &["headline"]), "Refund\\u{1b}[2K\\u{9b}1m\\u{202e}");
        assert_eq!(at(&decision, &["proposal", "claim"]), "fine\\ndigest     0");
        assert_eq!(at(&decision, &["canonical"]), long, "what is approved is shown whole");
        assert_eq!(at(&decision, &["proposal", "nothing"]), "");
    }
}
