//! The corpus, and a fixed number of changes of it, through every target.
//!
//! `WRIT_FUZZ_CASES` sets how many changed inputs each target gets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::panic::catch_unwind;

use writ_fuzz::mutation::Mutator;
use writ_fuzz::{TARGETS, Target, corpus};

const CASES: usize = 1_000;

fn cases() -> usize {
    std::env::var("WRIT_FUZZ_CASES").ok().map_or(CASES, |cases| cases.parse().expect("WRIT_FUZZ_CASES is a number"))
}

fn replay(name: &str) {
    let target = TARGETS.iter().copied().find(|target| target.name == name).expect("the target");
    let files = corpus::files(name).expect("the corpus");
    assert!(!files.is_empty(), "the corpus of {name} is empty");
    for (file, input) in &files {
        take(target, input, file);
    }
    let mut mutator = Mutator::new(1);
    for (case, (file, input)) in (0..cases()).zip(files.iter().cycle()) {
        let changed = mutator.changed(input);
        take(target, &changed, &format!("{file}, case {case}"));
    }
}

fn take(target: Target, input: &[u8], what: &str) {
    if catch_unwind(|| (target.take)(input)).is_err() {
        panic!("{}: {what} is not taken in: {}", target.name, input.escape_ascii());
    }
}

#[test]
fn messages_of_workers() {
    replay("worker_message");
}

#[test]
fn messages_of_integrations() {
    replay("upstream_message");
}

#[test]
fn definitions() {
    replay("definition_yaml");
}

#[test]
fn statements() {
    replay("sql_statement");
}

#[test]
fn tokens() {
    replay("token");
}

#[test]
fn parts_of_the_trail() {
    replay("trail_export");
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let of = |seed| {
        let mut mutator = Mutator::new(seed);
        (0..50).map(|_| mutator.changed(br#"{"a":[1,{"b":"c"}]}"#)).collect::<Vec<_>>()
    };
    assert_eq!(of(3), of(3));
    assert_ne!(of(3), of(4));
    assert!(of(3).iter().any(|input| serde_json::from_slice::<serde_json::Value>(input).is_ok()));
}
