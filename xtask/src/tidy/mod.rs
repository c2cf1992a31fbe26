//! `cargo xtask tidy`: the rules of this project that no compiler knows, held by reading its files.
//!
//! Each module is one rule: a function from what was read to the places where it is broken, tested on small fixtures so
//! that every rule is known to be able to fail. Rules read text; they never change a file. What needs types is left to
//! clippy.

mod bans;
mod clocks;
mod dependencies;
mod error_pages;
mod examples;
mod lengths;
mod permits;
mod places;
mod repository;
mod rust_code;
mod shape;

use std::fmt;
use std::path::Path;

use crate::progress::say;
use repository::Repository;

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// The file, from the workspace folder, with `/` between folders.
    path: String,
    /// The line, from 1; 0 where the whole file is meant.
    line: usize,
    message: String,
}

impl Violation {
    fn in_file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: 0, message: message.into() }
    }

    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

pub(crate) fn run(workspace: &Path) -> Result<(), String> {
    let repository = Repository::read(workspace)?;
    let metadata = dependencies::metadata(workspace)?;
    let sources = &repository.sources;
    let mut violations = dependencies::check(&metadata);
    violations.extend(lengths::check(sources));
    violations.extend(shape::check(&repository));
    violations.extend(bans::check(sources));
    violations.extend(clocks::check(sources));
    violations.extend(permits::check(sources, &dependencies::folders_that_know(&metadata, "writ-knowledge")));
    violations.extend(places::check(&repository.files));
    violations.extend(error_pages::check(&repository.files, &error_pages::codes()));
    violations.extend(examples::check(&repository));
    violations.sort();
    for violation in &violations {
        say(&violation.to_string());
    }
    say(&format!("    {}", lengths::report(sources)));
    if violations.is_empty() { Ok(()) } else { Err(format!("{} places break a rule", violations.len())) }
}
