//! Records whose asker does not wait for the sync: they are legal or refused at once, in order with all others, and on
//! disk a moment later.

use std::sync::Arc;

use writ_core::digest::Digest;
use writ_core::event::Event;
use writ_core::run::IllegalRun;
use writ_store::CommitError;

use crate::fixture::{State, claimed, close, commit, log, open, started, until};

fn read(label: &str) -> Event {
    Event::ToolRead {
        tool: "shop.get".to_owned(),
        arguments: serde_json::Map::new(),
        result: Digest([0; 32]),
        is_error: false,
        labels: vec![label.to_owned()],
        claim: None,
    }
}

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

/// Reads get their place on several threads while other records of the same run, and of another one, are synced. None of
/// them may come to rest on a state of the run in which an earlier one is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_is_lost_beside_records_that_are_waited_for() {
    const READERS: usize = 5;
    const READS: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let mut run = started();
    if let Event::RunStarted(start) = &mut run {
        start.limits.reads_max = 10_000;
    }
    store.commit(commit("r-1", [run])).await.unwrap();
    store.commit(commit("r-2", [started()])).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for reader in 0..READERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in 0..READS {
                let label = format!("label {reader} {number}");
                store.commit_buffered(commit("r-1", [read(&label)])).await.unwrap();
                let run = store.run("r-1").unwrap().unwrap();
                assert!(run.labels.contains(&label), "what is placed is seen at once");
            }
        });
    }
    for run in ["r-1", "r-2"] {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in 0..READS {
                store.commit(commit(run, [claimed(&format!("durable {number}"))])).await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let run = store.run("r-1").unwrap().unwrap();
    assert_eq!((run.reads, run.labels.len()), ((READERS * READS) as u64, READERS * READS));
    close(Arc::into_inner(store).unwrap(), folder.path()).await;
    assert_eq!(State::stored(folder.path()), State::replayed(&log(folder.path())));
}
