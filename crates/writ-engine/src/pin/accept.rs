//! Accepting what a server says now: the definition file and the snapshot as they are to be afterwards.
//!
//! Nothing is written here, and no class is changed: a tool that the file does not name comes in as an effect, a
//! prompt that it does not name stays out. Where a pin has to be written by a person, the snapshot keeps what it had,
//! so that the change can still be told.

use std::collections::BTreeMap;

use writ_core::definition::Integration;
use writ_core::digest::Digest;
use writ_core::visible::visible_name;

use super::edit::{Unwritable, write_pin};
use super::look::{Item, Kind, PinState, look};
use super::snapshot::{Pinned, Snapshot};
use crate::upstream::ServerDescription;

/// What accepting comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The definition file's text.
    pub text: String,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What was accepted, and its digest.
    pub pinned: Vec<(Item, Digest)>,
    /// What a person has to write.
    pub by_hand: Vec<(Item, Unwritable)>,
    /// What the file names and the server does not offer any more.
    pub gone: Vec<Item>,
    /// Whether the server's own name and version differ from the snapshot's, and were not accepted because tools were
    /// named.
    pub server_is_another: bool,
}

/// Accepts tools and prompts by name, or everything where nothing is named.
///
/// # Errors
/// In words, where a name is not one of the integration's or cannot be accepted, or where something has no digest.
pub fn accept(
    text: &str,
    integration: &Integration,
    kept: Option<&Snapshot>,
    now: &ServerDescription,
    named: &[String],
) -> Result<Accepted, String> {
    let name = &integration.integration;
    let offered = Snapshot::of(name, now).map_err(|error| error.to_string())?;
    let found = look(integration, kept, now);
    for words in named {
        may_be_accepted(&found.items, words)?;
    }
    let everything = named.is_empty();
    let nothing = || Snapshot { tools: BTreeMap::new(), prompts: BTreeMap::new(), ..offered.clone() };
    let mut accepted = Accepted {
        text: text.to_owned(),
        snapshot: if everything { offered.clone() } else { kept.cloned().unwrap_or_else(nothing) },
        pinned: Vec::new(),
        by_hand: Vec::new(),
        gone: Vec::new(),
        server_is_another: !everything && found.server.is_some(),
    };
    for item in found.items {
        if item.state == PinState::Gone {
            accepted.gone.push(item);
            continue;
        }
        let Some(pinned) = entry(&offered, &item) else { continue };
        let is_meant = everything || named.iter().any(|words| item.is_called(words));
        if !is_meant || (item.kind == Kind::Prompt && item.state == PinState::New) {
            continue;
        }
        let is_written = item.pin.as_deref() == Some(pinned.digest.to_string().as_str());
        if !is_written {
            match write_pin(&accepted.text, item.kind, &item.name, pinned) {
                Ok(text) => accepted.text = text,
                Err(unwritable) => {
                    let before = kept.and_then(|kept| entry(kept, &item)).cloned();
                    put(&mut accepted.snapshot, &item, before);
                    accepted.by_hand.push((item, unwritable));
                    continue;
                }
            }
        }
        put(&mut accepted.snapshot, &item, Some(pinned.clone()));
        accepted.pinned.push((item, pinned.digest));
    }
    Ok(accepted)
}

fn may_be_accepted(items: &[Item], words: &str) -> Result<(), String> {
    let shown = visible_name(words);
    match items.iter().find(|item| item.is_called(words)) {
        None => {
            let known: Vec<String> = items.iter().map(Item::label).collect();
            Err(format!("there is no `{shown}`; there are {}", known.join(", ")))
        }
        Some(item) if item.state == PinState::Gone => {
            Err(format!("the server does not offer `{shown}` any more; take it out of the definition file"))
        }
        Some(item) if item.kind == Kind::Prompt && item.state == PinState::New => {
            Err(format!("`{shown}` is not let through; name it under `prompts` in the definition file first"))
        }
        Some(_) => Ok(()),
    }
}

fn entry<'a>(snapshot: &'a Snapshot, item: &Item) -> Option<&'a Pinned> {
    match item.kind {
        Kind::Tool => snapshot.tools.get(&item.name),
        Kind::Prompt => snapshot.prompts.get(&item.name),
    }
}

fn put(snapshot: &mut Snapshot, item: &Item, pinned: Option<Pinned>) {
    let entries = match item.kind {
        Kind::Tool => &mut snapshot.tools,
        Kind::Prompt => &mut snapshot.prompts,
    };
    match pinned {
        Some(pinned) => _ = entries.insert(item.name.clone(), pinned),
        None => _ = entries.remove(&item.name),
    }
}

#[cfg(test)]
mod tests {
    use writ_core::definition::{ToolClass, parse_yaml};

    use super::*;
    use crate::pin::offer::tests::server;

    const FILE: &str = "# Mail.\nintegration: mail\nfrom: { http: { url: \"http://localhost/\" } }\ntools:\n  read: # by Lea\n    class: read\n  send: { class: effect }\n";

    fn accepted(
        text: &str,
        kept: Option<&Snapshot>,
        now: &ServerDescription,
        named: &[&str],
    ) -> Result<Accepted, String> {
        let integration: Integration = parse_yaml("mail", text).unwrap();
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        accept(text, &integration, kept, now, &named)
    }

    #[test]
    fn everything_is_accepted_and_no_class_is_changed() {
        let now = server("mail 1.0", &[("read", "Reads."), ("send", "Sends."), ("purge", "Deletes.")]);
        let done = accepted(FILE, None, &now, &[]).unwrap();
        assert_eq!(done.snapshot, Snapshot::of("mail", &now).unwrap());
        let after: Integration = parse_yaml("mail", &done.text).unwrap();
        let classes: Vec<(&str, ToolClass)> =
            after.tools.iter().map(|(name, tool)| (name.as_str(), tool.class)).collect();
        assert_eq!(classes, [("purge", ToolClass::Effect), ("read", ToolClass::Read), ("send", ToolClass::Effect)]);
        assert!(done.text.starts_with("# Mail.\n") && done.text.contains("read: # by Lea\n"), "{}", done.text);
        assert!(!look(&after, Some(&done.snapshot), &now).differs());
        // What is accepted already changes nothing.
        let again = accepted(&done.text, Some(&done.snapshot), &now, &[]).unwrap();
        assert_eq!((&again.text, &again.snapshot), (&done.text, &done.snapshot));
    }

    #[test]
    fn what_is_named_is_accepted_alone() {
        let before = server("mail 1.0", &[("read", "Reads."), ("send", "Sends.")]);
        let done = accepted(FILE, None, &before, &[]).unwrap();
        let now = server("mail 2.0", &[("read", "Reads all."), ("send", "Sends to all."), ("purge", "")]);
        let sent = accepted(&done.text, Some(&done.snapshot), &now, &["send"]).unwrap();
        assert_eq!(sent.pinned.iter().map(|(item, _)| item.name.as_str()).collect::<Vec<_>>(), ["send"]);
        assert!(sent.server_is_another && sent.snapshot.server == "mail 1.0");
        let after: Integration = parse_yaml("mail", &sent.text).unwrap();
        assert_eq!(after.tools["read"].pin, Some(done.snapshot.tools["read"].digest.to_string()));
        assert_eq!(after.tools["send"].pin, Some(sent.snapshot.tools["send"].digest.to_string()));
        assert!(!after.tools.contains_key("purge"));
        assert_eq!(sent.snapshot.tools["read"], done.snapshot.tools["read"]);
    }

    #[test]
    fn what_a_person_must_write_keeps_its_snapshot() {
        let text = FILE.replace("send: { class: effect }", "send: { class: effect,\n    pin: \"x\" }");
        let before = Snapshot::of("mail", &server("mail 1.0", &[("send", "Sends.")])).unwrap();
        let now = server("mail 1.0", &[("send", "Sends to all.")]);
        let done = accepted(&text, Some(&before), &now, &[]).unwrap();
        assert_eq!(done.by_hand.len(), 1);
        assert_eq!(done.gone.iter().map(Item::label).collect::<Vec<_>>(), ["read"]);
        assert_eq!((done.text.as_str(), &done.snapshot.tools["send"]), (text.as_str(), &before.tools["send"]));
        let none = accepted(&text, None, &now, &[]).unwrap();
        assert!(!none.snapshot.tools.contains_key("send"));
    }

    #[test]
    fn names_are_looked_up() {
        let mut now = server("mail 1.0", &[("send", "Sends.")]);
        now.prompts = vec![crate::upstream::UpstreamItem {
            name: "greet".to_owned(),
            definition: serde_json::json!({ "name": "greet" }),
        }];
        for (name, why) in
            [("sent", "there are read, send, prompts/greet"), ("read", "any more"), ("prompts/greet", "let through")]
        {
            let error = accepted(FILE, None, &now, &[name]).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
