//! One process at a time writes a store on PostgreSQL, wherever the processes are: another one does not open it, and one
//! that was taken over from can do nothing, however late it notices.

use std::fs;
use std::path::Path;

use writ_store::{CommitError, OpenError, Store};

use crate::fixture::{claimed, commit, database_in, play, signed, started, try_open_on, until};
use crate::postgres::{self, Postgres};

/// The store of a data folder in a database of the shared server.
fn try_open(folder: &Path, database: &str) -> Result<Store, OpenError> {
    try_open_on(folder, database_in(Postgres::shared(), database))
}

/// What another machine needs beside the database.
fn hand_over(from: &Path, to: &Path) {
    fs::copy(from.join("checkpoint"), to.join("checkpoint")).unwrap();
}

/// Takes a store over as another process would, and tells nobody.
fn taken_over(database: &str, and: &str) {
    let sql = format!("UPDATE sequencer SET epoch = epoch + 1, holder = 'another'; {and}");
    _ = Postgres::shared().sql(database, &sql);
}

#[tokio::test]
async fn a_second_process_does_not_open_a_store() {
    if !Postgres::is_there() {
        return;
    }
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = try_open(one.path(), "fence_second").unwrap();
    play(&store, [commit("r-1", [started()])]).await;
    signed(&store, 1).await;
    hand_over(one.path(), other.path());
    let refused = try_open(other.path(), "fence_second");
    assert!(matches!(&refused, Err(OpenError::InUse(place)) if place.contains("fence_second")), "{refused:?}");
    // The one that came first is not disturbed, and the other may have the store once it is closed.
    play(&store, [commit("r-1", [claimed("on")])]).await;
    drop(store);
    hand_over(one.path(), other.path());
    let store = try_open(other.path(), "fence_second").unwrap();
    assert_eq!(store.commit(commit("r-1", [claimed("from elsewhere")])).await.unwrap().first(), 2);
}

#[tokio::test]
async fn a_write_of_an_earlier_epoch_changes_nothing() {
    if !Postgres::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = try_open(folder.path(), "fence_late").unwrap();
    play(&store, [commit("r-1", [started()])]).await;
    taken_over("fence_late", "");
    let refused = store.commit(commit("r-1", [claimed("late")])).await;
    assert!(matches!(&refused, Err(CommitError::Stopped(why)) if why.contains("another process")), "{refused:?}");
    assert!(store.stopped().is_some());
    let refused = store.commit(commit("r-1", [claimed("later")])).await;
    assert!(matches!(refused, Err(CommitError::Stopped(_))), "{refused:?}");
    assert_eq!(Postgres::shared().sql("fence_late", "SELECT count(*) FROM events"), "1");
}

#[tokio::test]
async fn a_process_whose_connection_was_cut_does_not_take_the_store_back() {
    if !Postgres::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = try_open(folder.path(), "fence_cut").unwrap();
    play(&store, [commit("r-1", [started()])]).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    taken_over("fence_cut", cut);
    until("the store stops", || store.stopped().is_some()).await;
    let refused = store.commit(commit("r-1", [claimed("late")])).await;
    assert!(matches!(&refused, Err(CommitError::Stopped(why)) if why.contains("another process")), "{refused:?}");
    assert_eq!(Postgres::shared().sql("fence_cut", "SELECT count(*) FROM events"), "1");
}

#[tokio::test]
async fn events_that_were_taken_out_at_the_end_are_missed() {
    if !Postgres::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = try_open(folder.path(), "fence_end").unwrap();
    play(&store, [commit("r-1", [started()])]).await;
    signed(&store, 1).await;
    let checkpoint = fs::read(folder.path().join("checkpoint")).unwrap();
    play(&store, [commit("r-1", [claimed("unsigned")])]).await;
    drop(store);
    // As after a crash before the next checkpoint.
    fs::write(folder.path().join("checkpoint"), checkpoint).unwrap();
    _ = Postgres::shared().sql("fence_end", "DELETE FROM events WHERE seq = 1");
    let refused = try_open(folder.path(), "fence_end");
    assert!(matches!(&refused, Err(OpenError::Forked(why)) if why.contains("were counted")), "{refused:?}");
}

/// Without a server these tests prove nothing, which must not go unseen.
#[test]
fn a_server_that_is_not_installed_is_missed() {
    let empty = tempfile::tempdir().unwrap();
    let missing = postgres::found(empty.path(), true).unwrap_err();
    assert!(missing.contains("package `postgresql`"), "{missing}");
    assert_eq!(postgres::found(empty.path(), false), Ok(false));
    // One that is too old will not do.
    let old = empty.path().join("14/bin");
    fs::create_dir_all(&old).unwrap();
    fs::write(old.join("initdb"), "").unwrap();
    assert!(postgres::programs_in(empty.path()).is_err());
}
