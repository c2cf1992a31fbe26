//! `writ trail verify`: an export or a proof, checked offline with the public key alone, and what it shows.
//!
//! Nothing is printed as data before everything has been checked. A proof whose decision may still go on is refused
//! unless the caller says that this will do: from the file alone nobody can tell whether its end was left out.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use writ_core::visible::visible_line;
use writ_store::{Account, Entry, Flaw, Runs};
use writ_trail::bundle::{FILE_BYTES_MAX, Proof};
use writ_trail::export;
use writ_trail::note::Verifier;

use super::words;
use crate::{output, wiring};

/// What to verify, and against what.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder or file.
    path: PathBuf,
    /// The public key, as `writ trail key` printed it, or a file that holds it.
    #[arg(long)]
    key: String,
    /// The public key of a witness, or a file that holds it: it must have cosigned. May be given several times.
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
    /// Accept a proof of what has not come to its end: the events after its last one, if there are any, are not in it.
    #[arg(long)]
    unfinished: bool,
    /// Print JSON: for a proof, each event as well.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), String> {
    let log = verifier(&args.key)?;
    let witnesses = verifiers(&args.witness)?;
    if args.path.is_dir() { export(args, &log, &witnesses) } else { proof(args, &log, &witnesses) }
}

/// A public key, or the one in a file.
pub(super) fn verifier(key: &str) -> Result<Verifier, String> {
    let text = std::fs::read_to_string(key).unwrap_or_else(|_| key.to_owned());
    text.trim().parse::<Verifier>().map_err(|error| format!("the key: {error}"))
}

/// Several public keys, each once.
pub(super) fn verifiers(keys: &[String]) -> Result<Vec<Verifier>, String> {
    let mut verifiers = Vec::new();
    for key in keys {
        let verifier = verifier(key)?;
        if !verifiers.contains(&verifier) {
            verifiers.push(verifier);
        }
    }
    Ok(verifiers)
}

fn export(args: &Args, log: &Verifier, witnesses: &[Verifier]) -> Result<(), String> {
    let (mut runs, mut flaw) = (Runs::default(), None);
    let visit = |leaf, body: &[u8]| {
        if flaw.is_none() {
            flaw = runs.follow(leaf, body).err();
        }
    };
    let report = export::verify_export_reading(&args.path, log, witnesses, visit).map_err(|error| invalid(&error))?;
    if let Some(flaw) = flaw {
        return Err(invalid(&flaw));
    }
    if args.json {
        output::json(&json!({
            "verified": true,
            "leaves": report.size,
            "erased": report.erased,
            "origin": report.origin,
            "witnesses": names(witnesses),
            "runs": runs.count(),
            "torn": runs.torn(),
        }));
        return Ok(());
    }
    let (origin, root) = (&report.origin, report.root);
    output::note(&format!("verified: {} leaves of {origin}{}, root {root}", report.size, cosigned(witnesses)));
    let missing = match (report.erased, runs.torn()) {
        (0, 0) => "every event of each is there".to_owned(),
        (0, torn) => format!("{torn} of them have events that do not say what came before them"),
        (erased, torn) => format!("{erased} leaves are erased, and {torn} of the runs are torn by that"),
    };
    output::note(&format!("runs: {}; {missing}", runs.count()));
    Ok(())
}

fn proof(args: &Args, log: &Verifier, witnesses: &[Verifier]) -> Result<(), String> {
    let proof = Proof::parse(&text(&args.path)?).map_err(|error| invalid(&error))?;
    let checkpoint = proof.verify(log, witnesses).map_err(|error| invalid(&error))?;
    let bodies = proof.into_bodies();
    let entries: Result<Vec<Entry>, Flaw> = bodies.iter().map(|(leaf, body)| Entry::read(*leaf, body)).collect();
    let entries = entries.map_err(|flaw| invalid(&flaw))?;
    let account = Account::of(&entries).map_err(|flaw| invalid(&flaw))?;
    let settled = account.is_settled();
    if !settled && !args.unfinished {
        return Err(format!(
            "{}, and may go on: from this file nobody can tell what came after its last event. \
             Ask for a proof from after its end, or say `--unfinished`",
            words::shown(&account)
        ));
    }
    if args.json {
        for (leaf, body) in &bodies {
            let body: Json = serde_json::from_slice(body).map_err(|error| format!("leaf {leaf}: {error}"))?;
            output::json(&body);
        }
        let decisions: Vec<Json> = account
            .decisions
            .iter()
            .map(|decision| json!({ "decision": decision.id(), "status": decision.status.name() }))
            .collect();
        output::json(&json!({
            "verified": true,
            "leaves": entries.len(),
            "origin": checkpoint.origin,
            "checkpoint": checkpoint.size,
            "witnesses": names(witnesses),
            "run": account.run,
            "status": account.whole_run.as_ref().map(|run| run.status.name()),
            "whole_run": account.whole_run.is_some(),
            "decisions": decisions,
            "settled": settled,
        }));
        return Ok(());
    }
    for entry in &entries {
        output::data(&words::event(entry));
    }
    output::note(&words::shown(&account));
    if !settled {
        output::note("it may have gone on since: events after the last one here are not in this file");
    }
    output::note(&format!(
        "verified: {} leaves of {}, under its checkpoint of {} leaves{}; no event of the {} is missing in between",
        entries.len(),
        checkpoint.origin,
        checkpoint.size,
        cosigned(witnesses),
        if account.whole_run.is_some() { "run" } else { "decision" }
    ));
    Ok(())
}

/// Who has cosigned, in words.
fn cosigned(witnesses: &[Verifier]) -> String {
    if witnesses.is_empty() { String::new() } else { format!(", cosigned by {}", names(witnesses).join(" and ")) }
}

fn names(witnesses: &[Verifier]) -> Vec<&str> {
    witnesses.iter().map(Verifier::name).collect()
}

/// The text of a file, no longer than a proof may be.
fn text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("`{}`: {error}", path.display());
    let mut text = String::new();
    // One byte more than allowed, so that a longer file is refused as one and not cut.
    let bytes_max = FILE_BYTES_MAX as u64 + 1;
    File::open(path).map_err(unreadable)?.take(bytes_max).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// What does not hold, as one line without anything that would steer a terminal.
fn invalid(error: &impl std::error::Error) -> String {
    format!("trail_invalid: {}", visible_line(&wiring::chain(error)))
}
