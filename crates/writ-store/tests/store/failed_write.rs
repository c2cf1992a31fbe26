//! Fail at the n-th write, for every n: what had been acknowledged is there, what had not is not, and nothing more is
//! accepted until a person has looked.

use std::path::Path;

use writ_core::event::Event;
use writ_store::{Commit, CommitError, Store};

use crate::fixture::{
    State, claimed, close, commit, database, little_mission, log, open, play, signed, signed_size, started, until,
};

const FULL: &str = "the disk is full";

/// Every statement with which a store writes to its tables.
const WRITES: [(&str, &str); 5] = [
    ("INSERT", "events"),
    ("INSERT", "runs"),
    ("INSERT", "decisions"),
    ("INSERT", "effect_keys"),
    ("DELETE", "effect_keys"),
];

/// Makes the n-th write from now on fail, counted over all tables.
fn fail_at(folder: &Path, nth: u64) {
    let writes = "CREATE TABLE writes (n INTEGER NOT NULL); INSERT INTO writes VALUES (0);";
    let mut sqlite = writes.to_owned();
    let mut postgres = format!(
        "{writes}
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           UPDATE writes SET n = n + 1;
           IF (SELECT n FROM writes) >= {nth} THEN RAISE EXCEPTION '{FULL}'; END IF;
           IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
           RETURN NEW;
         END $$;"
    );
    for (number, (verb, table)) in WRITES.iter().enumerate() {
        sqlite += &format!(
            "CREATE TRIGGER fail_{number} BEFORE {verb} ON {table} BEGIN
               UPDATE writes SET n = n + 1;
               SELECT RAISE(ABORT, '{FULL}') WHERE (SELECT n FROM writes) >= {nth};
             END;"
        );
        postgres +=
            &format!("CREATE TRIGGER fail_{number} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION fail();");
    }
    database(folder).batch(&sqlite, &postgres);
}

/// The disk has room again.
fn repair(folder: &Path) {
    let drops = (0..WRITES.len()).map(|number| format!("DROP TRIGGER fail_{number};"));
    let sqlite = drops.collect::<String>() + "DROP TABLE writes;";
    database(folder).batch(&sqlite, "DROP FUNCTION fail CASCADE; DROP TABLE writes;");
}

/// Plays until a write fails. Gives back how many commits were acknowledged; after the first failure none may be.
async fn play_until_stopped(store: &Store, commits: &[Commit]) -> usize {
    let mut acknowledged = 0;
    let mut stopped = false;
    for commit in commits {
        match store.commit(commit.clone()).await {
            Ok(_) => {
                assert!(!stopped, "accepted after a failed write");
                acknowledged += 1;
            }
            Err(CommitError::Stopped(why)) => {
                assert!(why.contains(FULL), "{why}");
                stopped = true;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(store.stopped().is_some(), stopped);
    acknowledged
}

fn events_of(commits: &[Commit]) -> Vec<Event> {
    commits.iter().flat_map(|commit| commit.events.clone()).collect()
}

fn logged(folder: &Path) -> Vec<Event> {
    log(folder).into_iter().map(|recorded| recorded.event).collect()
}

#[tokio::test]
async fn a_write_that_fails_leaves_the_acknowledged_prefix() {
    let mission = little_mission();
    let mut nth = 1;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        fail_at(folder.path(), nth);
        let acknowledged = play_until_stopped(&store, &mission).await;
        let (done, left) = mission.split_at(acknowledged);

        // Neither readers nor a later opener see anything of what failed.
        let stored = State::stored(folder.path());
        stored.is_what_is_answered_by(&store);
        assert_eq!(*store.follow().borrow(), events_of(done).len() as u64);
        close(store, folder.path()).await;
        assert_eq!(logged(folder.path()), events_of(done), "at write {nth}");
        assert_eq!(stored, State::replayed(&log(folder.path())), "at write {nth}");
        let store = open(folder.path());
        assert_eq!(store.stopped(), None);
        State::stored(folder.path()).is_what_is_answered_by(&store);

        // Once a person has looked, the rest goes its way.
        repair(folder.path());
        play(&store, left.to_vec()).await;
        assert_eq!(logged(folder.path()), events_of(&mission));
        close(store, folder.path()).await;
        assert_eq!(signed_size(folder.path()), events_of(&mission).len() as u64);
        if left.is_empty() {
            break;
        }
        nth += 1;
    }
    let events = events_of(&mission).len() as u64;
    assert!(nth > 2 * events, "only {nth} writes for {events} events and their projections");
}

/// A commit is refused by the database itself, after every statement has been taken.
#[tokio::test]
async fn a_transaction_that_fails_at_its_end_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, [commit("r-1", [started()])]).await;
    let sqlite = "CREATE TABLE parents (id INTEGER PRIMARY KEY);
        CREATE TABLE children (id INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER orphan AFTER INSERT ON events BEGIN INSERT INTO children VALUES (1); END;";
    let postgres = "CREATE FUNCTION orphan() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          RAISE EXCEPTION 'it has no parent';
        END $$;
        CREATE CONSTRAINT TRIGGER orphan AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION orphan();";
    database(folder.path()).batch(sqlite, postgres);
    let (first, second) = tokio::join!(
        store.commit(commit("r-1", [claimed("one")])),
        store.commit(commit("r-1", [claimed("two"), claimed("three")])),
    );
    assert!(matches!((first, second), (Err(CommitError::Stopped(_)), Err(CommitError::Stopped(_)))));
    let third = store.commit(commit("r-2", [started()])).await;
    assert!(matches!(third, Err(CommitError::Stopped(_))));
    assert!(store.run("r-2").unwrap().is_none());
    close(store, folder.path()).await;
    assert_eq!(logged(folder.path()), [started()]);
    database(folder.path()).batch("DROP TRIGGER orphan", "DROP TRIGGER orphan ON events");
    let store = open(folder.path());
    assert_eq!(store.commit(commit("r-1", [claimed("again")])).await.unwrap().first(), 1);
}

/// The log is written, its checkpoint cannot be: nothing is accepted that could not be signed.
#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_stops_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let in_the_way = folder.path().join("checkpoint.new");
    std::fs::create_dir(&in_the_way).unwrap();
    play(&store, [commit("r-1", [started()])]).await;
    until("the store to stop", || store.stopped().is_some()).await;
    let refused = store.commit(commit("r-1", [claimed("more")])).await;
    assert!(matches!(refused, Err(CommitError::Stopped(_))), "{refused:?}");
    close(store, folder.path()).await;
    std::fs::remove_dir(&in_the_way).unwrap();
    // What was acknowledged before is there, and is signed once it can be.
    let store = open(folder.path());
    assert_eq!(*store.follow().borrow(), 1);
    signed(&store, 1).await;
}

/// An event that the trail cannot hold is refused alone: the store goes on.
#[tokio::test]
async fn an_event_that_is_too_large_is_refused_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, [commit("r-1", [started()])]).await;
    let refused = store.commit(commit("r-1", [claimed(&"x".repeat(2 << 20))])).await;
    assert!(refused.is_err());
    assert_eq!(store.stopped(), None);
    assert_eq!(store.commit(commit("r-1", [claimed("short")])).await.unwrap().first(), 1);
}
