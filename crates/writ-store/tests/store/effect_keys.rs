//! One effect of a key at a time, across runs: a key is held for as long as the effect may happen or has happened, and
//! given back once it certainly has not.

use writ_core::event::{Event, Proposal};
use writ_store::{Commit, CommitError, Store};

use crate::fixture::{
    DEADLINE, claimed, close, commit, intent, open, outcome, play, proposal, proposed, settled, started, unknown,
    voted, withdrawn,
};

const KEY: &str = "refund:p-1";

fn not_sent(of: &Proposal) -> Event {
    Event::NotSent { decision: of.decision.clone(), why: "nobody listens".to_owned() }
}

/// Each way in which a decision can stand, the events that lead there, and whether the key is held then.
fn standings(of: &Proposal) -> Vec<(&'static str, Vec<Event>, bool)> {
    let decision = || of.decision.clone();
    let approved = || vec![voted(of, "lea", true)];
    let sending = || vec![voted(of, "lea", true), intent(of, 1)];
    let then = |mut events: Vec<Event>, event| {
        events.push(event);
        events
    };
    let lost = || then(sending(), unknown(of));
    vec![
        ("pending", Vec::new(), true),
        ("approved", approved(), true),
        ("sending", sending(), true),
        ("approved", then(sending(), not_sent(of)), true),
        ("unknown", lost(), true),
        ("sending", then(lost(), intent(of, 2)), true),
        ("succeeded", then(sending(), outcome(of, true)), true),
        ("succeeded", then(lost(), settled(of, true)), true),
        ("failed", then(sending(), outcome(of, false)), false),
        ("failed", then(lost(), settled(of, false)), false),
        ("rejected", vec![voted(of, "lea", false)], false),
        ("withdrawn", vec![withdrawn(of)], false),
        ("withdrawn", then(approved(), withdrawn(of)), false),
        ("voided", then(approved(), Event::DecisionVoided { decision: decision(), reasons: Vec::new() }), false),
    ]
}

async fn two_runs(store: &Store) {
    play(store, [commit("r-1", [started()]), commit("r-2", [started()])]).await;
}

async fn assert_holder(store: &Store, holder: Option<&str>, standing: &str) {
    assert_eq!(store.effect_key_holder(KEY).unwrap().as_deref(), holder, "{standing}");
    // Another run asks for the same effect.
    let answer = store.commit(commit("r-2", [proposed(&proposal("r-2", "d-2", "p-1", Some(KEY)))])).await;
    match (holder, answer) {
        (Some(holder), Err(CommitError::EffectKeyTaken { key, decision })) => {
            assert_eq!((key.as_str(), decision.as_str()), (KEY, holder), "{standing}");
        }
        (None, Ok(_)) => {}
        (_, answer) => panic!("{standing}: {answer:?}"),
    }
}

#[tokio::test]
async fn a_key_is_held_for_as_long_as_the_effect_may_happen() {
    let refund = proposal("r-1", "d-1", "p-1", Some(KEY));
    for (standing, events, held) in standings(&refund) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        two_runs(&store).await;
        play(&store, [commit("r-1", [proposed(&refund)])]).await;
        for event in events {
            play(&store, [commit("r-1", [event])]).await;
        }
        let found = store.decision("d-1").unwrap().unwrap().status;
        assert_eq!(found.name(), standing);
        assert_eq!(found.holds_effect_key(), held, "{standing}");
        assert_holder(&store, held.then_some("d-1"), standing).await;
        close(store, folder.path()).await;
    }
}

#[tokio::test]
async fn time_gives_a_key_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    two_runs(&store).await;
    let refund = proposal("r-1", "d-1", "p-1", Some(KEY));
    play(&store, [commit("r-1", [proposed(&refund)])]).await;
    let expired = || vec![Event::DecisionExpired { decision: "d-1".to_owned() }];
    let early = Commit { run: Some("r-1".to_owned()), at: DEADLINE - 1, events: expired() };
    assert!(matches!(store.commit(early).await, Err(CommitError::Decision(_))));
    play(&store, [Commit { run: Some("r-1".to_owned()), at: DEADLINE, events: expired() }]).await;
    assert_holder(&store, None, "expired").await;
}

#[tokio::test]
async fn within_one_run_and_one_request() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    two_runs(&store).await;
    let one = proposal("r-1", "d-1", "p-1", Some(KEY));
    let other = proposal("r-1", "d-3", "p-3", Some(KEY));
    // Two at once: neither is recorded.
    let both = store.commit(commit("r-1", [proposed(&one), proposed(&other)])).await;
    assert!(matches!(both, Err(CommitError::EffectKeyTaken { .. })), "{both:?}");
    assert_eq!(store.effect_key_holder(KEY).unwrap(), None);
    assert!(store.decision("d-1").unwrap().is_none());
    // One after the other has let go: both are, and the later one holds the key.
    play(&store, [commit("r-1", [proposed(&one), withdrawn(&one), proposed(&other)])]).await;
    assert_eq!(store.effect_key_holder(KEY).unwrap().as_deref(), Some("d-3"));
    // What does not hold the key any more cannot give it back.
    let late = store.commit(commit("r-1", [withdrawn(&one)])).await;
    assert!(matches!(late, Err(CommitError::Decision(_))));
    assert_holder(&store, Some("d-3"), "pending").await;
}

#[tokio::test]
async fn within_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    two_runs(&store).await;
    let (one, other) = (proposal("r-1", "d-1", "p-1", Some(KEY)), proposal("r-2", "d-2", "p-1", Some(KEY)));
    let another = proposal("r-2", "d-3", "p-1", Some(KEY));
    // The first keeps the writer busy, so that those behind it share a sync.
    let (_, first, second, back, third) = tokio::join!(
        store.commit(commit("r-1", [claimed("busy")])),
        store.commit(commit("r-1", [proposed(&one)])),
        store.commit(commit("r-2", [proposed(&other)])),
        store.commit(commit("r-1", [withdrawn(&one)])),
        store.commit(commit("r-2", [proposed(&another)])),
    );
    assert!(first.is_ok() && back.is_ok() && third.is_ok());
    assert!(matches!(second, Err(CommitError::EffectKeyTaken { decision, .. }) if decision == "d-1"));
    assert_eq!(store.effect_key_holder(KEY).unwrap().as_deref(), Some("d-3"));
    assert!(store.decision("d-2").unwrap().is_none());
}

/// A key is made from a worker's arguments: it may be of any length and of any characters.
#[tokio::test]
async fn a_key_may_be_any_text() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    two_runs(&store).await;
    let key = format!("refund:\0'\u{fffd}{}", "x".repeat(20_000));
    play(&store, [commit("r-1", [proposed(&proposal("r-1", "d-1", "p-1", Some(&key)))])]).await;
    let twice = store.commit(commit("r-2", [proposed(&proposal("r-2", "d-2", "p-1", Some(&key)))])).await;
    assert!(matches!(twice, Err(CommitError::EffectKeyTaken { decision, .. }) if decision == "d-1"));
    let similar = format!("{key}x");
    play(&store, [commit("r-2", [proposed(&proposal("r-2", "d-3", "p-3", Some(&similar)))])]).await;
    assert_eq!(store.effect_key_holder(&key).unwrap().as_deref(), Some("d-1"));
    assert_eq!(store.effect_key_holder(&similar).unwrap().as_deref(), Some("d-3"));
}

/// What somebody asks for may be no id at all.
#[tokio::test]
async fn an_id_may_be_asked_for_in_any_text() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let long = "x".repeat(20_000);
    for id in ["r-\0", "", "'", long.as_str()] {
        assert!(store.run(id).unwrap().is_none());
        assert!(store.decision(id).unwrap().is_none());
        assert!(store.rail(id, 0, 10).unwrap().is_empty());
        assert!(store.decisions(None, Some(id), 10).unwrap().is_empty());
        let unknown = store.commit(commit(id, [claimed("who?")])).await;
        assert_eq!(unknown.unwrap_err(), CommitError::UnknownRun(id.to_owned()));
    }
    assert_eq!(store.stopped(), None);
}

#[tokio::test]
async fn no_key_no_claim() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    two_runs(&store).await;
    play(
        &store,
        [
            commit("r-1", [proposed(&proposal("r-1", "d-1", "p-1", None))]),
            commit("r-2", [proposed(&proposal("r-2", "d-2", "p-1", None))]),
        ],
    )
    .await;
    assert_eq!(store.effect_key_holder(KEY).unwrap(), None);
}
