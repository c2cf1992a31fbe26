//! One page for each error code, all of one form, and an index that leads to each.
//!
//! The codes come from `writ-core` itself: a new code without a page, or a page whose code is gone, breaks the rule.

use writ_core::code::Code;

use super::Violation;
use super::repository::TextFile;

const FOLDER: &str = "docs/errors/";
const INDEX: &str = "docs/errors/README.md";
const SECTIONS: [&str; 3] = ["When", "What to do", "What is recorded"];

/// The names of all codes.
pub(crate) fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.name()).collect()
}

pub(crate) fn check(files: &[TextFile], codes: &[&str]) -> Vec<Violation> {
    let page = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let index = page(INDEX).unwrap_or_default();
    let mut violations = Vec::new();
    for code in codes {
        let path = format!("{FOLDER}{code}.md");
        match page(&path) {
            None => violations.push(Violation::in_file(&path, format!("the code `{code}` has no page"))),
            Some(text) => violations.extend(form(&path, code, text)),
        }
        if !index.contains(&format!("({code}.md)")) {
            violations.push(Violation::in_file(INDEX, format!("nothing leads to `{code}.md`")));
        }
    }
    for file in files {
        let name = file.path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".md"));
        if let Some(name) = name.filter(|name| *name != "README" && !codes.contains(name)) {
            violations.push(Violation::in_file(&file.path, format!("there is no code `{name}`")));
        }
    }
    violations
}

/// What is wrong with a page's form: a title, one paragraph, and three sections that say something.
fn form(path: &str, code: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut parts = text.split("\n## ");
    let head = parts.next().unwrap_or_default();
    let body = head.strip_prefix("# ").and_then(|head| head.strip_prefix(code));
    let meaning = body.filter(|body| body.starts_with('\n')).map(str::trim);
    match meaning {
        None => violations.push(Violation::at(path, 1, format!("the title is not `# {code}`"))),
        Some("") => violations.push(Violation::at(path, 1, "no sentence says what the code means")),
        Some(_) => {}
    }
    let sections: Vec<(&str, &str)> = parts.map(|part| part.split_once('\n').unwrap_or((part, ""))).collect();
    let titles: Vec<&str> = sections.iter().map(|(title, _)| *title).collect();
    if titles != SECTIONS {
        let message = format!("the sections are not `## {}`", SECTIONS.join("`, `## "));
        violations.push(Violation::in_file(path, message));
    }
    for (title, _) in sections.iter().filter(|(_, body)| body.trim().is_empty()) {
        violations.push(Violation::in_file(path, format!("`## {title}` says nothing")));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "# a_code\n\nIt means.\n\n## When\n\nNow.\n\n## What to do\n\nThis.\n\n## What is recorded\n\nThat.\n";

    fn broken(files: &[(&str, &str)]) -> usize {
        let files = files.iter().map(|(path, text)| TextFile { path: (*path).to_owned(), text: (*text).to_owned() });
        check(&files.collect::<Vec<_>>(), &["a_code"]).len()
    }

    #[test]
    fn a_page_for_each_code_and_no_other() {
        let index = ("docs/errors/README.md", "[a_code](a_code.md)");
        assert_eq!(broken(&[index, ("docs/errors/a_code.md", PAGE)]), 0);
        assert_eq!(broken(&[index]), 1);
        assert_eq!(broken(&[("docs/errors/a_code.md", PAGE)]), 1);
        assert_eq!(broken(&[index, ("docs/errors/a_code.md", PAGE), ("docs/errors/gone.md", PAGE)]), 1);
    }

    #[test]
    fn all_pages_have_one_form() {
        for (from, to) in [("# a_code", "# other"), ("It means.", ""), ("## When", "## Why"), ("This.", "")] {
            let page = PAGE.replacen(from, to, 1);
            assert_eq!(form("p", "a_code", &page).len(), 1, "{from}");
        }
    }

    #[test]
    fn there_are_codes() {
        assert!(codes().contains(&"not_permitted"));
    }
}
