//! `writ schema KIND`: the JSON Schemas of the definition files, for editors.

use std::process::ExitCode;

use writ_core::definition::{KINDS, json_schema};

use crate::output;

/// Print the JSON Schema of a kind of definition file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The kind.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(KINDS))]
    kind: String,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let schema = json_schema(&args.kind).ok_or_else(|| format!("there is no kind `{}`", args.kind))?;
    output::data(&serde_json::to_string_pretty(&schema).map_err(|error| error.to_string())?);
    Ok(ExitCode::SUCCESS)
}
