//! What must be so in every state, and what must be reached for that to mean anything.

use std::collections::BTreeSet;

use stateright::Property;
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::event::EffectProfile;

use crate::protocol::{PERSON, Protocol};
use crate::replica::Replica;
use crate::witness::Wrong;
use crate::world::World;

/// Every effect was approved by as many people as it needs, none of them the person acted for, on the bytes that were
/// sent.
pub const APPROVED: &str = "every effect has its approval";
/// The integration acts at most once for one decision.
pub const ONCE: &str = "an approval gives one effect at most";
/// Of one effect key, the integration acts once, unless it has said itself that the first one failed.
pub const ONE_OF_A_KEY: &str = "a key gives one effect at most";
/// What leaves has its intent in the log.
pub const INTENT_FIRST: &str = "nothing leaves before its intent is recorded";
/// No intent is recorded for a run that has ended.
pub const RUN_OPEN: &str = "a run that has ended begins no effect";
/// No first intent is recorded after the decision's deadline.
pub const IN_TIME: &str = "no effect begins after its deadline";
/// No first intent is recorded under another policy than that of the approval.
pub const SAME_POLICY: &str = "no effect begins under a policy that nobody approved it under";
/// A vote of which somebody was told that it counts is in the log.
pub const VOTES_STAY: &str = "an acknowledged vote is kept";
/// Where something has happened, Writ says so or says that nobody knows, unless the integration itself denied it.
pub const NOT_DENIED: &str = "no effect is denied";
/// Where Writ says that something happened, it did.
pub const NOT_MADE_UP: &str = "no effect is made up";
/// Of one call in one run, one decision at most stands: it is open, carried out or rejected.
pub const ONE_STANDS: &str = "of one call one decision stands at most";

type Held = Property<Protocol>;

/// The promises, each of which no state may break, and then the states that must be there.
pub(crate) fn properties() -> Vec<Held> {
    vec![
        Held::always(APPROVED, every_effect_is_approved),
        Held::always(ONCE, an_approval_gives_one_effect),
        Held::always(ONE_OF_A_KEY, a_key_gives_one_effect),
        Held::always(INTENT_FIRST, |_, world| !has_seen(world, Wrong::SentUnrecorded)),
        Held::always(RUN_OPEN, |_, world| !has_seen(world, Wrong::BegunAfterTheEnd)),
        Held::always(IN_TIME, |_, world| !has_seen(world, Wrong::BegunTooLate)),
        Held::always(SAME_POLICY, |_, world| !has_seen(world, Wrong::BegunUnderAnotherPolicy)),
        Held::always(VOTES_STAY, |protocol, world| {
            world.witness.acknowledged.iter().all(|ballot| protocol.keeps(world, ballot))
        }),
        Held::always(NOT_DENIED, no_effect_is_denied),
        Held::always(NOT_MADE_UP, no_effect_is_made_up),
        Held::always(ONE_STANDS, one_decision_of_a_call_stands),
        Held::sometimes("a decision is rejected", |p, w| some_is(p, w, DecisionStatus::Rejected)),
        Held::sometimes("a decision expires", |p, w| some_is(p, w, DecisionStatus::Expired)),
        Held::sometimes("a decision is withdrawn", |p, w| some_is(p, w, DecisionStatus::Withdrawn)),
        Held::sometimes("a decision is voided", |p, w| some_is(p, w, DecisionStatus::Voided)),
        Held::sometimes("an outcome is unknown", |p, w| some_is(p, w, DecisionStatus::Unknown)),
        Held::sometimes("an effect fails", |p, w| some_is(p, w, DecisionStatus::Failed)),
        Held::sometimes("an effect succeeds", |p, w| some_is(p, w, DecisionStatus::Succeeded)),
        Held::sometimes("two servers have one decision in hand", two_servers_have_one),
        Held::sometimes("an effect is sent again", something_is_sent_again),
    ]
}

fn has_seen(world: &World, wrong: Wrong) -> bool {
    world.witness.wrongs.contains(&wrong)
}

fn every_effect_is_approved(protocol: &Protocol, world: &World) -> bool {
    let needed = usize::try_from(protocol.bounds().approvals_needed).unwrap_or(usize::MAX);
    world.integration.effects.iter().all(|effect| {
        let ballots = world.witness.acknowledged.iter().filter(|ballot| ballot.decision == effect.decision);
        let approving =
            ballots.filter(|ballot| ballot.approve && ballot.digest == effect.digest && ballot.by != PERSON);
        approving.map(|ballot| ballot.by).collect::<BTreeSet<&str>>().len() >= needed
    })
}

fn an_approval_gives_one_effect(_: &Protocol, world: &World) -> bool {
    let mut acted = BTreeSet::new();
    world.integration.effects.iter().all(|effect| acted.insert(effect.decision))
}

fn a_key_gives_one_effect(protocol: &Protocol, world: &World) -> bool {
    let acted: BTreeSet<usize> = world.integration.effects.iter().map(|effect| effect.decision).collect();
    let mut keys = BTreeSet::new();
    acted.into_iter().filter(|decision| !is_denied_by_the_integration(protocol, world, *decision)).all(|decision| {
        let key = protocol.decision(world, decision).and_then(|decision| decision.proposal.effect_key.as_deref());
        key.is_none_or(|key| keys.insert(key))
    })
}

fn no_effect_is_denied(protocol: &Protocol, world: &World) -> bool {
    world.integration.effects.iter().all(|effect| {
        let status = protocol.decision(world, effect.decision).map(|decision| decision.status);
        let stands =
            matches!(status, Some(DecisionStatus::Sending | DecisionStatus::Unknown | DecisionStatus::Succeeded));
        stands || is_denied_by_the_integration(protocol, world, effect.decision)
    })
}

fn no_effect_is_made_up(protocol: &Protocol, world: &World) -> bool {
    (0..protocol.plans().len()).all(|number| {
        let status = protocol.decision(world, number).map(|decision| decision.status);
        status != Some(DecisionStatus::Succeeded) || world.integration.has_acted(number)
    })
}

fn one_decision_of_a_call_stands(protocol: &Protocol, world: &World) -> bool {
    let mut calls = BTreeSet::new();
    protocol.bounds().proposals.iter().enumerate().all(|(number, planned)| {
        let stands = protocol.decision(world, number).is_some_and(|decision| {
            use DecisionStatus::{Expired, Voided, Withdrawn};
            !matches!(decision.status, Expired | Voided | Withdrawn)
        });
        !stands || calls.insert((planned.run, planned.payment))
    })
}

/// Whether Writ says that it failed because the integration said so, which may be wrong or true in part alone.
fn is_denied_by_the_integration(protocol: &Protocol, world: &World, decision: usize) -> bool {
    let failed = protocol.decision(world, decision).is_some_and(|found| found.status == DecisionStatus::Failed);
    failed && world.integration.said_no.contains(&decision)
}

fn some_is(protocol: &Protocol, world: &World, status: DecisionStatus) -> bool {
    decisions(protocol, world).any(|decision| decision.status == status)
}

fn two_servers_have_one(_: &Protocol, world: &World) -> bool {
    let mut at_work = world.replicas.iter().filter_map(|replica: &Replica| replica.work());
    match (at_work.next(), at_work.next()) {
        (Some(one), Some(other)) => one.decision == other.decision,
        _ => false,
    }
}

/// Only what is keyed and may be sent more than once ever is.
fn something_is_sent_again(protocol: &Protocol, world: &World) -> bool {
    let bounds = protocol.bounds();
    let never = bounds.profile != EffectProfile::Keyed || bounds.attempts_max < 2;
    never || decisions(protocol, world).any(|decision| decision.maybe_sent && decision.attempts > 1)
}

fn decisions<'a>(protocol: &'a Protocol, world: &'a World) -> impl Iterator<Item = &'a Decision> {
    (0..protocol.plans().len()).filter_map(move |number| protocol.decision(world, number))
}
