//! How long files are: short enough to be read whole.
//!
//! No Rust file may pass one limit; of the files that ship, half must stay under a lower one and nine in ten under a
//! third, so that the limit is the exception.

use super::Violation;
use super::repository::Source;

const LINES_MAX: usize = 800;
const MEDIAN_LINES_MAX: usize = 150;
const NINE_IN_TEN_LINES_MAX: usize = 400;

/// What the distribution is reported against.
const EVERYWHERE: &str = "crates/*/src";

pub(crate) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        let lines = lines(source);
        if lines > LINES_MAX {
            let message = format!("{lines} lines, {LINES_MAX} at most: split it by what its parts are for");
            violations.push(Violation::in_file(&source.path, message));
        }
    }
    let lengths = sorted(sources);
    for (what, share, max) in [("median", 50, MEDIAN_LINES_MAX), ("90th percentile", 90, NINE_IN_TEN_LINES_MAX)] {
        let found = percentile(&lengths, share);
        if found > max {
            violations
                .push(Violation::in_file(EVERYWHERE, format!("the {what} is {found} lines a file, {max} at most")));
        }
    }
    violations
}

/// The distribution in one line.
pub(crate) fn report(sources: &[Source]) -> String {
    let lengths = sorted(sources);
    let (median, ninety) = (percentile(&lengths, 50), percentile(&lengths, 90));
    let longest = products(sources).max_by_key(|source| lines(source));
    let longest = longest.map(|source| format!("{} lines ({})", lines(source), source.path)).unwrap_or_default();
    format!("{} source files: median {median} lines, 90th percentile {ninety}, longest {longest}", lengths.len())
}

fn products(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| source.is_product())
}

fn sorted(sources: &[Source]) -> Vec<usize> {
    let mut lengths: Vec<usize> = products(sources).map(lines).collect();
    lengths.sort_unstable();
    lengths
}

fn lines(source: &Source) -> usize {
    source.text.lines().count()
}

/// The smallest length that so many of a hundred files do not pass.
fn percentile(sorted: &[usize], share: usize) -> usize {
    let rank = (sorted.len() * share).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::fixture;

    fn broken(lengths: &[usize]) -> usize {
        let files: Vec<(String, String)> = lengths
            .iter()
            .enumerate()
            .map(|(number, lines)| (format!("crates/a/src/f{number}.rs"), "\n".repeat(*lines)))
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        check(&fixture(&files).sources).len()
    }

    #[test]
    fn each_limit_can_be_passed() {
        assert_eq!(broken(&[100; 10]), 0);
        assert_eq!(broken(&[100, 100, 100, 100, 100, 100, 100, 100, 100, 800]), 0);
        assert_eq!(broken(&[100, 100, 100, 100, 100, 100, 100, 100, 100, 801]), 1);
        assert_eq!(broken(&[100, 100, 100, 100, 100, 100, 100, 100, 401, 401]), 1);
        assert_eq!(broken(&[100, 100, 100, 100, 151, 151, 151, 151, 151, 151]), 1);
    }

    #[test]
    fn tests_have_the_one_limit_alone() {
        let long = "\n".repeat(700);
        assert!(check(&fixture(&[("crates/a/tests/a.rs", long.as_str())]).sources).is_empty());
        let longer = "\n".repeat(801);
        assert_eq!(check(&fixture(&[("crates/a/tests/a.rs", longer.as_str())]).sources).len(), 1);
    }
}
