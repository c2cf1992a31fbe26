//! Many writers at once: every one is answered, each one's events stay in its order, and nobody is told of something
//! that is not there yet.

use std::sync::Arc;

use writ_core::event::Event;
use writ_store::{CommitError, Store};

use crate::fixture::{State, claimed, close, commit, intent, log, open, proposal, proposed, started, withdrawn};

const WRITERS: u64 = 64;
const COMMITS: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_commits_are_dense_durable_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let writers = (0..WRITERS).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let run = format!("r-{number}");
            let mut seqs = vec![store.commit(commit(&run, [started()])).await.unwrap().first()];
            for at in 1..COMMITS {
                let words = [claimed(&format!("{run} {at} first")), claimed(&format!("{run} {at} second"))];
                let durable = store.commit(commit(&run, words)).await.unwrap();
                // What is acknowledged can be read at once.
                assert_eq!(store.rail(&run, durable.first(), 10).unwrap().len(), 2);
                seqs.extend([durable.first(), durable.first() + 1]);
            }
            (run, seqs)
        })
    });
    let mut all = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        let (run, seqs) = writer.await.unwrap();
        assert!(seqs.is_sorted(), "{run} was reordered: {seqs:?}");
        let rail = store.rail(&run, 0, 100).unwrap();
        assert_eq!(rail.iter().map(|event| event.seq).collect::<Vec<_>>(), seqs);
        all.extend(seqs);
    }
    all.sort_unstable();
    assert_eq!(all, (0..WRITERS * (2 * COMMITS - 1)).collect::<Vec<_>>());
    assert_eq!(*store.follow().borrow(), all.len() as u64);

    close(Arc::into_inner(store).unwrap(), folder.path()).await;
    let events = log(folder.path());
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), all);
    assert_eq!(State::stored(folder.path()), State::replayed(&events));
}

/// Proposes, and tells which decision holds the effect key then.
async fn holder(store: &Store, run: &str, proposed: Event) -> String {
    match store.commit(commit(run, [proposed])).await {
        Ok(durable) => durable.decision().unwrap().id().to_owned(),
        Err(CommitError::EffectKeyTaken { decision, .. }) => {
            assert!(store.decision(&decision).unwrap().is_some(), "refused for `{decision}`, which is not there");
            decision
        }
        Err(error) => panic!("{error}"),
    }
}

/// Three requests of which the first keeps the writer busy, so that the other two share a sync.
#[tokio::test]
async fn a_refusal_is_answered_once_what_it_rests_on_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(commit("r-1", [started()])).await.unwrap();
    store.commit(commit("r-2", [started()])).await.unwrap();
    for round in 0..20 {
        let key = format!("refund:p-{round}");
        let one = proposal("r-1", &format!("d-{round}-one"), &format!("p-{round}"), Some(&key));
        let other = proposal("r-2", &format!("d-{round}-other"), &format!("p-{round}"), Some(&key));
        let (_, first, second) = tokio::join!(
            store.commit(commit("r-1", [claimed("busy")])),
            holder(&store, "r-1", proposed(&one)),
            holder(&store, "r-2", proposed(&other)),
        );
        assert_eq!(first, second, "one holder, whoever asks");
    }
}

#[tokio::test]
async fn a_request_is_recorded_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(commit("r-1", [started()])).await.unwrap();
    let one = proposal("r-1", "d-1", "p-1", None);
    // The third event cannot happen: nobody has approved.
    let events = [claimed("about to"), proposed(&one), intent(&one, 1)];
    assert!(matches!(store.commit(commit("r-1", events)).await, Err(CommitError::Decision(_))));
    assert_eq!(*store.follow().borrow(), 1);
    assert!(store.decision("d-1").unwrap().is_none());
    assert_eq!(store.run("r-1").unwrap().unwrap().proposals, 0);
    let unknown = store.commit(commit("r-9", [claimed("who?")])).await;
    assert_eq!(unknown.unwrap_err(), CommitError::UnknownRun("r-9".to_owned()));
    let foreign = store.commit(commit("r-1", [withdrawn(&one)])).await;
    assert_eq!(foreign.unwrap_err(), CommitError::UnknownDecision("d-1".to_owned()));
    let twice = store.commit(commit("r-1", [started()])).await;
    assert_eq!(twice.unwrap_err(), CommitError::Exists("r-1".to_owned()));
    // After every refusal the next event takes the next number.
    assert_eq!(store.commit(commit("r-1", [claimed("on")])).await.unwrap().first(), 1);
}
