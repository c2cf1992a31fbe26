//! A store that is closed and opened again is the same store.

use writ_store::OpenError;
use writ_trail::checkpoint::Checkpoint;

use crate::fixture::{
    State, claimed, close, commit, database, little_mission, log, open, play, proposal, proposed, signed, signed_size,
    started, try_open,
};

#[tokio::test]
async fn everything_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, little_mission()).await;
    let waiting = proposal("r-3", "d-4", "p-4", Some("refund:p-4"));
    play(&store, [commit("r-3", [started(), proposed(&waiting)])]).await;
    let events = log(folder.path());
    let stored = State::stored(folder.path());
    let before = signed(&store, events.len() as u64).await;
    stored.is_what_is_answered_by(&store);
    close(store, folder.path()).await;

    let store = open(folder.path());
    assert_eq!(State::stored(folder.path()), stored);
    assert_eq!(log(folder.path()), events);
    stored.is_what_is_answered_by(&store);
    assert_eq!(store.open_runs().iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["r-3"]);
    assert_eq!(store.effect_key_holder("refund:p-4").unwrap().as_deref(), Some("d-4"));
    let after = Checkpoint::open(&store.checkpoint(), store.verifier()).unwrap();
    assert_eq!((after.size, after.root), (before.size, before.root));
    // The log goes on where it ended.
    let next = store.commit(commit("r-3", [claimed("on")])).await.unwrap();
    assert_eq!(next.first(), events.len() as u64);
    assert!(signed(&store, next.first() + 1).await.root != before.root);
}

#[tokio::test]
async fn the_last_events_are_signed_when_a_store_closes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, little_mission()).await;
    close(store, folder.path()).await;
    assert_eq!(signed_size(folder.path()), log(folder.path()).len() as u64);
}

#[tokio::test]
async fn a_new_store_is_signed_while_it_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("made/for/it"));
    let checkpoint = Checkpoint::open(&store.checkpoint(), store.verifier()).unwrap();
    assert_eq!((checkpoint.size, checkpoint.origin.as_str()), (0, "test.example/trail"));
}

#[tokio::test]
async fn one_opener_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(matches!(try_open(folder.path()), Err(OpenError::InUse(_))));
    // The one that came first is not disturbed.
    play(&store, little_mission()).await;
    assert!(matches!(try_open(folder.path()), Err(OpenError::InUse(_))));
    close(store, folder.path()).await;
    assert!(try_open(folder.path()).is_ok());
}

#[tokio::test]
async fn tables_of_a_newer_program_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, little_mission()).await;
    close(store, folder.path()).await;
    let tables = database(folder.path());
    let version = tables.version();
    tables.set_version(99);
    match try_open(folder.path()) {
        Err(OpenError::Newer { found: 99, known }) => assert_eq!(known, version),
        other => panic!("{other:?}"),
    }
    // Nothing was touched: the program that made them finds its tables again.
    tables.set_version(version);
    assert!(try_open(folder.path()).is_ok());
}
