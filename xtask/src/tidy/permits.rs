//! Authorization is a value that the engine alone makes.
//!
//! The types see to it that a permit cannot be made elsewhere, nor a withheld result opened without its record; this
//! sees to it that nobody widens them without a look at this file.

use super::Violation;
use super::bans::holds;
use super::repository::Source;

/// The only crate that makes permits and opens what is withheld.
const ENGINE: &str = "crates/writ-engine/src/";

const MAKING: [&str; 2] = ["Permit {", "Permit::"];
const OPENING: &str = ".open()";

/// `knowing` are the folders of the packages that can name a withheld result at all.
pub(crate) fn check(sources: &[Source], knowing: &[String]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.is_product() && !source.path.starts_with(ENGINE)) {
        let may_open = !knowing.iter().any(|folder| source.path.starts_with(folder.as_str()));
        for (number, line) in source.code_lines() {
            if let Some(text) = MAKING.iter().find(|text| holds(line, text)) {
                let message = format!("`{text}`: permits are made in {ENGINE} alone");
                violations.push(Violation::at(&source.path, number, message));
            }
            if !may_open && holds(line, OPENING) {
                let message = format!("`{OPENING}`: what is withheld is opened in {ENGINE} alone");
                violations.push(Violation::at(&source.path, number, message));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::fixture;

    fn broken(path: &str, code: &str) -> usize {
        check(&fixture(&[(path, code)]).sources, &["crates/writ/".to_owned()]).len()
    }

    #[test]
    fn only_the_engine_makes_and_opens() {
        for code in ["let p = Permit { x };", "Permit::for_effect(x)", "withheld.open()"] {
            assert_eq!(broken("crates/writ/src/a.rs", code), 1, "{code}");
            assert_eq!(broken("crates/writ-engine/src/a.rs", code), 0, "{code}");
        }
    }

    #[test]
    fn other_things_may_be_opened() {
        assert_eq!(broken("crates/writ-mcp/src/a.rs", "link.open()"), 0);
        assert_eq!(broken("crates/writ/src/a.rs", "fn f(permit: Permit) {} file.open(path); // Permit { x }"), 0);
    }
}
