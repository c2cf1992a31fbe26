//! `writ trail`: export the log, prove one decision or run, and verify either offline.

mod verify;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use writ_store::Archive;

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
    /// Write one file that proves every event of one decision, or of one run.
    Proof {
        /// The decision.
        #[arg(required_unless_present = "run")]
        decision: Option<String>,
        /// The run, instead of a decision.
        #[arg(long, conflicts_with = "decision")]
        run: Option<String>,
        /// The file to write; standard output where nothing is said.
        #[arg(long)]
        output: Option<PathBuf>,
        /// The workspace folder.
        #[arg(long, default_value = ".")]
        workspace: PathBuf,
    },
    /// Verify an export folder or a proof file. Needs nothing but it and the public key.
    Verify(verify::Args),
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
        Verb::Proof { decision, run, output: file, workspace } => {
            let archive = archive(&workspace)?;
            let proof = match run {
                Some(run) => archive.proof_of_run(&run),
                None => archive.proof(&decision.unwrap_or_default()),
            };
            let proof = proof.map_err(|error| error.to_string())?;
            match file {
                Some(file) => std::fs::write(&file, proof).map_err(|error| format!("`{}`: {error}", file.display()))?,
                None => output::data(proof.trim_end()),
            }
        }
        Verb::Verify(args) => verify::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn archive(workspace: &Path) -> Result<Archive, String> {
    let workspace = wiring::load(workspace)?;
    let verifier = wiring::signer(&workspace)?.verifier();
    Archive::open(&workspace.data(), verifier).map_err(|error| wiring::chain(&error))
}
