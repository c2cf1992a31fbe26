//! A PostgreSQL server that is away for a while: nothing is accepted meanwhile, nothing acknowledged is lost, nothing is
//! recorded twice, and the store goes on by itself.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use writ_store::{CommitError, Database, Durable, OpenError, PostgresUrl, Store};

use crate::fixture::{claimed, commit, database_in, play, signed, started, try_open_on, until};
use crate::postgres::Postgres;

/// A server of one test, and a store on it with one run.
struct Stage {
    store: Arc<Store>,
    folder: TempDir,
    server: Postgres,
}

const DATABASE: &str = "acme";

impl Stage {
    async fn open() -> Self {
        let server = Postgres::start();
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(try_open(&server, &folder).unwrap());
        play(&store, [commit("r-1", [started()])]).await;
        Self { store, folder, server }
    }

    fn sql(&self, sql: &str) -> String {
        self.server.sql(DATABASE, sql)
    }

    /// Cuts every connection but the one that says so.
    fn cut(&self) {
        _ = self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL");
    }

    /// Whether commits are to wait for a standby that is not there.
    fn standby(&self, is_awaited: bool) {
        let name = if is_awaited { "nobody" } else { "" };
        _ = self.sql(&format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"));
        _ = self.sql("SELECT pg_reload_conf()");
    }

    /// Whether a commit waits for the standby: it is made, and not acknowledged.
    fn waits(&self) -> bool {
        self.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "1"
    }

    /// A commit that waits for the standby, and the number it should get.
    async fn unanswered(&self) -> (u64, JoinHandle<Result<Durable, CommitError>>) {
        self.standby(true);
        let mut number = 1;
        loop {
            let (store, request) = (self.store.clone(), commit("r-1", [claimed("once")]));
            let asked = tokio::spawn(async move { store.commit(request).await });
            until("the commit waits, or is made", || asked.is_finished() || self.waits()).await;
            if !asked.is_finished() {
                return (number, asked);
            }
            // The setting takes a moment to reach every process of the server.
            number += 1;
        }
    }

    /// Records a claim, once the store takes it.
    async fn claim(&self, text: &str) -> Durable {
        for _ in 0..1_000 {
            match self.store.commit(commit("r-1", [claimed(text)])).await {
                Err(CommitError::Unavailable(_)) => self.is_back().await,
                answer => return answer.unwrap(),
            }
        }
        panic!("the store is never back for long");
    }

    async fn is_back(&self) {
        until("the store goes on", || self.store.unavailable().is_none()).await;
    }

    /// What the log holds beside the start of the run, in order; each leaf in its place.
    fn claims(&self) -> Vec<String> {
        let sql = "SELECT string_agg(convert_from(body, 'UTF8')::json ->> 'text', ',' ORDER BY seq) FROM events";
        let count: u64 =
            self.sql("SELECT count(*) FROM events WHERE seq < (SELECT leaves FROM sequencer)").parse().unwrap();
        assert_eq!(count, *self.store.follow().borrow(), "what is there is what is known to be there");
        self.sql(sql).split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }
}

fn try_open(server: &Postgres, folder: &TempDir) -> Result<Store, OpenError> {
    try_open_on(folder.path(), database_in(server, DATABASE))
}

#[tokio::test]
async fn a_connection_that_was_cut_is_made_again() {
    if !Postgres::is_there() {
        return;
    }
    let stage = Stage::open().await;
    for number in 1..=5_u64 {
        stage.cut();
        assert_eq!(stage.claim(&number.to_string()).await.first(), number);
        // Readers come back as well.
        assert_eq!(stage.store.rail("r-1", 0, 10).unwrap().len() as u64, number + 1);
    }
    assert_eq!(stage.claims(), ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn nothing_is_accepted_while_the_server_is_away() {
    if !Postgres::is_there() {
        return;
    }
    let stage = Stage::open().await;
    for crash in [false, true] {
        let before = stage.claims();
        if crash {
            stage.server.crash();
        } else {
            stage.server.stop();
        }
        until("the store notices", || stage.store.unavailable().is_some()).await;
        let refused = stage.store.commit(commit("r-1", [claimed("refused")])).await;
        assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
        let refused = stage.store.commit_buffered(commit("r-1", [claimed("refused")])).await;
        assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
        assert!(stage.store.runs(10).is_err(), "a reader says that it cannot read");
        assert_eq!(stage.store.open_runs().len(), 1);
        assert_eq!(stage.store.stopped(), None);
        stage.server.start_again();
        stage.is_back().await;
        assert_eq!(stage.claims(), before);
        play(&stage.store, [commit("r-1", [claimed("taken")])]).await;
        assert_eq!(stage.store.runs(10).unwrap().len(), 1);
    }
    assert_eq!(stage.claims(), ["taken", "taken"]);
    signed(&stage.store, 3).await;
}

/// The server has made the commit, and its answer is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_found() {
    if !Postgres::is_there() {
        return;
    }
    let stage = Stage::open().await;
    let (number, asked) = stage.unanswered().await;
    stage.server.crash();
    stage.server.start_again();
    // It is in the log already, but the store does not go on before its standby has it.
    until("the store waits for the standby", || stage.waits()).await;
    assert!(stage.store.unavailable().is_some() && !asked.is_finished());
    assert_eq!(stage.store.run("r-1").unwrap().unwrap().version, number - 1, "what is not known is not shown");
    stage.standby(false);
    assert_eq!(asked.await.unwrap().unwrap().first(), number);
    assert_eq!(stage.claims().len() as u64, number, "each is there once");
    assert_eq!(stage.store.commit(commit("r-1", [claimed("on")])).await.unwrap().first(), number + 1);
}

/// Whoever was told that a record has its place in the log finds it there, once.
#[tokio::test]
async fn what_was_buffered_outlives_a_crash_of_the_server() {
    if !Postgres::is_there() {
        return;
    }
    let stage = Stage::open().await;
    for round in 1..=3_u64 {
        stage.store.commit_buffered(commit("r-1", [claimed(&round.to_string())])).await.unwrap();
        stage.server.crash();
        stage.server.start_again();
        until("the record is durable", || *stage.store.follow().borrow() == round + 1).await;
        stage.is_back().await;
    }
    assert_eq!(stage.claims(), ["1", "2", "3"]);
}

/// A server that comes back without what it had acknowledged is not the one that was left.
#[tokio::test]
async fn a_server_that_has_lost_a_commit_is_not_gone_on_with() {
    if !Postgres::is_there() {
        return;
    }
    let stage = Stage::open().await;
    play(&stage.store, [commit("r-1", [claimed("acknowledged")])]).await;
    _ = stage.sql("DELETE FROM events WHERE seq = 1; UPDATE sequencer SET leaves = 1");
    stage.cut();
    until("the store stops", || stage.store.stopped().is_some()).await;
    let refused = stage.store.commit(commit("r-1", [claimed("more")])).await;
    assert!(matches!(&refused, Err(CommitError::Stopped(why)) if why.contains("acknowledged")), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_could_lose_commits_is_refused() {
    if !Postgres::is_there() {
        return;
    }
    let Stage { store, folder, server } = Stage::open().await;
    drop(store);
    _ = server.sql(DATABASE, "ALTER SYSTEM SET fsync = off");
    _ = server.sql(DATABASE, "SELECT pg_reload_conf()");
    until("the setting", || server.sql(DATABASE, "SHOW fsync") == "off").await;
    let refused = try_open(&server, &folder);
    assert!(matches!(&refused, Err(OpenError::Unfit(why)) if why.contains("fsync")), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = format!("postgres:///acme?host={}&user=writ&password=swordfish", folder.path().display());
    let database = Database::Postgres(Box::new(PostgresUrl::parse(&nowhere).unwrap()));
    let refused = try_open_on(folder.path(), database).unwrap_err();
    assert!(matches!(refused, OpenError::Unreachable(_)), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains("swordfish"), "{refused:?}");
}
