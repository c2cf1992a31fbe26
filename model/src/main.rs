//! `writ-model`: visits every state of the protocol within its bounds, and breaks each rule to see it found.
//!
//! Fails where a state breaks a promise, where something is not reached that should be, or where a broken rule is not
//! found.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;
use writ_model::{Bounds, Broken, Explored, Protocol, explore, find};

/// Checks the protocol of decisions in every state that it can reach.
#[derive(Parser)]
struct Cli {
    /// Go further than the tests do: minutes, in an optimised build
    #[arg(long)]
    deep: bool,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Where standard error is closed, nobody is left to be told.
            let _ = writeln!(std::io::stderr().lock(), "error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let deep = if cli.deep { Bounds::DEEP.to_vec() } else { Vec::new() };
    let (mut states, mut transitions, mut violations) = (0_usize, 0_usize, 0_usize);
    let mut unreached = Vec::new();
    for bounds in Bounds::EVERYDAY.into_iter().chain(deep) {
        let protocol = Protocol::new(bounds.clone()).map_err(|error| error.to_string())?;
        let explored = explore(protocol, threads);
        states = states.saturating_add(explored.states);
        transitions = transitions.saturating_add(explored.transitions);
        violations = violations.saturating_add(explored.broken.len());
        tell(&if cli.json { row(&bounds, &explored) } else { line(&bounds, &explored) })?;
        unreached.extend(explored.unreached);
    }
    let mut found = 0_usize;
    for rule in Broken::ALL {
        let protocol = Protocol::broken(*rule).map_err(|error| error.to_string())?;
        let steps = find(protocol, rule.promise()).map(|steps| steps.len());
        found = found.saturating_add(usize::from(steps.is_some()));
        let (name, promise) = (rule.name(), rule.promise());
        tell(&if cli.json {
            json!({ "broken": name, "promise": promise, "found": steps.is_some(), "steps": steps }).to_string()
        } else {
            let steps = steps.map_or("NOT FOUND".to_owned(), |steps| format!("{steps} steps"));
            format!("{name}: not so that {promise} ({steps})")
        })?;
    }
    let rules = Broken::ALL.len();
    tell(&if cli.json {
        json!({
            "states": states,
            "transitions": transitions,
            "violations": violations,
            "rules": rules,
            "found": found,
        })
        .to_string()
    } else {
        let sizes = format!("{states} states, {transitions} transitions, {violations} violations");
        format!("{sizes}; {found} of {rules} broken rules found")
    })?;
    if violations > 0 || found < rules {
        return Err("the protocol does not keep what it promises".to_owned());
    }
    if unreached.is_empty() { Ok(()) } else { Err(format!("never reached: {}", unreached.join(", "))) }
}

fn row(bounds: &Bounds, explored: &Explored) -> String {
    let broken: Vec<&str> = explored.broken.iter().map(|(promise, _)| *promise).collect();
    json!({
        "bounds": bounds.name,
        "decisions": bounds.proposals.len(),
        "runs": bounds.runs(),
        "replicas": Bounds::REPLICAS,
        "voters": bounds.voters.len(),
        "approvals_needed": bounds.approvals_needed,
        "profile": bounds.profile,
        "attempts_max": bounds.attempts_max,
        "crashes_max": bounds.crashes_max,
        "policies": bounds.policies,
        "moments": bounds.moments.len(),
        "states": explored.states,
        "transitions": explored.transitions,
        "promises": explored.promises,
        "violations": broken,
        "unreached": explored.unreached,
    })
    .to_string()
}

fn line(bounds: &Bounds, explored: &Explored) -> String {
    let (decisions, runs, replicas, voters) =
        (bounds.proposals.len(), bounds.runs(), Bounds::REPLICAS, bounds.voters.len());
    let Bounds { attempts_max, crashes_max, policies, .. } = bounds;
    let mut text = format!(
        "{}: {decisions} decisions of {runs} runs, {replicas} servers, {voters} voters, {attempts_max} attempts, \
         {crashes_max} crashes, {policies} policies, {} moments: {} states, {} transitions, {} promises",
        bounds.name,
        bounds.moments.len(),
        explored.states,
        explored.transitions,
        explored.promises
    );
    for (promise, steps) in &explored.broken {
        text.push_str(&format!("\n  BROKEN: {promise}"));
        for step in steps {
            text.push_str(&format!("\n    {step:?}"));
        }
    }
    text
}

fn tell(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| format!("standard output: {error}"))
}
