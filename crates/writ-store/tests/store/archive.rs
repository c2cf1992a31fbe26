//! The log as an outsider gets it: an export and a proof hold without the store, and are never about more than what was
//! signed.

use std::fs;
use std::time::Duration;

use writ_core::event::Recorded;
use writ_trail::bundle::{self, Proof};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::export::{verify_export, verify_export_with};
use writ_trail::note::{self, Cosigner, Signer};

use crate::fixture::{
    archive, claimed, close, commit, little_mission, log, open, play, proposal, proposed, signed, signer, started,
};

/// What the issue promises is about a second; the rest is for a busy machine.
const CHECKPOINT_WITHIN: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_checkpoint_follows_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for (seq, event) in (0..4).zip([started(), claimed("one"), claimed("two"), claimed("three")]) {
        let before = store.checkpoint();
        play(&store, [commit("r-1", [event])]).await;
        let after = tokio::time::timeout(CHECKPOINT_WITHIN, signed(&store, seq + 1)).await.unwrap();
        assert_eq!(after.size, seq + 1);
        assert_ne!(store.checkpoint(), before);
        // The file says the same as the server.
        assert_eq!(fs::read_to_string(folder.path().join("checkpoint")).unwrap(), store.checkpoint());
    }
}

#[tokio::test]
async fn an_export_verifies_with_the_public_key_alone() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(folder.path());
    play(&store, little_mission()).await;
    let events = log(folder.path());
    signed(&store, events.len() as u64).await;

    // Beside a store that is open, and once it is closed.
    let outside = archive(folder.path(), signer().verifier()).unwrap();
    let report = outside.export(&out.path().join("open")).unwrap();
    assert_eq!((report.size, report.erased), (events.len() as u64, 0));
    assert!(outside.export(&out.path().join("open")).is_err(), "the folder is not empty");
    close(store, folder.path()).await;
    let outside = archive(folder.path(), signer().verifier()).unwrap();
    assert_eq!(outside.export(&out.path().join("closed")).unwrap(), report);

    drop(folder);
    for name in ["open", "closed"] {
        let exported = out.path().join(name);
        let mut read: Vec<Recorded> = Vec::new();
        let visit = |seq: u64, body: &[u8]| {
            assert_eq!(seq, read.len() as u64);
            read.push(serde_json::from_slice(body).unwrap());
        };
        assert_eq!(verify_export_with(&exported, &signer().verifier(), &[], visit).unwrap(), report);
        assert_eq!(read, events);
        let stranger = Signer::new("test.example/trail", &[8; 32]).unwrap().verifier();
        assert!(verify_export(&exported, &stranger, &[]).is_err());
    }
}

#[tokio::test]
async fn what_is_not_signed_yet_is_not_given_out() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(folder.path());
    play(&store, little_mission()).await;
    let size = log(folder.path()).len() as u64;
    signed(&store, size).await;
    let outside = archive(folder.path(), signer().verifier()).unwrap();
    let late = proposal("r-3", "d-late", "p-9", None);
    play(&store, [commit("r-3", [started(), proposed(&late)])]).await;
    assert_eq!(outside.export(&out.path().join("early")).unwrap().size, size);
    assert!(outside.proof("d-late").is_err());
    // With the next checkpoint it is.
    signed(&store, size + 2).await;
    let outside = archive(folder.path(), signer().verifier()).unwrap();
    assert_eq!(outside.export(&out.path().join("late")).unwrap().size, size + 2);
    assert!(outside.proof("d-late").is_ok());
}

#[tokio::test]
async fn a_proof_holds_a_decision_from_its_runs_start_to_its_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, little_mission()).await;
    let events = log(folder.path());
    signed(&store, events.len() as u64).await;
    let outside = archive(folder.path(), signer().verifier()).unwrap();
    let text = outside.proof("d-1").unwrap();
    let shown = bundle::verify(&text, &signer().verifier()).unwrap();
    let shown: Vec<Recorded> = shown.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect();
    let expected = ["run_started", "proposed", "voted", "intent_recorded", "outcome_recorded"];
    assert_eq!(shown.iter().map(|event| event.event.kind()).collect::<Vec<_>>(), expected);
    assert!(shown.iter().all(|shown| events.contains(shown)));
    assert!(bundle::verify(&text.replacen("leaf 1 ", "leaf 2 ", 1), &signer().verifier()).is_err());
    assert!(outside.proof("d-none").is_err());
}

#[tokio::test]
async fn a_cosigned_checkpoint_takes_the_place_of_the_last_one() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(folder.path());
    play(&store, little_mission()).await;
    let size = log(folder.path()).len() as u64;
    signed(&store, size).await;
    let (key, witness) = (signer().verifier(), Cosigner::new("witness.example", &[9; 32]).unwrap());
    let witnesses = vec![witness.verifier()];
    let cosigned = note::cosign(&store.checkpoint(), &key, &witness, 1_700_000_000).unwrap();
    let unsigned = store.checkpoint();
    play(&store, [commit("r-3", [started(), claimed("later")])]).await;
    signed(&store, size + 2).await;

    let outside = || archive(folder.path(), signer().verifier()).unwrap();
    let on = outside().cosigned(cosigned.clone(), witnesses.clone()).unwrap();
    assert_eq!(on.checkpoint(), cosigned);
    let exported = out.path().join("export");
    assert_eq!(on.export(&exported).unwrap().size, size);
    verify_export(&exported, &key, &witnesses).unwrap();
    verify_export(&exported, &key, &[]).expect_err("a cosignature that nobody checks");
    let proof = Proof::parse(&on.proof("d-1").unwrap()).unwrap();
    assert_eq!(proof.verify(&key, &witnesses).unwrap().size, size);
    proof.verify(&key, &[]).expect_err("a cosignature that nobody checks");
    assert!(on.proof_of_run("r-3").is_err(), "it came later");

    assert!(outside().cosigned(unsigned, witnesses.clone()).is_err(), "the witness has not signed");
    assert!(outside().cosigned(cosigned.clone(), Vec::new()).is_err(), "a stranger has signed");
    // What the log's own key has signed about other leaves, or about more than there are, is no ground to stand on.
    let root = writ_trail::tree::root_of(&[]);
    let sign = |size, root| {
        let forged = Checkpoint { origin: signer().name().to_owned(), size, root }.sign(&signer()).unwrap();
        note::cosign(&forged, &key, &witness, 1_700_000_000).unwrap()
    };
    assert!(outside().cosigned(sign(size + 3, root), witnesses.clone()).is_err());
    let forged = outside().cosigned(sign(size, root), witnesses).unwrap();
    assert!(forged.export(&out.path().join("forged")).is_err());
    assert!(forged.proof("d-1").is_err());
}

#[tokio::test]
async fn an_archive_believes_its_own_log_alone() {
    let folder = tempfile::tempdir().unwrap();
    assert!(archive(folder.path(), signer().verifier()).is_err(), "there is no store");
    let store = open(folder.path());
    play(&store, little_mission()).await;
    let size = log(folder.path()).len() as u64;
    signed(&store, size).await;
    let stranger = Signer::new("test.example/trail", &[8; 32]).unwrap().verifier();
    assert!(archive(folder.path(), stranger).is_err());
    let outside = archive(folder.path(), signer().verifier()).unwrap();
    assert_eq!(Checkpoint::open(outside.checkpoint(), store.verifier()).unwrap().size, size);
}
