//! The shape of packages and files: one set of lints, an opening paragraph, and names that say what a thing is.

use super::Violation;
use super::repository::{Repository, Source};

/// Lints of the whole workspace that must stay as strict as this.
const WORKSPACE_LINTS: [&str; 8] = [
    "unsafe_code = \"forbid\"",
    "unwrap_used = \"deny\"",
    "expect_used = \"deny\"",
    "indexing_slicing = \"deny\"",
    "panic = \"deny\"",
    "todo = \"deny\"",
    "print_stdout = \"deny\"",
    "print_stderr = \"deny\"",
];

/// Names that tell what a module is not: they say neither what it is for nor what it is.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "helpers", "helper", "common", "manager", "misc", "shared"];

pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &repository.files {
        if file.path == "Cargo.toml" {
            let missing = WORKSPACE_LINTS.iter().filter(|lint| !file.text.lines().any(|line| line.trim() == **lint));
            violations
                .extend(missing.map(|lint| Violation::in_file(&file.path, format!("the lint `{lint}` is missing"))));
        } else if file.path.ends_with("/Cargo.toml") && !takes_lints(&file.text) {
            let message = "the package does not take the workspace's lints: add `[lints]` with `workspace = true`";
            violations.push(Violation::in_file(&file.path, message));
        }
    }
    for source in &repository.sources {
        violations.extend(source_shape(source));
    }
    violations
}

fn takes_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.find(|line| !line.is_empty()) == Some("workspace = true")
}

fn source_shape(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    if source.is_product() && !source.text.starts_with("//! ") {
        let message = "the file does not open with a paragraph of `//!` that says what it is for";
        violations.push(Violation::at(&source.path, 1, message));
    }
    let name = source.path.trim_end_matches(".rs").split('/').find(|part| EMPTY_NAMES.contains(part));
    if let Some(name) = name {
        let message = format!("`{name}` says nothing: name the module for what it is or does");
        violations.push(Violation::in_file(&source.path, message));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::fixture;

    fn broken(path: &str, text: &str) -> usize {
        check(&fixture(&[(path, text)])).len()
    }

    #[test]
    fn packages_take_the_lints() {
        assert_eq!(broken("crates/a/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n"), 0);
        for manifest in
            ["[package]\n", "[lints]\n[dependencies]\nworkspace = true\n", "[lints.rust]\nworkspace = true\n"]
        {
            assert_eq!(broken("crates/a/Cargo.toml", manifest), 1, "{manifest}");
        }
        assert_eq!(broken("Cargo.toml", &WORKSPACE_LINTS.join("\n")), 0);
        assert_eq!(broken("Cargo.toml", &WORKSPACE_LINTS.join("\n").replace("forbid", "warn")), 1);
    }

    #[test]
    fn files_say_what_they_are_for() {
        assert_eq!(broken("crates/a/src/tree.rs", "//! A tree.\n"), 0);
        assert_eq!(broken("crates/a/src/tree.rs", "use std::fmt;\n"), 1);
        assert_eq!(broken("crates/a/src/helpers.rs", "//! Things.\n"), 1);
        assert_eq!(broken("crates/a/src/common/mod.rs", "//! Things.\n"), 1);
        assert_eq!(broken("crates/a/tests/tree.rs", ""), 0);
    }
}
