//! Which checkpoint an export or a proof stands on: the log's last one, or one that witnesses have cosigned.

use std::path::PathBuf;

use writ_store::Archive;
use writ_trail::note::{self, Verifier};

use super::verify::verifiers;
use crate::wiring;

/// The checkpoint to stand on.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A cosigned checkpoint, as a witness keeps it, instead of the last one. May be given several times, for the
    /// cosignatures of several witnesses under the same checkpoint.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The public key of a witness that must have cosigned it, or a file that holds it, beside those of `writ.yaml`. May
    /// be given several times.
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
}

impl Args {
    /// The archive on this checkpoint. `required` are the witnesses that the workspace names.
    pub(super) fn apply(&self, archive: Archive, log: &Verifier, required: Vec<Verifier>) -> Result<Archive, String> {
        let mut witnesses = Vec::new();
        for witness in required.into_iter().chain(verifiers(&self.witness)?) {
            if !witnesses.contains(&witness) {
                witnesses.push(witness);
            }
        }
        if self.checkpoint.is_empty() {
            if witnesses.is_empty() {
                return Ok(archive);
            }
            let names: Vec<&str> = witnesses.iter().map(Verifier::name).collect();
            return Err(format!(
                "this has to be cosigned by {}: give the checkpoint that they have cosigned with `--checkpoint FILE`",
                names.join(" and ")
            ));
        }
        let notes: Result<Vec<String>, String> = self
            .checkpoint
            .iter()
            .map(|file| std::fs::read_to_string(file).map_err(|error| format!("`{}`: {error}", file.display())))
            .collect();
        let notes = notes?;
        let notes: Vec<&str> = notes.iter().map(String::as_str).collect();
        let checkpoint =
            note::gather(&notes, log, &witnesses).map_err(|error| format!("the cosigned checkpoint: {error}"))?;
        archive.cosigned(checkpoint, witnesses).map_err(|error| wiring::chain(&error))
    }
}
