//! What a tool is planned from, and how a server departs from it.
//!
//! A pinned tool is planned as it was pinned. Where the server offers something else, or does not offer it any more,
//! the plan stands all the same, so that policies and missions are checked against what the operator has seen, and the
//! departures say why nobody may call it. A tool without a pin is planned as it is offered. Where a server cannot be
//! asked, its snapshot speaks for it.

use serde_json::Value as Json;
use writ_core::code::Reason;
use writ_core::digest::Digest;
use writ_core::visible::{visible_line, visible_name};

use super::change::{Change, difference};
use super::snapshot::{Pinned, Snapshot};
use crate::upstream::{ServerDescription, UpstreamTool};

/// How many reasons are given.
const REASONS_MAX: usize = 12;

/// What one tool is planned from.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// The tool.
    pub(crate) tool: UpstreamTool,
    /// The digest of its definition.
    pub(crate) digest: Digest,
    /// How the server introduces itself, or did when the snapshot was taken.
    pub(crate) server: String,
    /// Why nobody may call it; empty where all is as pinned.
    pub(crate) departures: Vec<Reason>,
}

/// Why a tool cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The server cannot be asked, and no snapshot holds the tool as it was pinned.
    Server,
    /// The server has no such tool, and no snapshot holds it as it was pinned.
    Tool,
    /// Its definition has no digest, with the reason.
    Digest(String),
}

/// Finds what a tool is planned from.
///
/// # Errors
/// [`Absent`].
pub(crate) fn offer(
    name: &str,
    pin: Option<&str>,
    snapshot: Option<&Snapshot>,
    server: Option<&ServerDescription>,
) -> Result<Offer, Absent> {
    let kept = snapshot.and_then(|snapshot| Some((snapshot, snapshot.tools.get(name)?)));
    let kept = kept.filter(|(_, pinned)| pin.is_none_or(|pin| pin == pinned.digest.to_string()));
    let from_snapshot = |departures: Vec<Reason>, server: Option<&ServerDescription>| {
        kept.map(|(snapshot, pinned)| Offer {
            tool: pinned.tool(name),
            digest: pinned.digest,
            server: server.map_or(&snapshot.server, |server| &server.server).clone(),
            departures,
        })
    };
    let Some(now) = server else { return from_snapshot(Vec::new(), None).ok_or(Absent::Server) };
    let Some(tool) = now.tools.iter().find(|tool| tool.name == name) else {
        return from_snapshot(reasons(name, &[gone()]), server).ok_or(Absent::Tool);
    };
    let digest = Digest::of_json(&tool.definition).map_err(|error| Absent::Digest(error.to_string()))?;
    let departures = match pin {
        Some(_) if snapshot.is_some_and(|snapshot| snapshot.server != now.server) => {
            let before = snapshot.map(|snapshot| snapshot.server.as_str()).unwrap_or_default();
            reasons(name, &[Change::text("the server", before, &now.server)])
        }
        Some(pin) => reasons(name, &departed(pin, kept.map(|(_, pinned)| pinned), &tool.definition, digest)),
        None => Vec::new(),
    };
    if !departures.is_empty()
        && let Some(offer) = from_snapshot(departures.clone(), server)
    {
        return Ok(offer);
    }
    Ok(Offer { tool: tool.clone(), digest, server: now.server.clone(), departures })
}

/// How a server departs from what a tool or prompt was planned from (the server's own name and version, the definition,
/// its digest), given how it introduces itself and what it offers by that name now.
pub(crate) fn departures(
    name: &str,
    (server, definition, digest): (&str, &Json, Digest),
    now: &str,
    offered: Option<&Json>,
) -> Vec<Reason> {
    let mut changes = Vec::new();
    if now != server {
        changes.push(Change::text("the server", server, now));
    }
    match offered.map(|offered| (offered, Digest::of_json(offered))) {
        None => changes.push(gone()),
        Some((_, Ok(found))) if found == digest => {}
        Some((offered, Ok(_))) => changes.extend(told(definition, offered)),
        Some((_, Err(error))) => changes.push(Change::of(format!("the definition has changed: {error}"))),
    }
    reasons(name, &changes)
}

/// Changes of a tool as reasons for people: the first of them, and how many more there are.
pub(crate) fn reasons(tool: &str, changes: &[Change]) -> Vec<Reason> {
    let reason = |detail: String| Reason { set: "integration".to_owned(), policy: None, detail };
    let tool = visible_name(tool);
    let mut reasons: Vec<Reason> =
        changes.iter().take(REASONS_MAX).map(|change| reason(format!("`{tool}`: {change}"))).collect();
    let more = changes.len().saturating_sub(REASONS_MAX);
    if more > 0 {
        reasons.push(reason(format!("`{tool}`: and {more} more changes; see `writ integration diff`")));
    }
    reasons
}

/// How a definition departs from what is expected of it by digest; told by what was kept, where that is it.
pub(super) fn departed(expected: &str, kept: Option<&Pinned>, now: &Json, digest: Digest) -> Vec<Change> {
    if expected == digest.to_string() {
        return Vec::new();
    }
    match kept.filter(|kept| kept.digest.to_string() == expected) {
        Some(kept) => told(&kept.definition, now),
        None => {
            let expected = visible_line(expected);
            vec![Change {
                path: String::new(),
                before: Some(expected.clone()),
                after: Some(digest.to_string()),
                words: format!(
                    "the definition has changed: its digest is {digest}, the pin is {expected}, and no snapshot holds \
                     what was pinned"
                ),
            }]
        }
    }
}

/// A tool or prompt that was there.
pub(super) fn gone() -> Change {
    Change::of("the server does not offer it any more")
}

/// A difference of definitions whose digests differ: there is always something to tell.
fn told(before: &Json, now: &Json) -> Vec<Change> {
    let changes = difference(before, now);
    if changes.is_empty() { vec![Change::of("the definition has changed")] } else { changes }
}

#[cfg(test)]
pub(in crate::pin) mod tests {
    use serde_json::json;

    use super::*;

    /// A server with tools by name and description.
    pub(in crate::pin) fn server(name: &str, tools: &[(&str, &str)]) -> ServerDescription {
        let tool = |(name, description): &(&str, &str)| {
            let definition = json!({ "name": name, "description": description, "inputSchema": { "type": "object" } });
            Pinned { digest: Digest::of_json(&definition).unwrap(), definition }.tool(name)
        };
        ServerDescription { server: name.to_owned(), tools: tools.iter().map(tool).collect(), ..Default::default() }
    }

    fn said(reasons: &[Reason]) -> String {
        reasons.iter().map(|reason| reason.detail.as_str()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_as_pinned_is_planned_as_it_is() {
        let now = server("mail 1.0", &[("send", "Sends.")]);
        let snapshot = Snapshot::of("mail", &now).unwrap();
        let pin = snapshot.tools["send"].digest.to_string();
        for (pin, kept) in
            [(Some(pin.as_str()), Some(&snapshot)), (Some(pin.as_str()), None), (None, Some(&snapshot)), (None, None)]
        {
            let offer = offer("send", pin, kept, Some(&now)).unwrap();
            assert_eq!((offer.departures.len(), offer.digest), (0, snapshot.tools["send"].digest));
        }
        assert_eq!(offer("sent", None, Some(&snapshot), Some(&now)).unwrap_err(), Absent::Tool);
    }

    #[test]
    fn what_has_changed_is_planned_as_it_was() {
        let before = server("mail 1.0", &[("send", "Sends."), ("read", "Reads.")]);
        let snapshot = Snapshot::of("mail", &before).unwrap();
        let pin = snapshot.tools["send"].digest.to_string();
        let now = server("mail 1.0", &[("send", "Sends to all.")]);
        let changed = offer("send", Some(&pin), Some(&snapshot), Some(&now)).unwrap();
        assert_eq!((changed.tool.description.as_str(), changed.digest), ("Sends.", snapshot.tools["send"].digest));
        assert!(said(&changed.departures).contains("from \"Sends.\" to \"Sends to all.\""), "{changed:?}");
        let without = offer("send", Some(&pin), None, Some(&now)).unwrap();
        assert_eq!(without.tool.description, "Sends to all.");
        assert!(said(&without.departures).contains("no snapshot holds"), "{without:?}");
        let unpinned = offer("send", None, Some(&snapshot), Some(&now)).unwrap();
        assert_eq!((unpinned.departures.len(), unpinned.tool.description.as_str()), (0, "Sends to all."));
        let withdrawn = offer("read", None, Some(&snapshot), Some(&now)).unwrap();
        assert!(said(&withdrawn.departures).contains("does not offer it any more"), "{withdrawn:?}");
    }

    #[test]
    fn a_server_that_cannot_be_asked_is_planned_from_its_snapshot_alone() {
        let snapshot = Snapshot::of("mail", &server("mail 1.0", &[("send", "Sends.")])).unwrap();
        let pin = snapshot.tools["send"].digest.to_string();
        let kept = offer("send", Some(&pin), Some(&snapshot), None).unwrap();
        assert_eq!((kept.server.as_str(), kept.departures.len()), ("mail 1.0", 0));
        for (pin, snapshot) in [(Some("0".repeat(64)), Some(&snapshot)), (Some(pin), None), (None, None)] {
            assert_eq!(offer("send", pin.as_deref(), snapshot, None).unwrap_err(), Absent::Server);
        }
    }

    #[test]
    fn a_running_server_is_held_to_its_plan() {
        let planned = server("mail 1.0", &[("send", "Sends.")]);
        let definition = &planned.tools[0].definition;
        let plan = ("mail 1.0", definition, Digest::of_json(definition).unwrap());
        let departures = |now: &ServerDescription| {
            let offered = now.tools.iter().find(|tool| tool.name == "send").map(|tool| &tool.definition);
            departures("send", plan, &now.server, offered)
        };
        assert!(departures(&planned).is_empty());
        assert!(departures(&server("mail 1.0", &[("read", ""), ("send", "Sends.")])).is_empty());
        for (now, expected) in [
            (server("mail 2.0", &[("send", "Sends.")]), "the server was `mail 1.0` and is now `mail 2.0`"),
            (
                server("mail 1.0", &[("send", "Sends\u{200b}.")]),
                "the description has changed from \"Sends.\" to \"Sends\\u{200b}.\"",
            ),
            (server("mail 1.0", &[]), "does not offer it any more"),
        ] {
            let reasons = departures(&now);
            assert!(reasons.len() == 1 && said(&reasons).contains(expected), "{reasons:?}");
            assert_eq!(reasons[0].set, "integration");
        }
    }

    #[test]
    fn reasons_are_bounded() {
        let changes: Vec<Change> = (0..40).map(|at| Change::of(format!("change {at}"))).collect();
        let reasons = reasons("send", &changes);
        assert_eq!(reasons.len(), REASONS_MAX + 1);
        assert!(said(&reasons).ends_with("and 28 more changes; see `writ integration diff`"), "{reasons:?}");
    }
}
