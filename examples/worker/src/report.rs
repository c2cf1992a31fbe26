//! What the worker says of its progress: one line a step.
//!
//! For people the lines go to standard error and the verdict alone to standard output; with `--json` each step is
//! one object a line on standard output. A step is announced once it is done, and this is where a run of the demo
//! can be made slower, or be broken off.

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Map, Value as Json, json};

use crate::error::WorkerError;

/// What a shell reports of a process that was killed.
const KILLED_EXIT_CODE: i32 = 137;

/// The steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Step {
    Connected,
    Status,
    Described,
    Case,
    Order,
    Payment,
    Customer,
    Policies,
    Observed,
    OtherOrder,
    TooLarge,
    Outside,
    Refund,
    Note,
    Waiting,
    Decided,
    Concluded,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Status => "status",
            Self::Described => "described",
            Self::Case => "case",
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Customer => "customer",
            Self::Policies => "policies",
            Self::Observed => "observed",
            Self::OtherOrder => "other_order",
            Self::TooLarge => "too_large",
            Self::Outside => "outside",
            Self::Refund => "refund",
            Self::Note => "note",
            Self::Waiting => "waiting",
            Self::Decided => "decided",
            Self::Concluded => "concluded",
        }
    }
}

/// How progress is told.
pub(crate) struct Report {
    json: bool,
    pause: Duration,
    kill_after: Option<Step>,
}

impl Report {
    pub(crate) fn new(json: bool, pause: Duration, kill_after: Option<Step>) -> Self {
        Self { json, pause, kill_after }
    }

    /// Announces a step that is done: a sentence for people and the details for programs.
    pub(crate) async fn done(&self, step: Step, text: &str, details: Json) -> Result<(), WorkerError> {
        if self.json {
            let mut line = Map::new();
            line.insert("step".to_owned(), json!(step.name()));
            line.insert("text".to_owned(), json!(text));
            if let Json::Object(details) = details {
                line.extend(details);
            }
            let mut out = io::stdout().lock();
            writeln!(out, "{}", Json::Object(line))?;
            out.flush()?;
        } else {
            writeln!(io::stderr(), "worker: {text}")?;
        }
        if self.kill_after == Some(step) {
            std::process::exit(KILLED_EXIT_CODE);
        }
        tokio::time::sleep(self.pause).await;
        Ok(())
    }

    /// Writes the verdict where a person's script would look for it. With `--json` the last step has told it.
    pub(crate) fn verdict(&self, verdict: &Json) -> Result<(), WorkerError> {
        if !self.json {
            writeln!(io::stdout(), "{verdict}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_called_the_same_on_the_command_line_and_in_the_output() {
        for step in Step::value_variants() {
            assert_eq!(step.to_possible_value().unwrap().get_name(), step.name());
        }
    }
}
