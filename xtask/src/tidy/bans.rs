//! Calls that code outside tests does not make.
//!
//! Clippy denies most of them; this holds where a lint could be allowed away, and sees to it that it is not.

use super::Violation;
use super::repository::Source;

struct Ban {
    text: &'static str,
    instead: &'static str,
}

const BANS: [Ban; 16] = [
    Ban { text: "unsafe", instead: "there is no unsafe code here" },
    Ban { text: ".unwrap()", instead: "return an error, or say what else is to be done" },
    Ban { text: ".unwrap_err()", instead: "match on the result" },
    Ban { text: ".expect(", instead: "return an error, or say what else is to be done" },
    Ban { text: "panic!", instead: "return an error" },
    Ban { text: "todo!", instead: "do it, or leave it out" },
    Ban { text: "unimplemented!", instead: "do it, or leave it out" },
    Ban { text: "dbg!", instead: "use `tracing`" },
    Ban { text: "println!", instead: "write to `std::io::stdout()`, whose failure is an error" },
    Ban { text: "print!", instead: "write to `std::io::stdout()`, whose failure is an error" },
    Ban { text: "eprintln!", instead: "write to `std::io::stderr()`, or use `tracing`" },
    Ban { text: "eprint!", instead: "write to `std::io::stderr()`, or use `tracing`" },
    Ban { text: "clippy::unwrap_used", instead: "this lint is not allowed away outside tests" },
    Ban { text: "clippy::expect_used", instead: "this lint is not allowed away outside tests" },
    Ban { text: "clippy::indexing_slicing", instead: "this lint is not allowed away outside tests" },
    Ban { text: "clippy::panic", instead: "this lint is not allowed away outside tests" },
];

pub(crate) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.is_product()) {
        for (number, line) in source.code_lines() {
            for ban in BANS.iter().filter(|ban| holds(line, ban.text)) {
                violations.push(Violation::at(&source.path, number, format!("`{}`: {}", ban.text, ban.instead)));
            }
        }
    }
    violations
}

/// Whether a line of code holds a text that is not a part of longer words.
pub(super) fn holds(line: &str, text: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let (first, last) = (text.chars().next().is_some_and(is_word), text.chars().next_back().is_some_and(is_word));
    line.match_indices(text).any(|(at, found)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + found.len()..).and_then(|after| after.chars().next());
        !(first && before.is_some_and(is_word) || last && after.is_some_and(is_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::fixture;

    #[test]
    fn each_ban_can_be_broken() {
        for ban in BANS {
            let line = format!("fn f() {{\n    {} x\n}}", ban.text);
            let broken = check(&fixture(&[("crates/a/src/a.rs", line.as_str())]).sources);
            let lines: Vec<usize> = broken.iter().map(|violation| violation.line).collect();
            assert_eq!(lines, [2], "{}", ban.text);
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        let code = "// x.unwrap()\nlet unsafe_code = \"todo!()\"; my_println!(x); x.unwrap_or(y); x.expected(1);\n\
                    #[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }\n";
        assert!(check(&fixture(&[("crates/a/src/a.rs", code)]).sources).is_empty());
        assert!(check(&fixture(&[("crates/a/tests/a.rs", "x.unwrap()")]).sources).is_empty());
    }
}
