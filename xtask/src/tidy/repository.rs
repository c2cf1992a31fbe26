//! The files of the repository, as the rules see them.
//!
//! Git says which files there are: those that it tracks and those that it would, so that a new file is held to the
//! rules before its first commit. What is ignored, and what is no text, is not looked at.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::rust_code::{self, Code};
use crate::command::output;

/// A text file.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// From the workspace folder, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A Rust source file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments, literals and test items blanked out; line for line the same.
    pub(crate) code: String,
    /// Whether the whole file is test code.
    pub(crate) is_test: bool,
}

#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) files: Vec<TextFile>,
    pub(crate) sources: Vec<Source>,
}

impl Source {
    /// Whether the file is part of a program or library, and not of its tests.
    pub(crate) fn is_product(&self) -> bool {
        !self.is_test && self.path.split('/').any(|part| part == "src")
    }

    /// The lines of the blanked code, numbered from 1.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

impl Repository {
    pub(crate) fn read(workspace: &Path) -> Result<Self, String> {
        let mut files = Vec::new();
        for path in listed(workspace)? {
            match std::fs::read(workspace.join(&path)) {
                Ok(bytes) => {
                    if let Ok(text) = String::from_utf8(bytes) {
                        files.push(TextFile { path, text });
                    }
                }
                // Git still lists a file that has just been deleted.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{path}: {error}")),
            }
        }
        Ok(Self::of(files))
    }

    pub(crate) fn of(files: Vec<TextFile>) -> Self {
        let rust = files.iter().filter(|file| is_rust(&file.path));
        let mut sources: Vec<Source> = Vec::new();
        let mut test_modules = BTreeSet::new();
        for TextFile { path, text } in rust {
            let Code { code, test_modules: names } = rust_code::read(text);
            test_modules.extend(names.iter().map(|name| format!("{}/{name}", folder_of_modules(path))));
            sources.push(Source { path: path.clone(), text: text.clone(), code, is_test: false });
        }
        for source in &mut sources {
            source.is_test = source.path.split('/').any(|part| part == "tests")
                || test_modules.iter().any(|module| belongs_to(&source.path, module));
        }
        Self { files, sources }
    }
}

fn listed(workspace: &Path) -> Result<BTreeSet<String>, String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(workspace);
    let printed = output(&mut git)?;
    let printed = String::from_utf8(printed).map_err(|_| "a file's name is not UTF-8".to_owned())?;
    Ok(printed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The folder in which the modules that a file declares are looked for.
fn folder_of_modules(path: &str) -> String {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "mod" | "lib" | "main" => folder.to_owned(),
        _ => path.to_owned(),
    }
}

fn belongs_to(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// A repository of small files, for the tests of the rules.
#[cfg(test)]
pub(crate) fn fixture(files: &[(&str, &str)]) -> Repository {
    let files = files.iter().map(|(path, text)| TextFile { path: (*path).to_owned(), text: (*text).to_owned() });
    Repository::of(files.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_modules_are_found_where_they_are_declared() {
        let repository = fixture(&[
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod testing;\nmod b;\n"),
            ("crates/a/src/testing.rs", ""),
            ("crates/a/src/testing/server.rs", ""),
            ("crates/a/src/b.rs", "#[cfg(test)]\nmod tests;\n"),
            ("crates/a/src/b/tests.rs", ""),
            ("crates/a/src/b/deep.rs", ""),
            ("crates/a/tests/all.rs", ""),
            ("crates/a/build.rs", ""),
        ]);
        let tests: Vec<&str> =
            repository.sources.iter().filter(|source| source.is_test).map(|source| source.path.as_str()).collect();
        let expected = [
            "crates/a/src/testing.rs",
            "crates/a/src/testing/server.rs",
            "crates/a/src/b/tests.rs",
            "crates/a/tests/all.rs",
        ];
        assert_eq!(tests, expected);
        let products = repository.sources.iter().filter(|source| source.is_product()).count();
        assert_eq!(products, 3);
    }
}
