//! Any change of an export is noticed, and its place is named.

use std::fs;

use serde_json::json;
use writ_tests::story::{REFUND, refund};
use writ_tests::trail::{self, Export};
use writ_tests::{Acme, Desk, program};

#[tokio::test]
async fn a_flipped_byte_is_found_wherever_it_is() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.lea.approve(&decision).await;
    worker.wait(&decision).await;
    let export = Export::of(&desk, "export").await;
    assert_eq!(export.verify().await.json()["leaves"], json!(export.leaves));

    let files = export.files();
    assert!(files.len() >= 4, "checkpoint, tiles, entries and bodies: {files:?}");
    for file in files {
        let path = export.folder.join(&file);
        let bytes = fs::read(&path).unwrap();
        for at in [0, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            let why = export.verify().await.refused();
            assert!(why.contains("trail_invalid") && why.contains(&format!("`{file}`")), "{file}, byte {at}: {why}");
        }
        fs::remove_file(&path).unwrap();
        let why = export.verify().await.refused();
        assert!(why.contains(file.split('/').next().unwrap()), "{file} is gone: {why}");
        fs::write(&path, bytes).unwrap();
    }
    fs::write(export.folder.join("bodies/extra"), "").unwrap();
    assert!(export.verify().await.refused().contains("`bodies/extra`"));
    fs::remove_file(export.folder.join("bodies/extra")).unwrap();
    export.verify().await.json();
}

#[tokio::test]
async fn a_proof_holds_for_its_key_and_its_bytes_alone() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.lea.vote(&decision, false, Some("no")).await.ok();
    let export = Export::of(&desk, "export").await;
    let words = ["trail", "proof", &decision, "--workspace", desk.acme.word()];
    let proof = program::writ(&words).await.ok();
    let file = desk.acme.beside("proof.txt");
    let word = file.to_str().unwrap();
    fs::write(&file, &proof).unwrap();
    trail::verify(word, &export.key).await.json_lines();

    for part in ["leaf 1 ", "writ.example/acme\n"] {
        let at = proof.find(part).unwrap_or_else(|| panic!("no `{part}` in {proof}")) + part.len();
        let mut changed = proof.clone().into_bytes();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        fs::write(&file, changed).unwrap();
        let why = trail::verify(word, &export.key).await.refused();
        assert!(why.contains("trail_invalid"), "{why}");
    }
    fs::write(&file, &proof).unwrap();
    // Another log of the same name has another key.
    let other = Acme::plain();
    let other = program::writ(&["trail", "key", "--workspace", other.word()]).await.ok();
    trail::verify(word, other.trim()).await.refused();
    trail::verify(export.folder.to_str().unwrap(), other.trim()).await.refused();
    trail::verify(word, "no key").await.refused();
    let words = ["trail", "proof", "d-0000000000", "--workspace", desk.acme.word()];
    program::writ(&words).await.refused();
}

#[tokio::test]
async fn a_proof_of_what_may_go_on_has_to_be_asked_for() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    let key = Export::of(&desk, "export").await.key;
    let file = desk.acme.beside("proof.txt");
    let word = file.to_str().unwrap();
    let write = ["trail", "proof", &decision, "--output", word, "--workspace", desk.acme.word()];
    program::writ(&write).await.ok();
    let why = trail::verify(word, &key).await.refused();
    assert!(why.contains("is pending") && why.contains("`--unfinished`"), "{why}");
    let words = ["trail", "verify", word, "--key", &key, "--unfinished", "--json"];
    let told = program::writ(&words).await.json_lines().pop().unwrap();
    assert_eq!((&told["verified"], &told["settled"]), (&json!(true), &json!(false)));

    desk.lea.approve(&decision).await;
    worker.wait(&decision).await;
    trail::signed(&desk).await;
    program::writ(&write).await.ok();
    let said = program::writ(&["trail", "verify", word, "--key", &key]).await;
    assert!(said.stderr.contains("is succeeded") && said.stderr.contains("missing"), "{}", said.stderr);
    let said = said.ok();
    for expected in ["run_started", "refund for ana", "lea says yes", "attempt 1", "it succeeded"] {
        assert!(said.contains(expected), "`{expected}` is not in:\n{said}");
    }
}

#[tokio::test]
async fn a_runs_proof_is_the_whole_run() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    worker.call("observe", json!({ "text": "the lining is torn" })).await.ok();
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.lea.approve(&decision).await;
    worker.wait(&decision).await;
    let stop = json!({ "reason": "that was all" });
    desk.lea.post(&format!("/api/runs/{}/stop", worker.run()), &stop).await.ok();
    let export = Export::of(&desk, "export").await;
    let verified = export.verify().await.json();
    assert_eq!((&verified["runs"], &verified["torn"]), (&json!(1), &json!(0)));

    let file = desk.acme.beside("run.txt");
    let word = file.to_str().unwrap();
    let words = ["trail", "proof", "--run", worker.run(), "--output", word, "--workspace", desk.acme.word()];
    program::writ(&words).await.ok();
    let mut events = trail::verify(word, &export.key).await.json_lines();
    let told = events.pop().unwrap();
    assert_eq!(
        (&told["whole_run"], &told["status"], &told["settled"]),
        (&json!(true), &json!("stopped"), &json!(true))
    );
    let seqs = |events: &[serde_json::Value]| events.iter().map(|event| event["seq"].clone()).collect::<Vec<_>>();
    assert_eq!(seqs(&events), seqs(&desk.rail(worker.run()).await));

    // Without one of its events it is no proof of anything.
    let text = fs::read_to_string(&file).unwrap();
    let (head, checkpoint) = text.split_once("\n\n").unwrap();
    let leaves: Vec<&str> = head.split("\nleaf ").collect();
    for left_out in 1..leaves.len() {
        let mut fewer = leaves.clone();
        fewer.remove(left_out);
        fs::write(&file, format!("{}\n\n{checkpoint}", fewer.join("\nleaf "))).unwrap();
        trail::verify(word, &export.key).await.refused();
    }
    for words in [&["trail", "proof"][..], &["trail", "proof", &decision, "--run", worker.run()]] {
        assert_eq!(program::writ(words).await.code, Some(2), "{words:?}");
    }
}

#[tokio::test]
async fn an_export_goes_into_an_empty_folder_and_needs_no_server() {
    let mut desk = Desk::open().await;
    desk.run().await;
    let export = Export::of(&desk, "export").await;
    let words = ["trail", "export", export.folder.to_str().unwrap(), "--workspace", desk.acme.word()];
    let why = program::writ(&words).await.refused();
    assert!(why.contains("not empty"), "{why}");
    desk.server.kill().await;
    // Neither the export nor its verification needs the server, and the latter not even the workspace.
    let again = desk.acme.beside("again");
    let words = ["trail", "export", again.to_str().unwrap(), "--workspace", desk.acme.word(), "--json"];
    let said = program::writ(&words).await.json();
    assert_eq!(said["leaves"], json!(export.leaves));
    fs::rename(desk.acme.folder(), desk.acme.beside("elsewhere")).unwrap();
    trail::verify(again.to_str().unwrap(), &export.key).await.json();
    let key = desk.acme.beside("trail.pub");
    fs::write(&key, format!("{}\n", export.key)).unwrap();
    trail::verify(again.to_str().unwrap(), key.to_str().unwrap()).await.json();
}
