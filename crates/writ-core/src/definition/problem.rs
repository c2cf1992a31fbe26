//! Problems of a definition, with their place in the file.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The workspace can be used, but something in it has no effect or is doubtful.
    Warning,
    /// The workspace can be used, but something in it is not what was pinned, and is refused until somebody has looked.
    Quarantine,
    /// The workspace cannot be used.
    Error,
}

/// Something wrong in a definition file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file, relative to the workspace folder.
    pub file: String,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: u64,
    /// The column, from 1; 0 where the whole line is meant.
    pub column: u64,
    /// The offending text, where there is one.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// A way out.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Quarantine => "quarantine",
            Severity::Error => "error",
        };
        write!(f, "{}:{}:{}: {severity}: {}", self.file, self.line, self.column, self.message)?;
        if !self.text.is_empty() {
            write!(f, "\n  | {}", self.text)?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  = {}", self.help)?;
        }
        Ok(())
    }
}

impl Problem {
    /// An error about a whole file.
    #[must_use]
    pub fn error(file: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line: 0,
            column: 0,
            text: String::new(),
            message: message.into(),
            help: help.into(),
        }
    }

    /// The problem as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The problem as something in quarantine.
    #[must_use]
    pub fn as_quarantine(mut self) -> Self {
        self.severity = Severity::Quarantine;
        self
    }

    /// The problem at the first place in the file's text where `needle` stands, after `after` where that is found.
    ///
    /// YAML is parsed into plain data, so a problem that is found later is put back to its place by the text
    /// that it is about.
    #[must_use]
    pub fn at_text(mut self, source: &str, after: &str, needle: &str) -> Self {
        let from = source.find(after).unwrap_or(0);
        let at =
            source.get(from..).and_then(|rest| rest.find(needle)).map(|at| from + at).or_else(|| source.find(needle));
        if let Some(at) = at {
            self = self.at_offset(source, at);
        }
        self
    }

    /// The problem at a byte offset of the file's text.
    #[must_use]
    pub fn at_offset(mut self, source: &str, at: usize) -> Self {
        let before = source.get(..at).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.line = before.matches('\n').count() as u64 + 1;
        self.column = before.get(line_start..).unwrap_or("").chars().count() as u64 + 1;
        self.text = source.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("").trim_end().to_owned();
        self
    }
}

/// Parses a definition file.
///
/// # Errors
/// The first thing that does not fit, with its place.
pub fn parse_yaml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location();
        let message = error.without_snippet().to_string();
        let mut problem = Problem::error(
            file,
            message.lines().next().unwrap_or_default().to_owned(),
            "see `writ schema` for what may stand here",
        );
        if let Some(location) = location {
            problem.line = location.line();
            problem.column = location.column();
            let line = usize::try_from(location.line()).unwrap_or(0).saturating_sub(1);
            problem.text = text.lines().nth(line).unwrap_or("").trim_end().to_owned();
        }
        problem
    })
}
