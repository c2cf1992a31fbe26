//! Records whose asker does not wait for the sync: they are legal or refused at once, in order with all others, and on
//! disk a moment later.

use writ_core::run::IllegalRun;
use writ_store::CommitError;

use crate::fixture::{State, claimed, close, commit, log, open, started, until};

#[tokio::test]
async fn a_buffered_record_has_its_place_at_once_and_is_synced_soon() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(commit("r-1", [started()])).await.unwrap();
    for number in 0..10 {
        store.commit_buffered(commit("r-1", [claimed(&format!("buffered {number}"))])).await.unwrap();
    }
    until("the buffered records are synced", || *store.follow().borrow() == 11).await;
    close(store, folder.path()).await;
    let events = log(folder.path());
    assert_eq!(events.len(), 11);
    assert_eq!(State::stored(folder.path()), State::replayed(&events));
}

#[tokio::test]
async fn whoever_waits_for_a_sync_gets_it_with_all_that_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(commit("r-1", [started()])).await.unwrap();
    store.commit_buffered(commit("r-1", [claimed("first")])).await.unwrap();
    let durable = store.commit(commit("r-1", [claimed("second")])).await.unwrap();
    assert_eq!(durable.first(), 2, "the buffered record stands before it");
    assert_eq!(log(folder.path()).len(), 3);
}

#[tokio::test]
async fn a_buffered_record_is_refused_by_what_is_not_synced_yet() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(commit("r-1", [started()])).await.unwrap();
    store.commit_buffered(commit("r-1", [claimed("one")])).await.unwrap();
    assert_eq!(store.run("r-1").unwrap().unwrap().version, 1, "whoever reads next sees it");
    let stop = writ_core::event::Event::RunStopped { by: "lea".to_owned(), reason: "enough".to_owned() };
    store.commit_buffered(commit("r-1", [stop])).await.unwrap();
    let refused = store.commit_buffered(commit("r-1", [claimed("one more")])).await;
    assert!(matches!(refused, Err(CommitError::Run(IllegalRun::Closed(_)))), "{refused:?}");
}

#[tokio::test]
async fn what_was_buffered_is_on_disk_when_the_store_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(commit("r-1", [started()])).await.unwrap();
    store.commit_buffered(commit("r-1", [claimed("last words")])).await.unwrap();
    close(store, folder.path()).await;
    assert_eq!(log(folder.path()).len(), 2);
}
