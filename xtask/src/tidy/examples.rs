//! Every example is a test: each workspace folder under `examples/` is named by some test.

use super::Violation;
use super::repository::Repository;

const EXAMPLES: &str = "examples/";
/// The file that makes a folder a workspace.
const WORKSPACE_FILE: &str = "/writ.yaml";

pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let tests: Vec<&str> =
        repository.sources.iter().filter(|source| source.is_test).map(|source| source.text.as_str()).collect();
    let workspaces = repository.files.iter().filter(|file| file.path.starts_with(EXAMPLES));
    let workspaces = workspaces.filter_map(|file| file.path.strip_suffix(WORKSPACE_FILE));
    let untested = workspaces.filter(|folder| !tests.iter().any(|test| test.contains(folder)));
    untested.map(|folder| Violation::in_file(folder, "no test names this workspace")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::fixture;

    #[test]
    fn a_workspace_that_no_test_names_is_seen() {
        let workspace = ("examples/shop/workspace/writ.yaml", "");
        let test = ("crates/writ/tests/all.rs", "const WORKSPACES: [&str; 1] = [\"examples/shop/workspace\"];");
        assert_eq!(check(&fixture(&[workspace])).len(), 1);
        assert!(check(&fixture(&[workspace, test])).is_empty());
        assert_eq!(check(&fixture(&[workspace, ("crates/writ/src/lib.rs", test.1)])).len(), 1);
    }
}
