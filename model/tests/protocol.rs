//! Every state within the everyday bounds keeps the promises, and every broken rule is found.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use writ_model::{Bounds, Broken, Protocol, explore, find};

/// Each test is one thread's work; the tests themselves run side by side.
const THREADS: usize = 1;

fn promises_hold(bounds: Bounds) {
    let name = bounds.name;
    let explored = explore(Protocol::new(bounds).unwrap(), THREADS);
    println!("{name}: {} states, {} transitions", explored.states, explored.transitions);
    assert!(explored.broken.is_empty(), "{name}: {:#?}", explored.broken);
    assert!(explored.unreached.is_empty(), "{name} never reaches: {:?}", explored.unreached);
    // A model that has lost most of its steps by mistake would hold to everything.
    assert!(explored.states > 10_000, "{name} has {} states alone", explored.states);
}

#[test]
fn one_keyed_effect() {
    promises_hold(Bounds::ONE_KEYED);
}

#[test]
fn one_opaque_effect() {
    promises_hold(Bounds::ONE_OPAQUE);
}

#[test]
fn two_of_a_key() {
    promises_hold(Bounds::TWO_OF_A_KEY);
}

#[test]
fn the_same_call_again() {
    promises_hold(Bounds::SAME_CALL);
}

#[test]
fn the_everyday_bounds_are_the_tests_here() {
    let names = Bounds::EVERYDAY.map(|bounds| bounds.name);
    assert_eq!(names, ["one keyed effect", "one opaque effect", "two of a key", "the same call again"]);
}

fn is_found(broken: Broken) {
    let steps = find(Protocol::broken(broken).unwrap(), broken.promise());
    let steps = steps.unwrap_or_else(|| panic!("not found: {}", broken.name()));
    println!("{}: after {} steps not so that {}", broken.name(), steps.len(), broken.promise());
}

macro_rules! found {
    ($($test:ident: $broken:ident,)+) => {
        $(
            #[test]
            fn $test() {
                is_found(Broken::$broken);
            }
        )+

        #[test]
        fn every_broken_rule_has_its_test() {
            assert_eq!(Broken::ALL, [$(Broken::$broken,)+]);
        }
    };
}

found! {
    sent_before_the_intent_is_recorded: SentBeforeIntent,
    no_answer_counts_as_not_sent: NoAnswerIsNotSent,
    an_opaque_effect_is_sent_again: OpaqueSentAgain,
    the_key_is_made_from_the_attempt: KeyOfTheAttempt,
    the_deadline_is_ignored: DeadlineIgnored,
    the_end_of_a_run_is_ignored: StopIgnored,
    the_policy_is_not_checked_again: PolicyNotCheckedAgain,
    a_new_policy_does_not_wait: PolicyDoesNotWait,
    a_vote_on_other_bytes_counts: VoteOnOtherBytesCounts,
    other_bytes_are_sent: OtherBytesSent,
    the_person_acted_for_votes_by_a_second_account: SecondAccountVotes,
    one_approval_is_enough_for_two: OneApprovalIsEnough,
    a_vote_is_acknowledged_before_it_is_written: AcknowledgedBeforeWritten,
    a_vote_is_written_over_what_was_seen: VoteOverwritesWhatWasSeen,
    effect_keys_are_not_held: EffectKeyNotHeld,
    a_rejected_call_is_proposed_again: RejectionForgotten,
    a_server_records_what_was_taken_from_it: RecordsAfterTakeOver,
    taken_over_from_a_server_that_is_about_to_send: TakenFromWhoeverSends,
    settled_while_the_request_may_still_arrive: SettledTooEarly,
}
