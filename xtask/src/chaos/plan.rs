//! What goes wrong in a round, from its seed alone.
//!
//! Each round plays a few of the faults. Rounds whose seeds follow one another play others, with other profiles, so
//! that a handful of rounds has had them all; chance decides only when exactly each of them strikes.

use super::dice::Dice;
use super::workspace::Profile;

/// How many faults one round plays.
pub(super) const STEPS: usize = 8;
/// After how many rounds every fault has been played.
const ROUNDS_FOR_ALL: usize = Fault::ALL.len().div_ceil(STEPS);

macro_rules! faults {
    ($($variant:ident = $name:literal,)+) => {
        /// Something that goes wrong at one step of a decision's life.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Fault {
            $($variant,)+
        }

        impl Fault {
            /// All of them. Neighbours fall into different rounds.
            pub(super) const ALL: [Self; 32] = [$(Self::$variant,)+];

            /// What happens, in words.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

faults! {
    KilledProposing = "the server is killed during a proposal",
    KilledVoting = "the server is killed during a vote",
    KilledOnceApproved = "the server is killed right after a vote was acknowledged",
    KilledBeforeActing = "the server is killed once the effect has left",
    KilledAfterActing = "the server is killed once the effect has happened, before its answer",
    KilledAtTheAnswer = "the server is killed while the answer arrives",
    KilledSettling = "the server is killed while an unknown outcome is settled",
    KilledStarting = "the server is killed while it starts",
    KilledStopping = "the server is killed while a run is stopped",
    UpstreamKilledBeforeActing = "the integration is killed before it acts",
    UpstreamKilledAfterActing = "the integration is killed after it has acted",
    UpstreamAway = "the integration is away when a vote approves",
    PausedVoting = "the server stands still from before a vote until after the expiry",
    PausedOnceApproved = "the server stands still from an approval until after the expiry",
    PausedSending = "the server stands still while the effect is under way",
    AnswerLost = "the integration acts, and its answer is lost",
    AnswerLate = "the integration acts, and answers too late",
    AnswerTwice = "the integration acts, and answers twice",
    ErrorAfterActing = "the integration acts, and answers with an error",
    FailureAfterActing = "the integration acts, and its server fails",
    NoAnswer = "the integration acts, and never answers",
    LostBeforeActing = "the request is lost before the integration acts",
    Refused = "the integration refuses",
    RejectRace = "one approves and another rejects at once",
    ExpiryRace = "an approval comes as the decision expires",
    StopRace = "an approval comes as the run is stopped",
    WithdrawalRace = "an approval comes as the worker takes the proposal back",
    QuorumRace = "two last approvals come at once",
    PolicyRace = "the policies change between vote and sending",
    KeyRace = "two runs ask for the same effect at once",
    WriteFails = "a write of the store fails",
    WriteKills = "the server dies in a write of the store",
}

/// The faults of a round in their order, each with the effect profile that it meets.
pub(super) fn of_round(seed: u64) -> Vec<(Fault, Profile)> {
    let round = usize::try_from(seed % (ROUNDS_FOR_ALL * Profile::ALL.len()) as u64).unwrap_or(0);
    let (first, turn) = (round % ROUNDS_FOR_ALL, round / ROUNDS_FOR_ALL);
    let faults = Fault::ALL.into_iter().skip(first).step_by(ROUNDS_FOR_ALL);
    let profiles = Profile::ALL.into_iter().cycle().skip(first + turn);
    let mut steps: Vec<(Fault, Profile)> = faults.zip(profiles).collect();
    let mut dice = Dice::new(seed);
    for last in (1..steps.len()).rev() {
        steps.swap(last, usize::try_from(dice.below(last as u64 + 1)).unwrap_or(last));
    }
    steps
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_few_rounds_play_every_fault() {
        let played: BTreeSet<Fault> =
            (5..5 + ROUNDS_FOR_ALL as u64).flat_map(of_round).map(|(fault, _)| fault).collect();
        assert_eq!(played.len(), Fault::ALL.len());
        assert!((0..20).all(|seed| of_round(seed).len() == STEPS));
    }

    #[test]
    fn a_few_more_play_each_with_every_profile() {
        let rounds = (ROUNDS_FOR_ALL * Profile::ALL.len()) as u64;
        let played: BTreeSet<(Fault, Profile)> = (0..rounds).flat_map(of_round).collect();
        assert_eq!(played.len(), Fault::ALL.len() * Profile::ALL.len());
    }

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(of_round(12), of_round(12));
        assert_ne!(of_round(12), of_round(13));
    }
}
