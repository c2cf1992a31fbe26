//! The two state machines from outside: every short history there is, and random long ones.
//!
//! A small model is explored breadth first, with every event that could be recorded at every time that matters; random
//! walks go further, with more decisions and larger limits. Both hold each single step to the same laws: who is sent,
//! after how many voters, how often, and that a refused event leaves no trace.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

mod events;
mod laws;

use std::collections::{HashSet, VecDeque};

use proptest::prelude::*;
use writ_core::event::{EffectProfile, Event, Limits, Milliseconds};

use crate::events::{DEADLINE, PROFILES, TIMES, WRONG, decision_events, proposal, recorded, run_events};
use crate::laws::{Followed, World};

/// Every state that can be reached, breadth first, and how many steps lead between them.
fn explore<S>(start: S, key: impl Fn(&S) -> String, next: impl Fn(&S, &mut dyn FnMut(S))) -> (Vec<S>, usize) {
    let mut known = HashSet::from([key(&start)]);
    let mut waiting = VecDeque::from([start]);
    let (mut done, mut steps) = (Vec::new(), 0);
    while let Some(state) = waiting.pop_front() {
        next(&state, &mut |found| {
            steps += 1;
            if known.insert(key(&found)) {
                waiting.push_back(found);
            }
        });
        done.push(state);
    }
    (done, steps)
}

fn statuses<'a>(decisions: impl IntoIterator<Item = &'a Followed>) -> usize {
    decisions.into_iter().map(|followed| followed.decision.status.name()).collect::<HashSet<_>>().len()
}

#[test]
fn every_short_history_of_a_decision_is_lawful() {
    for (profile, needed) in PROFILES.into_iter().flat_map(|profile| [0, 1, 2, 3].map(|needed| (profile, needed))) {
        let proposal = proposal("d-1", "p-1", needed, profile);
        let events = decision_events("d-1", proposal.action_digest);
        let (states, steps) = explore(Followed::new(proposal), Followed::key, |state, found| {
            for (event, at) in events.iter().flat_map(|event| [DEADLINE - 1, DEADLINE].map(|at| (event, at))) {
                state.after(&recorded(1, at, event.clone())).into_iter().for_each(&mut *found);
            }
        });
        println!("{profile:?}, {needed} approvals: {} states, {steps} steps", states.len());
        for (state, at) in states.iter().flat_map(|state| [DEADLINE - 1, DEADLINE].map(|at| (state, at))) {
            state.next_step_can_be_taken(at, 2);
        }
        // Three voters are there, of whom one may not vote: three approvals are out of reach.
        assert_eq!(statuses(&states), if needed == 3 { 5 } else { 10 }, "the model reaches what there is");
    }
}

/// Whether the event tells something about a run that the model of one decision does not tell already.
fn is_plain(event: &Event) -> bool {
    match event {
        Event::Voted { vote, .. } => vote.by == "lea" && vote.action_digest != WRONG,
        Event::IntentRecorded { action_digest, attempt, .. } => *action_digest != WRONG && *attempt < 3,
        event => event.decision() != Some("another"),
    }
}

#[test]
fn every_short_history_of_a_run_is_lawful() {
    // Two proposals of one call: the second has a chance only once the first is over without an effect.
    let proposals = ["d-1", "d-2"].map(|id| proposal(id, "p-1", 1, EffectProfile::Keyed));
    let events: Vec<Event> = run_events(&proposals, false).into_iter().filter(is_plain).collect();
    let start = World::new(Limits { reads_max: 1, rows_max: 1, proposals_max: 2 });
    let (states, steps) = explore(start, World::key, |world, found| {
        for (event, at) in events.iter().flat_map(|event| TIMES.map(|at| (event, at))) {
            world.after(&recorded(1, at, event.clone())).into_iter().for_each(&mut *found);
        }
    });
    println!("a run with two proposals: {} states, {steps} steps", states.len());
    assert_eq!(statuses(states.iter().flat_map(|world| world.decisions.values())), 10);
    assert_eq!(states.iter().map(|world| world.run.status).collect::<HashSet<_>>().len(), 5);
}

/// A step of a walk: which event, whether to choose among the lawful ones alone, and when.
type Step = (prop::sample::Index, bool, Milliseconds);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = prop::sample::select(TIMES.to_vec());
    prop::collection::vec((any::<prop::sample::Index>(), prop::bool::weighted(0.7), time), 1..40)
}

fn walk(mut world: World, events: &[Event], steps: Vec<Step>) {
    for (seq, (index, lawful_only, at)) in (1..).zip(steps) {
        let next = |event: &Event| world.after(&recorded(seq, at, event.clone()));
        let next = if lawful_only {
            let reached: Vec<World> = events.iter().filter_map(next).collect();
            (!reached.is_empty()).then(|| index.get(&reached).clone())
        } else {
            next(index.get(events))
        };
        world = next.unwrap_or(world);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_long_history_of_a_run_is_lawful(
        needed in 0_u32..3,
        profile in prop::sample::select(PROFILES.to_vec()),
        (reads_max, rows_max, proposals_max) in (0_u64..4, 0_u64..6, 0_u64..4),
        steps in steps(),
    ) {
        let calls = [("d-1", "p-1"), ("d-2", "p-1"), ("d-3", "p-2")];
        let events = run_events(&calls.map(|(id, call)| proposal(id, call, needed, profile)), true);
        walk(World::new(Limits { reads_max, rows_max, proposals_max }), &events, steps);
    }
}
