//! `writ drill`: every guarantee applies to the example and holds, in an order that scripts can rely on, and the
//! operator's own folder stays as it was.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use writ_tests::{Acme, program};

/// What the drill of this folder must leave alone: everything but what SQLite keeps beside an open database.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut open, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.to_string_lossy().ends_with("-shm") && !path.to_string_lossy().ends_with("-wal") {
                let content = fs::read(&path).unwrap();
                files.push((path, content));
            }
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn everything_applies_to_the_example_and_holds() {
    let acme = Acme::plain();
    let before = files(acme.folder());
    let mut told = program::writ(&["drill", acme.word(), "--json"]).await.json_lines();
    let summary = told.pop().unwrap();
    let held: Vec<&Json> = told.iter().filter(|finding| finding["outcome"] == "pass").collect();
    let others: Vec<&Json> = told.iter().filter(|finding| finding["outcome"] != "pass").collect();
    assert!(others.is_empty(), "{others:?}");
    let count = told.len();
    assert!(count >= 30);
    assert_eq!(summary, json!({ "guarantees": count, "passed": count, "failed": 0, "not_applicable": 0 }));
    for finding in held {
        let members: Vec<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["guarantee", "invariant", "outcome", "why"]);
    }
    assert!(files(acme.folder()) == before, "the drill wrote into the workspace");
    assert_eq!(acme.effects().len(), 0, "the shop was not asked");
}

#[tokio::test]
async fn a_drill_of_nothing_is_no_success() {
    let acme = Acme::plain();
    fs::remove_file(acme.database()).unwrap();
    let said = program::writ(&["drill", acme.word()]).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stdout.lines().all(|line| line.starts_with("not applicable")), "{}", said.stdout);
    assert!(said.stderr.contains(" 0 passed, 0 failed, "), "{}", said.stderr);
}

#[tokio::test]
async fn wrong_definitions_are_told_as_the_check_tells_them() {
    let acme = Acme::edited(&[("missions/refund.yaml", "worker: support-desk", "worker: nobody")]);
    let why = program::writ(&["drill", acme.word(), "--json"]).await.refused();
    assert!(why.contains("missions/refund.yaml:3:") && why.contains("there is no worker `nobody`"), "{why}");
}
