//! `writ trail`: export the log, prove one decision or run, verify either offline, and watch another server's log.

mod cosigned;
mod remote;
mod verify;
mod watch;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use writ_store::Archive;

use crate::{output, wiring};

/// Export, verify and watch the trail.
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
    /// Write everything up to the last signed checkpoint, or up to a cosigned one, into an empty folder.
    Export {
        /// The folder to write.
        folder: PathBuf,
        #[command(flatten)]
        cosigned: cosigned::Args,
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
        #[command(flatten)]
        cosigned: cosigned::Args,
        /// The file to write; standard output where nothing is said.
        #[arg(long)]
        output: Option<PathBuf>,
        /// The workspace folder.
        #[arg(long, default_value = ".")]
        workspace: PathBuf,
    },
    /// Verify an export folder or a proof file. Needs nothing but it and the public key.
    Verify(verify::Args),
    /// Follow another server's log as an independent witness, and raise an alarm where it is not append-only.
    Watch(watch::Args),
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, String> {
    match args.verb {
        Verb::Key { workspace } => {
            let workspace = wiring::load(&workspace)?;
            output::data(&wiring::signer(&workspace)?.verifier().to_string());
        }
        Verb::Export { folder, cosigned, workspace, json } => {
            let report = archive(&workspace, &cosigned)?.export(&folder).map_err(|error| error.to_string())?;
            if json {
                output::json(&json!({ "leaves": report.size, "origin": report.origin }));
            } else {
                output::note(&format!("{} leaves written to {}", report.size, folder.display()));
            }
        }
        Verb::Proof { decision, run, cosigned, output: file, workspace } => {
            let archive = archive(&workspace, &cosigned)?;
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
        Verb::Watch(args) => return watch::run(args).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn archive(workspace: &Path, cosigned: &cosigned::Args) -> Result<Archive, String> {
    let workspace = wiring::load(workspace)?;
    let log = wiring::signer(&workspace)?.verifier();
    let database = wiring::database(&workspace)?;
    let archive = Archive::open(&workspace.data(), &database, log.clone()).map_err(|error| wiring::chain(&error))?;
    cosigned.apply(archive, &log, wiring::witnesses(&workspace)?)
}
