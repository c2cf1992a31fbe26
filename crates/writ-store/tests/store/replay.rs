//! Every table is what the events say: after a long random history, kept and refused events mixed and many at a time,
//! a replay of the log makes the same runs, decisions and effect keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use writ_core::event::{Event, Proposal, Recorded};
use writ_store::{Commit, CommitError, Projections, Store, replay};

use crate::account::links_are_what_the_log_says;
use crate::fixture::{
    DEADLINE, State, claimed, close, intent, log, open, outcome, proposal, proposed, settled, started, unknown, voted,
    withdrawn,
};

const ROUNDS: usize = 400;
const AT_ONCE: usize = 8;

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

/// Twelve runs, four decisions in each, and fewer effect keys than decisions.
fn decisions() -> Vec<Proposal> {
    let pairs = (0..12).flat_map(|run| (0..4).map(move |number| (run, number)));
    let proposals = pairs.map(|(run, number)| {
        let key = (number > 0).then(|| format!("refund:p-{}", (run + number) % 13));
        let proposal =
            proposal(&format!("r-{run}"), &format!("d-{run}-{number}"), &format!("p-{}", number / 2), key.as_deref());
        Proposal { approvals_needed: 1 + number % 2, ..proposal }
    });
    proposals.collect()
}

fn event(random: &mut Random, of: &Proposal) -> Event {
    let decision = || of.decision.clone();
    match random.below(40) {
        0..4 => started(),
        4..12 => proposed(of),
        12..16 => voted(of, "lea", true),
        16..20 => voted(of, "lou", true),
        20 => voted(of, "lou", false),
        21..27 => intent(of, 1 + u32::try_from(random.below(3)).unwrap()),
        27..29 => Event::NotSent { decision: decision(), why: "nobody listens".to_owned() },
        29..32 => outcome(of, random.below(3) > 0),
        32 => unknown(of),
        33 => settled(of, random.below(2) > 0),
        34 => withdrawn(of),
        35 => Event::DecisionVoided { decision: decision(), reasons: Vec::new() },
        36 => Event::DecisionExpired { decision: decision() },
        37..39 => claimed("on it"),
        _ if random.below(6) == 0 => Event::RunConcluded { verdict: json!({ "amount": 0.1 + 0.2 }) },
        _ => Event::Alarm { what: "a test".to_owned() },
    }
}

fn request(random: &mut Random, decisions: &[Proposal]) -> Commit {
    let of = &decisions[random.below(decisions.len())];
    let at = if random.below(20) == 0 { DEADLINE } else { 1 };
    let events = (0..=random.below(2)).map(|_| event(random, of)).collect();
    Commit { run: Some(of.action.run.clone()), at, events }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_what_a_replay_of_the_log_makes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let (decisions, mut random) = (decisions(), Random(11));
    let mut kept = 0;
    for _ in 0..ROUNDS {
        let requests = (0..AT_ONCE).map(|_| request(&mut random, &decisions));
        let answers = requests.map(|commit| {
            let (store, events) = (store.clone(), commit.events.len());
            tokio::spawn(async move { store.commit(commit).await.map(|_| events) })
        });
        for answer in answers.collect::<Vec<_>>() {
            match answer.await.unwrap() {
                Ok(events) => kept += events,
                Err(error) => assert!(!matches!(error, CommitError::Stopped(_) | CommitError::Busy), "{error}"),
            }
        }
    }
    let events = log(folder.path());
    assert_eq!(events.len(), kept, "what was acknowledged, and nothing else");
    let stored = State::stored(folder.path());
    assert_eq!(stored, State::replayed(&events));
    stored.is_what_is_answered_by(&store);
    rails_make_up_the_log(&store, &stored, &events);
    links_are_what_the_log_says(folder.path());
    let statuses: BTreeSet<&str> = stored.decisions.values().map(|decision| decision.status.name()).collect();
    assert!(kept > 150 && statuses.len() > 4, "a history worth the name: {kept} events, {statuses:?}");

    close(Arc::into_inner(store).unwrap(), folder.path()).await;
    stored.is_what_is_answered_by(&open(folder.path()));
}

fn rails_make_up_the_log(store: &Store, stored: &State, events: &[Recorded]) {
    let rails = stored.runs.keys().flat_map(|run| store.rail(run, 0, 10_000).unwrap());
    let mut rails: Vec<Recorded> = rails.collect();
    rails.sort_by_key(|event| event.seq);
    assert_eq!(rails, events);
}

#[test]
fn the_state_after_each_commit_is_what_a_replay_makes() {
    let refund = proposal("r-1", "d-1", "p-1", Some("refund:p-1"));
    let events =
        [started(), proposed(&refund), voted(&refund, "lea", true), intent(&refund, 1), outcome(&refund, false)];
    let commit = |events: Vec<Event>| Commit { run: Some("r-1".to_owned()), at: 1, events };
    let mut state = Projections::default();
    let mut log = Vec::new();
    for (seq, event) in (0..).zip(events) {
        let refused = state.after(seq, commit(vec![event.clone(), event.clone()]));
        assert!(refused.is_err(), "a second {} was taken", event.kind());
        state = state.after(seq, commit(vec![event.clone()])).unwrap();
        log.push(Recorded { seq, at: 1, run: Some("r-1".to_owned()), event });
        assert_eq!(state, replay(&log).unwrap());
    }
    assert!(state.effect_keys.is_empty(), "what has failed gives its key back");
}

#[test]
fn a_log_that_no_state_machine_wrote_is_refused() {
    let refund = proposal("r-1", "d-1", "p-1", None);
    let lawful = [started(), proposed(&refund), voted(&refund, "lea", true), intent(&refund, 1)];
    let recorded = (0..).zip(lawful).map(|(seq, event)| Recorded { seq, at: 1, run: Some("r-1".to_owned()), event });
    let recorded: Vec<Recorded> = recorded.collect();
    assert!(replay(&recorded).is_ok());
    for left_out in 0..recorded.len() - 1 {
        let without = recorded.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, event)| event);
        assert!(replay(without).is_err(), "without {}", recorded[left_out].event.kind());
    }
}
