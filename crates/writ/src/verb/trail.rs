//! `writ trail`: export the log, prove one decision, and verify either offline.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use writ_store::Archive;
use writ_trail::note::Verifier;
use writ_trail::{bundle, export};

use crate::{output, wiring};

/// Export and verify the trail.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the public key with which the log's checkpoints are verified.
    Key {
        /// The workspace folder.
        #[arg(long, default_value = ".")]
        workspace: PathBuf,
    },
    /// Write everything up to the last signed checkpoint into an empty folder.
    Export {
        /// The folder to write.
        folder: PathBuf,
        /// The workspace folder.
        #[arg(long, default_value = ".")]
        workspace: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write one file that proves every event of one decision.
    Proof {
        /// The decision.
        decision: String,
        /// The file to write; standard output where nothing is said.
        #[arg(long)]
        output: Option<PathBuf>,
        /// The workspace folder.
        #[arg(long, default_value = ".")]
        workspace: PathBuf,
    },
    /// Verify an export folder or a proof file. Needs nothing but it and the public key.
    Verify {
        /// The folder or file.
        path: PathBuf,
        /// The public key, as `writ trail key` printed it, or a file that holds it.
        #[arg(long)]
        key: String,
        /// Print JSON: for a proof, each event as well.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: Args) -> Result<ExitCode, String> {
    match args.verb {
        Verb::Key { workspace } => {
            let workspace = wiring::load(&workspace)?;
            output::data(&wiring::signer(&workspace)?.verifier().to_string());
        }
        Verb::Export { folder, workspace, json } => {
            let report = archive(&workspace)?.export(&folder).map_err(|error| error.to_string())?;
            if json {
                output::json(&json!({ "leaves": report.size, "origin": report.origin }));
            } else {
                output::note(&format!("{} leaves written to {}", report.size, folder.display()));
            }
        }
        Verb::Proof { decision, output: file, workspace } => {
            let proof = archive(&workspace)?.proof(&decision).map_err(|error| error.to_string())?;
            match file {
                Some(file) => std::fs::write(&file, proof).map_err(|error| format!("`{}`: {error}", file.display()))?,
                None => output::data(proof.trim_end()),
            }
        }
        Verb::Verify { path, key, json } => verify(&path, &key, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn archive(workspace: &Path) -> Result<Archive, String> {
    let workspace = wiring::load(workspace)?;
    let verifier = wiring::signer(&workspace)?.verifier();
    Archive::open(&workspace.data(), verifier).map_err(|error| wiring::chain(&error))
}

fn verify(path: &Path, key: &str, json: bool) -> Result<(), String> {
    let text = std::fs::read_to_string(key).unwrap_or_else(|_| key.to_owned());
    let verifier: Verifier = text.trim().parse().map_err(|error| format!("the key: {error}"))?;
    if path.is_dir() {
        let report = export::verify_export(path, &verifier, &[])
            .map_err(|error| format!("trail_invalid: {}", wiring::chain(&error)))?;
        if json {
            output::json(
                &json!({ "verified": true, "leaves": report.size, "erased": report.erased, "origin": report.origin }),
            );
        } else {
            output::note(&format!("verified: {} leaves of {}, root {}", report.size, report.origin, report.root));
        }
        return Ok(());
    }
    let proof = std::fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    let events =
        bundle::verify(&proof, &verifier).map_err(|error| format!("trail_invalid: {}", wiring::chain(&error)))?;
    for (seq, body) in &events {
        let body: serde_json::Value = serde_json::from_slice(body).map_err(|error| format!("leaf {seq}: {error}"))?;
        if json {
            output::json(&body);
        } else {
            output::data(&format!(
                "{seq:>6}  {}",
                body.get("event").and_then(serde_json::Value::as_str).unwrap_or_default()
            ));
        }
    }
    if json {
        output::json(&json!({ "verified": true, "leaves": events.len() }));
    } else {
        output::note(&format!("verified: {} leaves", events.len()));
    }
    Ok(())
}
