//! `writ run`: start, show and stop runs.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value as Json, json};
use writ_core::visible::visible_whole;

use crate::client::{Caller, Client};
use crate::output;

/// Start, show and stop runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start a run; prints its id and the token for its worker.
    Start {
        /// The mission.
        mission: String,
        /// A parameter, as name=value; numbers and booleans as JSON, anything else as text.
        #[arg(long = "param", value_name = "NAME=VALUE")]
        params: Vec<String>,
        /// The person on whose behalf it acts, if it is not the one who asks.
        #[arg(long = "for", value_name = "PERSON")]
        on_behalf_of: Option<String>,
        #[command(flatten)]
        caller: Caller,
    },
    /// List the latest runs.
    List {
        #[command(flatten)]
        caller: Caller,
    },
    /// Show one run.
    Show {
        /// The run.
        run: String,
        #[command(flatten)]
        caller: Caller,
    },
    /// Print a run's events.
    Rail {
        /// The run.
        run: String,
        #[command(flatten)]
        caller: Caller,
    },
    /// Stop a run: its worker can do nothing more.
    Stop {
        /// The run.
        run: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        caller: Caller,
    },
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    match args.verb {
        Verb::Start { mission, params, on_behalf_of, caller } => {
            let params: Result<Map<String, Json>, String> = params.iter().map(|param| parameter(param)).collect();
            let mut body = json!({ "mission": mission, "params": params? });
            if let (Some(person), Json::Object(body)) = (on_behalf_of, &mut body) {
                body.insert("person".to_owned(), Json::String(person));
            }
            let started = Client::new(&caller)?.post("/api/runs", &body).await?;
            if caller.json {
                output::json(&started);
            } else {
                output::data(&format!("{} {}", text(&started, "run"), text(&started, "token")));
            }
        }
        Verb::List { caller } => {
            let runs = Client::new(&caller)?.get("/api/runs").await?;
            for run in runs.get("runs").and_then(Json::as_array).into_iter().flatten() {
                if caller.json {
                    output::json(run);
                } else {
                    let start = run.get("start").cloned().unwrap_or_default();
                    output::data(&format!(
                        "{}  {:<9}  {} for {}",
                        text(run, "id"),
                        text(run, "status"),
                        text(&start, "mission"),
                        text(&start, "person")
                    ));
                }
            }
        }
        Verb::Show { run, caller } => {
            let run = Client::new(&caller)?.get(&format!("/api/runs/{run}")).await?;
            show(&run, caller.json);
        }
        Verb::Rail { run, caller } => rail(&Client::new(&caller)?, &run, caller.json).await?,
        Verb::Stop { run, reason, caller } => {
            let run =
                Client::new(&caller)?.post(&format!("/api/runs/{run}/stop"), &json!({ "reason": reason })).await?;
            show(&run, caller.json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn rail(client: &Client, run: &str, json: bool) -> Result<(), String> {
    let mut from = 0;
    loop {
        let page = client.get(&format!("/api/runs/{run}/rail?from={from}&limit=500")).await?;
        let events = page.get("events").and_then(Json::as_array).cloned().unwrap_or_default();
        if events.is_empty() {
            return Ok(());
        }
        for event in &events {
            if json {
                output::json(event);
            } else {
                let at = event.get("at").and_then(Json::as_i64).unwrap_or_default();
                output::data(&format!(
                    "{:>6}  {}  {}",
                    event.get("seq").cloned().unwrap_or_default(),
                    writ_core::value::format_datetime(at),
                    text(event, "event")
                ));
            }
        }
        from = page.get("next").and_then(Json::as_u64).unwrap_or(u64::MAX);
    }
}

fn show(value: &Json, json: bool) {
    if json {
        output::json(value);
    } else {
        // JSON escapes neither what changes the reading direction nor all that steers a terminal.
        let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
        pretty.lines().for_each(|line| output::data(&visible_whole(line)));
    }
}

fn text(value: &Json, name: &str) -> String {
    value.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn parameter(param: &str) -> Result<(String, Json), String> {
    let (name, value) = param.split_once('=').ok_or_else(|| format!("`{param}` is not name=value"))?;
    let value = match serde_json::from_str(value) {
        Ok(json @ (Json::Number(_) | Json::Bool(_))) => json,
        _ => Json::String(value.to_owned()),
    };
    Ok((name.to_owned(), value))
}
