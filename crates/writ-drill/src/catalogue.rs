//! The catalogue: every guarantee that the drill tries, in the order in which it tells of them.

use std::pin::Pin;

use crate::exercise::{change, decision, effect, read, scope, start, token, trail};
use crate::judge::Holds;
use crate::site::Site;

/// Tries a guarantee on a workspace.
pub(crate) type Exercise = for<'a> fn(&'a Site) -> Pin<Box<dyn Future<Output = Holds> + 'a>>;

/// One thing that Writ promises.
pub struct Guarantee {
    /// Its name, which is stable: scripts may match on it.
    pub name: &'static str,
    /// The invariant of `ARCHITECTURE.md` that it rests on, in its words there.
    pub invariant: &'static str,
    /// What it says, in one sentence.
    pub says: &'static str,
    pub(crate) exercise: Exercise,
}

impl std::fmt::Debug for Guarantee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarantee").field("name", &self.name).finish_non_exhaustive()
    }
}

const fn guarantee(name: &'static str, invariant: &'static str, says: &'static str, exercise: Exercise) -> Guarantee {
    Guarantee { name, invariant, says, exercise }
}

const AGAIN: &str =
    "facts, policies and approvers are looked at again before a send, and a revocation holds at the next call";
const APPLY: &str = "nothing changes a run or a decision but `Run::apply` and `Decision::apply`";
const ASKS: &str = "an integration asks a worker nothing that the operator does not let it, nothing before it is recorded, \
     and nothing at all while an approved effect is carried out";
const BARRIER: &str =
    "no expression of a worker's runs below the barrier, and nothing above it knows a hidden row or column";
const ENGINE: &str = "the query engine reads slices and nothing else";
const FALLBACK: &str = "nothing in deciding falls back to allowing";
const FLIP: &str = "a changed byte of an export is found and named";
const FORKED: &str = "a store that does not match its last signed checkpoint is refused";
const INTENT: &str = "no effect leaves before its intent is durable, and no result of a read before its record is";
const KEY: &str = "one effect of a key, across runs";
const KILLED: &str = "nothing acknowledged is lost and no effect happens twice when the program is killed";
const LEGAL: &str = "only legal events change a run or a decision";
const LIMITS: &str = "reads stay within their limits";
const LOST: &str = "an effect whose answer was lost is not sent blindly";
const NUMBERS: &str = "numbers are exact or refused";
const ONCE: &str = "one send for an approval";
const PINNED: &str = "a tool that is not as it was pinned, or whose server is another one, is used by nobody until new \
     definitions are loaded";
const SAME: &str = "the same call is one proposal, and a worker that comes back finds it";
const TOKENS: &str = "a token is good for its audience and time alone";
const VOTE: &str = "a vote counts for what was shown, once, and not from the person acted for";

/// Every guarantee.
pub const CATALOGUE: &[Guarantee] = &[
    guarantee("unknown-mission", FALLBACK, "a run of a mission that is not there is refused", |site| {
        Box::pin(start::unknown_mission(site))
    }),
    guarantee(
        "unknown-parameter",
        FALLBACK,
        "a run with a parameter that the mission does not have is refused",
        |site| Box::pin(start::unknown_parameter(site)),
    ),
    guarantee("another-worker", FALLBACK, "a run by a worker that may not carry the mission is refused", |site| {
        Box::pin(start::another_worker(site))
    }),
    guarantee("no-entitlement", FALLBACK, "without an entitlement nobody starts anything", |site| {
        Box::pin(start::no_entitlement(site))
    }),
    guarantee("token-of-another-kind", TOKENS, "a run's token is no person's, and a person's is no run's", |site| {
        Box::pin(token::other_kind(site))
    }),
    guarantee("changed-token", TOKENS, "a token with any other character is refused", |site| {
        Box::pin(token::changed(site))
    }),
    guarantee("expired-token", TOKENS, "a token is refused from its end on", |site| Box::pin(token::expired(site))),
    guarantee("sign-in-link-used-twice", TOKENS, "a sign-in link is good once", |site| {
        Box::pin(token::sign_in_twice(site))
    }),
    guarantee("unknown-tool", FALLBACK, "a call of a tool that is not there is refused", |site| {
        Box::pin(scope::unknown_tool(site))
    }),
    guarantee(
        "tool-of-another-mission",
        FALLBACK,
        "a tool that the mission does not name is refused in the words for one that is not there",
        |site| Box::pin(scope::tool_outside_mission(site)),
    ),
    guarantee("unknown-argument", FALLBACK, "an argument that the tool's schema does not know is refused", |site| {
        Box::pin(scope::unknown_argument(site))
    }),
    guarantee("missing-argument", FALLBACK, "a call without an argument that it needs is refused", |site| {
        Box::pin(scope::missing_argument(site))
    }),
    guarantee("inexact-number", NUMBERS, "a number that four decimal places cannot hold is refused", |site| {
        Box::pin(scope::inexact_number(site))
    }),
    guarantee("missing-fact", FALLBACK, "a call of which a fact has no value is refused", |site| {
        Box::pin(scope::missing_fact(site))
    }),
    guarantee("run-past-its-time", LEGAL, "from the end of its time on a run does nothing more", |site| {
        Box::pin(scope::time_up(site))
    }),
    guarantee("stopped-run", LEGAL, "a run that was stopped does nothing more", |site| Box::pin(scope::stopped(site))),
    guarantee("sql-other-than-select", ENGINE, "SQL that is anything but one SELECT is refused", |site| {
        Box::pin(read::only_select(site))
    }),
    guarantee(
        "sql-beside-the-slices",
        ENGINE,
        "files, schemas, clock and randomness of the query engine are not there",
        |site| Box::pin(read::nothing_beside_slices(site)),
    ),
    guarantee(
        "outside-the-slices",
        BARRIER,
        "a table or column that the mission does not name does not exist for its worker",
        |site| Box::pin(read::outside_slices(site)),
    ),
    guarantee("masked-column", BARRIER, "a masked column shows no value unmasked", |site| Box::pin(read::masks(site))),
    guarantee("limit-of-reads", LIMITS, "a read past the run's limit is refused", |site| {
        Box::pin(read::reads_limit(site))
    }),
    guarantee(
        "read-is-recorded",
        INTENT,
        "what a read released is on record: statement, rows, digest of the bytes",
        |site| Box::pin(read::recorded(site)),
    ),
    guarantee("refusal-is-recorded", APPLY, "a refusal is on record with its reasons", |site| {
        Box::pin(read::refusals_recorded(site))
    }),
    guarantee("effect-waits", INTENT, "an effect that nobody has approved does not happen", |site| {
        Box::pin(decision::waits(site))
    }),
    guarantee(
        "effect-happens-once-as-approved",
        ONCE,
        "what was approved happens once, byte for byte, after proposal, votes and intent are on record",
        |site| Box::pin(decision::carried_out_once(site)),
    ),
    guarantee("mutated-approval", VOTE, "a vote that names another digest than the decision's is refused", |site| {
        Box::pin(decision::mutated_approval(site))
    }),
    guarantee(
        "mutated-call",
        SAME,
        "a call with another argument does not run on an approval that was given",
        |site| Box::pin(decision::mutated_call(site)),
    ),
    guarantee("replayed-approval", VOTE, "an approval that is given again does nothing", |site| {
        Box::pin(decision::replayed_vote(site))
    }),
    guarantee("replayed-call", SAME, "the same call again finds its decision, and nothing happens again", |site| {
        Box::pin(decision::replayed_call(site))
    }),
    guarantee("vote-past-expiry", LEGAL, "after the decision's time nobody can approve, and nothing happens", |site| {
        Box::pin(decision::past_expiry(site))
    }),
    guarantee("own-vote", VOTE, "the person that a run acts for does not decide", |site| {
        Box::pin(decision::own_vote(site))
    }),
    guarantee(
        "own-vote-though-allowed",
        VOTE,
        "the person that a run acts for does not decide, whatever the approval rules say",
        |site| Box::pin(decision::own_vote_though_allowed(site)),
    ),
    guarantee("strangers-vote", VOTE, "somebody whom the approval rules do not name does not decide", |site| {
        Box::pin(decision::strangers_vote(site))
    }),
    guarantee(
        "one-vote-each",
        VOTE,
        "where more approvals are needed, one person's second vote is none of them",
        |site| Box::pin(decision::one_vote_each(site)),
    ),
    guarantee("rejected-call", SAME, "a call that was rejected is refused again", |site| {
        Box::pin(decision::rejected(site))
    }),
    guarantee(
        "second-effect-of-a-key",
        KEY,
        "while an effect of a key is on its way or has happened, a second one cannot be proposed",
        |site| Box::pin(decision::second_effect_of_a_key(site)),
    ),
    guarantee("limit-of-proposals", LEGAL, "a proposal past the run's limit is refused", |site| {
        Box::pin(decision::proposals_limit(site))
    }),
    guarantee(
        "approval-past-expiry",
        LEGAL,
        "an approval that was not used in its time is not used any more",
        |site| Box::pin(change::expired_before_send(site)),
    ),
    guarantee(
        "schema-drifts-after-approval",
        PINNED,
        "a tool that describes itself otherwise than when it was approved is not called",
        |site| Box::pin(change::drifted_before_send(site)),
    ),
    guarantee(
        "server-changes-after-approval",
        PINNED,
        "where another server answers than when it was approved, nothing is sent",
        |site| Box::pin(change::other_server_before_send(site)),
    ),
    guarantee(
        "rules-change-after-approval",
        AGAIN,
        "an approval under rules that have changed since is void",
        |site| Box::pin(change::policy_before_send(site)),
    ),
    guarantee(
        "approver-revoked-after-approval",
        AGAIN,
        "an approval of somebody who was revoked since is void",
        |site| Box::pin(change::approver_before_send(site)),
    ),
    guarantee(
        "person-revoked-after-approval",
        AGAIN,
        "a revoked person's run does nothing more, and what was approved for them is void",
        |site| Box::pin(change::person_before_send(site)),
    ),
    guarantee(
        "run-stopped-after-approval",
        LEGAL,
        "what was approved in a run that was stopped since does not happen",
        |site| Box::pin(change::stopped_before_send(site)),
    ),
    guarantee("drifted-tool", PINNED, "a tool that has changed is used by nobody", |site| {
        Box::pin(change::drifted_tool(site))
    }),
    guarantee("revoked-worker", AGAIN, "a worker that was revoked can do nothing from its next call on", |site| {
        Box::pin(change::worker_revoked(site))
    }),
    guarantee("new-guardrail", AGAIN, "a new guardrail holds at the next call of runs that are open", |site| {
        Box::pin(change::new_guardrail(site))
    }),
    guarantee("erring-guardrail", FALLBACK, "a guardrail that errs refuses the call", |site| {
        Box::pin(change::erring_guardrail(site))
    }),
    guarantee("no-guardrail", FALLBACK, "where no guardrail permits, nothing is permitted", |site| {
        Box::pin(change::no_guardrail(site))
    }),
    guarantee(
        "broken-definitions",
        FALLBACK,
        "definitions that are wrong never come into force, and the old ones stay",
        |site| Box::pin(change::broken_definitions(site)),
    ),
    guarantee(
        "lost-answer",
        LOST,
        "an effect whose answer was lost is sent again with its key where the integration honours it, and otherwise not at all",
        |site| Box::pin(effect::lost_answer(site)),
    ),
    guarantee(
        "power-lost-while-sending",
        KILLED,
        "a server that starts on what was on disk while an effect was under way knows that nobody knows, and does not send blindly",
        |site| Box::pin(effect::power_lost(site)),
    ),
    guarantee(
        "asked-while-an-effect-is-carried-out",
        ASKS,
        "an integration that asks for more than was approved is answered by nobody",
        |site| Box::pin(effect::asks_for_more(site)),
    ),
    guarantee(
        "trail-verifies",
        APPLY,
        "an export of the trail verifies, and shows proposal, votes, intent and outcome",
        |site| Box::pin(trail::verifies(site)),
    ),
    guarantee("altered-trail", FLIP, "one changed byte in any file of an export is found", |site| {
        Box::pin(trail::altered_export(site))
    }),
    guarantee(
        "proof-of-a-decision",
        FLIP,
        "a proof of one decision verifies by itself, and with any changed byte it does not",
        |site| Box::pin(trail::proves_a_decision(site)),
    ),
    guarantee(
        "restored-backup",
        FORKED,
        "a database that is older than its last signed checkpoint is refused",
        |site| Box::pin(trail::older_database(site)),
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A file of this checkout, as one line.
    fn words(file: &str) -> String {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
        std::fs::read_to_string(path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_guarantee_has_a_name_of_its_own_and_an_invariant_that_is_written_down() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|guarantee| guarantee.name).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        assert!(names.len() >= 30);
        let architecture = words("ARCHITECTURE.md");
        for guarantee in CATALOGUE {
            assert!(architecture.contains(guarantee.invariant), "{}: {}", guarantee.name, guarantee.invariant);
        }
    }

    #[test]
    fn the_guide_lists_every_guarantee() {
        let guide = words("docs/guide/drill.md");
        for guarantee in CATALOGUE {
            let row = format!("| `{}` | {} |", guarantee.name, guarantee.says);
            assert!(guide.contains(&row), "docs/guide/drill.md has no row `{row}`");
        }
    }
}
