//! One decision from its proposal on, followed event by event.
//!
//! The rules are those of the promises: a digest over the very bytes; votes in time, on that digest, one a person and
//! never the person acted for; sent from enough approvals alone, in time, under the policies that were approved; sent
//! again only where nobody knows what happened and the integration honours keys; and an end in the end.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Lives, is, kind, number, text};
use crate::chaos::notes::Broken;

/// The digest of a value: SHA-256 over its canonical form (RFC 8785), in hexadecimal digits.
pub(super) fn digest(value: &Value) -> Option<String> {
    let canonical = serde_json_canonicalizer::to_vec(value).ok()?;
    let digest: [u8; 32] = Sha256::digest(&canonical).into();
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A decision's events.
#[derive(Debug)]
pub(super) struct Life<'h> {
    pub(super) id: &'h str,
    /// The event with its proposal.
    pub(super) proposed: &'h Value,
    /// The events after it, each with the policies that were in force when it was recorded.
    pub(super) events: Vec<(&'h Value, &'h str)>,
}

/// Where a decision stands while its events are followed.
#[derive(Debug, Default)]
struct Standing<'h> {
    voters: BTreeSet<&'h str>,
    approvals: u64,
    rejected: bool,
    closed: bool,
    attempts: u64,
    /// Sent, or about to be, and nothing heard of it.
    under_way: bool,
    /// Nobody knows what happened.
    unknown: bool,
    /// Whether an attempt may have reached the integration.
    maybe_sent: bool,
    ended: bool,
}

/// The lives of all decisions of a trail.
pub(super) fn lives<'h>(trail: &'h [Value], broken: &mut Vec<Broken>) -> Lives<'h> {
    let mut lives = Lives::new();
    let mut policy = "";
    for event in trail {
        if kind(event) == "epoch_opened" {
            policy = text(event, "policy");
        }
        let id = text(event, "decision");
        if id.is_empty() {
            continue;
        }
        if kind(event) == "proposed" {
            if lives.insert(id, Life { id, proposed: event, events: Vec::new() }).is_some() {
                broken.push(Broken::of(id, "it is proposed twice"));
            }
        } else if let Some(life) = lives.get_mut(id) {
            life.events.push((event, policy));
        } else {
            broken.push(Broken::of(id, format!("`{}` before it is proposed", kind(event))));
        }
    }
    lives
}

impl<'h> Life<'h> {
    /// What was approved, or was to be: the bytes under the digest.
    pub(super) fn action(&self) -> Option<&'h Value> {
        self.proposed.get("action")
    }

    /// Whether that is this tool of an integration, as `integration.tool`, with these arguments.
    pub(super) fn is_of(&self, name: &str, arguments: &Map<String, Value>) -> bool {
        let Some(action) = self.action() else { return false };
        let integration = action.get("integration").map_or("", |integration| text(integration, "name"));
        name == format!("{integration}.{}", text(action, "tool"))
            && action.get("arguments").and_then(Value::as_object) == Some(arguments)
    }

    /// How the operator has classified the tool.
    pub(super) fn profile(&self) -> &'h str {
        text(self.proposed, "profile")
    }

    /// The events of one kind.
    pub(super) fn of_kind(&self, wanted: &str) -> impl Iterator<Item = &'h Value> {
        self.events.iter().map(|(event, _)| *event).filter(move |event| kind(event) == wanted)
    }

    /// Whether the integration itself has said that it acted.
    pub(super) fn is_told_succeeded(&self) -> bool {
        self.of_kind("outcome_recorded").any(|event| is(event, "succeeded"))
    }

    /// Whether it counts as done.
    pub(super) fn has_succeeded(&self) -> bool {
        self.is_told_succeeded() || self.of_kind("outcome_settled").any(|event| is(event, "succeeded"))
    }

    /// Everything that is wrong with it.
    pub(super) fn check(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        if self.action().and_then(digest).as_deref() != Some(text(self.proposed, "action_digest")) {
            broken.push("its digest is not that of the recorded action".to_owned());
        }
        let mut standing = Standing::default();
        for &(event, policy) in &self.events {
            if let Err(why) = self.follow(&mut standing, event, policy) {
                broken.push(format!("event {}, `{}`: {why}", number(event, "seq"), kind(event)));
            }
        }
        if !(standing.ended || standing.rejected || standing.closed) {
            broken.push("it has no end".to_owned());
        }
        broken.into_iter().map(|what| Broken::of(self.id, what)).collect()
    }

    fn follow(&self, standing: &mut Standing<'h>, event: &'h Value, policy: &str) -> Result<(), String> {
        let is_over = standing.ended || standing.rejected || standing.closed;
        let holds = |it_is_so: bool, otherwise: &str| if it_is_so { Ok(()) } else { Err(otherwise.to_owned()) };
        match kind(event) {
            "voted" => {
                let vote = event.get("vote").ok_or("there is no vote in it")?;
                let approve = is(vote, "approve");
                let counted = standing.voters.insert(text(vote, "by"));
                let in_time = number(event, "at") < number(self.proposed, "expires_at");
                let open = !is_over && standing.attempts == 0 && standing.approvals < self.needed();
                standing.approvals += u64::from(approve);
                standing.rejected |= !approve;
                holds(text(vote, "action_digest") == self.digest(), "a vote on something else")?;
                holds(text(vote, "by") != self.person(), "a vote of the person acted for")?;
                holds(counted, "a second vote of the same person")?;
                holds(in_time, "a vote after the time was up")?;
                holds(open, "a vote on what was decided")
            }
            "intent_recorded" => {
                let again = standing.unknown;
                let first_under_way = std::mem::replace(&mut standing.under_way, true);
                standing.attempts += 1;
                standing.unknown = false;
                holds(text(event, "action_digest") == self.digest(), "something else is sent than was approved")?;
                holds(text(event, "idempotency_key") == self.key(), "it is sent under another key")?;
                holds(number(event, "attempt") == standing.attempts, "it is not the next attempt")?;
                holds(!first_under_way, "it is sent while it is under way")?;
                holds(!is_over, "it is sent after its end")?;
                holds(standing.approvals >= self.needed(), "it is sent without its approvals")?;
                if again {
                    return holds(self.profile() == "keyed", "it is sent again where no key is honoured");
                }
                let approved = self.action().map_or("", |action| text(action, "policy"));
                holds(policy == approved, "it is sent under other policies than were approved")?;
                let in_time = number(event, "at") < number(self.proposed, "expires_at");
                holds(in_time, "it is sent after the time was up")
            }
            "not_sent" => {
                let was_under_way = std::mem::take(&mut standing.under_way);
                standing.unknown = standing.maybe_sent;
                holds(was_under_way, "it was not under way")
            }
            "outcome_unknown" => {
                let was_under_way = std::mem::take(&mut standing.under_way);
                (standing.unknown, standing.maybe_sent) = (true, true);
                holds(was_under_way, "it was not under way")
            }
            "outcome_recorded" => {
                let was_under_way = std::mem::take(&mut standing.under_way);
                standing.ended = true;
                holds(was_under_way && !is_over, "it was not under way")
            }
            "outcome_settled" => {
                let was_unknown = std::mem::take(&mut standing.unknown);
                standing.ended = true;
                holds(was_unknown && !is_over, "its outcome was not unknown")
            }
            "decision_expired" | "decision_withdrawn" | "decision_voided" => {
                standing.closed = true;
                let sent = standing.under_way || standing.maybe_sent;
                let expired_early =
                    kind(event) == "decision_expired" && number(event, "at") < number(self.proposed, "expires_at");
                holds(!sent, "it may have happened")?;
                holds(!expired_early, "its time was not up")?;
                holds(!is_over, "it had ended before")
            }
            _ => Err("this is no event of a decision".to_owned()),
        }
    }

    fn digest(&self) -> &'h str {
        text(self.proposed, "action_digest")
    }

    fn person(&self) -> &'h str {
        self.action().map_or("", |action| text(action, "person"))
    }

    fn needed(&self) -> u64 {
        number(self.proposed, "approvals_needed").max(1)
    }

    /// The key under which its effect is sent.
    pub(super) fn key(&self) -> String {
        format!("writ-{}", self.id)
    }
}
