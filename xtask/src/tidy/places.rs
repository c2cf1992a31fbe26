//! Nothing in the repository tells on which machine it was written.
//!
//! A path of one machine works nowhere else, and the host of a package registry is a matter of each machine's own
//! settings. The texts looked for are put together here, so that this file does not hold them itself.

use super::Violation;
use super::repository::TextFile;

/// Top folders of machines, without the slashes around them.
const MACHINE_FOLDERS: [&str; 2] = ["work", "root"];

/// Hosts of package registries, in two parts.
const REGISTRY_HOSTS: [(&str, &str); 6] = [
    ("index", "crates.io"),
    ("static", "crates.io"),
    ("pypi", "org"),
    ("files", "pythonhosted.org"),
    ("registry", "npmjs.org"),
    ("deb", "debian.org"),
];

pub(crate) fn check(files: &[TextFile]) -> Vec<Violation> {
    let paths: Vec<String> = MACHINE_FOLDERS.iter().map(|folder| format!("/{folder}/")).collect();
    let hosts: Vec<String> = REGISTRY_HOSTS.iter().map(|(host, domain)| format!("{host}.{domain}")).collect();
    let mut violations = Vec::new();
    for TextFile { path, text } in files {
        for (index, line) in text.lines().enumerate() {
            let place = paths.iter().find(|found| starts_a_path(line, found));
            let host = hosts.iter().find(|found| line.contains(found.as_str()));
            for found in place.into_iter().chain(host) {
                let message = format!("`{found}` is a place of one machine: leave it out, or take it from a setting");
                violations.push(Violation::at(path, index + 1, message));
            }
        }
    }
    violations
}

/// Whether an absolute path starts with this, rather than a part of a longer path or address.
fn starts_a_path(line: &str, found: &str) -> bool {
    line.match_indices(found).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || "._-/~}".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(line: &str) -> usize {
        check(&[TextFile { path: "README.md".to_owned(), text: format!("first\n{line}\n") }]).len()
    }

    #[test]
    fn places_of_one_machine_are_seen() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(broken(&format!("cd /{folder}/main")), 1);
            assert_eq!(broken(&format!("(\"/{folder}/.cargo\")")), 1);
        }
        for (host, domain) in REGISTRY_HOSTS {
            assert_eq!(broken(&format!("https://{host}.{domain}/x")), 1);
        }
    }

    #[test]
    fn parts_of_longer_paths_are_not() {
        assert_eq!(broken("https://example.com/work/1, ../work/x, ./root/y, $HOME and ${HOME}/work/x"), 0);
        assert_eq!(broken("registry+https://github.com/rust-lang/crates.io-index"), 0);
    }
}
