//! One look at an integration: each of its tools and prompts beside its pin and its snapshot.
//!
//! Resources come and go with the data that they stand for, so they are no part of this.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value as Json;
use writ_core::definition::{Integration, ToolClass};
use writ_core::digest::Digest;
use writ_core::visible::visible_name;

use super::change::Change;
use super::hidden::{Hidden, hidden_in};
use super::offer::{departed, gone};
use super::snapshot::{Pinned, Snapshot};
use crate::upstream::ServerDescription;

/// How a tool or prompt stands to what the operator has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PinState {
    /// It is what was pinned.
    Pinned,
    /// It is let through without a pin, whatever it says of itself when the server starts.
    Unpinned,
    /// It is not what was pinned.
    Changed,
    /// The definition file does not name it: nobody can use it.
    New,
    /// The server does not offer it any more.
    Gone,
}

impl PinState {
    /// The state in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Unpinned => "unpinned",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A tool.
    Tool,
    /// A prompt.
    Prompt,
}

/// One tool or prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// Which of the two.
    pub kind: Kind,
    /// Its name at the integration, as the server gives it.
    pub name: String,
    /// How a tool is classified, where it is.
    pub class: Option<ToolClass>,
    /// How it stands.
    pub state: PinState,
    /// The pin in the definition file.
    pub pin: Option<String>,
    /// The digest of what is offered now.
    pub digest: Option<Digest>,
    /// What has changed since the operator last looked.
    pub changes: Vec<Change>,
    /// What its definition hides.
    pub hidden: Vec<Hidden>,
}

impl Item {
    /// Its name among those of one integration, made visible: a prompt's has `prompts/` in front.
    #[must_use]
    pub fn label(&self) -> String {
        let name = visible_name(&self.name);
        match self.kind {
            Kind::Tool => name,
            Kind::Prompt => format!("prompts/{name}"),
        }
    }

    /// Whether these words of a command line mean this item.
    #[must_use]
    pub fn is_called(&self, words: &str) -> bool {
        match self.kind {
            Kind::Tool => words == self.name,
            Kind::Prompt => words.strip_prefix("prompts/") == Some(self.name.as_str()),
        }
    }
}

/// What one look found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// How the server's own name and version have changed, where a snapshot says what they were.
    pub server: Option<Change>,
    /// Tools and then prompts, each in the order of their names.
    pub items: Vec<Item>,
}

impl Look {
    /// Whether anything is not as the operator last saw it.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.server.is_some() || self.items.iter().any(|item| !item.changes.is_empty())
    }
}

/// Compares what the definition and the snapshot say with what the server says now.
#[must_use]
pub fn look(integration: &Integration, snapshot: Option<&Snapshot>, now: &ServerDescription) -> Look {
    let mut items = Vec::new();
    let defined = integration.tools.keys().map(String::as_str);
    let tools: BTreeSet<&str> = defined.chain(now.tools.iter().map(|tool| tool.name.as_str())).collect();
    for name in tools {
        let defined = integration.tools.get(name);
        let seen = Seen {
            named: defined.is_some(),
            looked_before: snapshot.is_some(),
            pin: defined.and_then(|tool| tool.pin.as_deref()),
            kept: snapshot.and_then(|snapshot| snapshot.tools.get(name)),
            offered: now.tools.iter().find(|tool| tool.name == name).map(|tool| &tool.definition),
        };
        items.push(seen.item(Kind::Tool, name, defined.map(|tool| tool.class)));
    }
    let defined = integration.prompts.keys().map(String::as_str);
    let prompts: BTreeSet<&str> = defined.chain(now.prompts.iter().map(|prompt| prompt.name.as_str())).collect();
    for name in prompts {
        let defined = integration.prompts.get(name);
        let seen = Seen {
            named: defined.is_some(),
            looked_before: snapshot.is_some(),
            pin: defined.and_then(|prompt| prompt.pin.as_deref()),
            kept: snapshot.and_then(|snapshot| snapshot.prompts.get(name)),
            offered: now.prompts.iter().find(|prompt| prompt.name == name).map(|prompt| &prompt.definition),
        };
        items.push(seen.item(Kind::Prompt, name, None));
    }
    let server = snapshot
        .filter(|snapshot| snapshot.server != now.server)
        .map(|snapshot| Change::text("the server", &snapshot.server, &now.server));
    Look { server, items }
}

/// What is known of one item.
struct Seen<'a> {
    /// Whether the definition file names it.
    named: bool,
    /// Whether a snapshot says what was offered before.
    looked_before: bool,
    pin: Option<&'a str>,
    kept: Option<&'a Pinned>,
    offered: Option<&'a Json>,
}

impl Seen<'_> {
    fn item(&self, kind: Kind, name: &str, class: Option<ToolClass>) -> Item {
        let digest = self.offered.map(Digest::of_json);
        let hidden = self.offered.map(hidden_in).unwrap_or_default();
        let (state, changes) = match (self.offered, &digest) {
            (None, _) | (_, None) => (PinState::Gone, vec![gone()]),
            (Some(_), Some(Err(error))) => (PinState::Changed, vec![Change::of(format!("its definition: {error}"))]),
            (Some(offered), Some(Ok(digest))) => self.state(offered, *digest),
        };
        let (pin, digest) = (self.pin.map(str::to_owned), digest.and_then(Result::ok));
        Item { kind, name: name.to_owned(), class, state, pin, digest, changes, hidden }
    }

    fn state(&self, offered: &Json, digest: Digest) -> (PinState, Vec<Change>) {
        let known = self.kept.is_some_and(|kept| kept.digest == digest);
        match (self.named, self.pin) {
            (false, _) if known || !self.looked_before => (PinState::New, Vec::new()),
            (false, _) => (PinState::New, vec![Change::of("it is new and not classified: nobody can use it")]),
            (true, Some(pin)) => {
                let changes = departed(pin, self.kept, offered, digest);
                (if changes.is_empty() { PinState::Pinned } else { PinState::Changed }, changes)
            }
            // Without a pin the snapshot still says what was there when the operator looked.
            (true, None) => {
                let kept = self.kept.map(|kept| departed(&kept.digest.to_string(), self.kept, offered, digest));
                (PinState::Unpinned, kept.unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pin::offer::tests::server;

    fn integration(tools: &Json) -> Integration {
        let definition =
            json!({ "integration": "mail", "from": { "http": { "url": "http://localhost/" } }, "tools": tools });
        serde_json::from_value(definition).unwrap()
    }

    fn states(look: &Look) -> Vec<(&str, PinState, usize)> {
        look.items.iter().map(|item| (item.name.as_str(), item.state, item.changes.len())).collect()
    }

    #[test]
    fn each_state_is_told() {
        let before = server("mail 1.0", &[("draft", ""), ("read", ""), ("send", "Sends."), ("spare", "")]);
        let snapshot = Snapshot::of("mail", &before).unwrap();
        let pin = |name: &str| snapshot.tools[name].digest.to_string();
        let integration = integration(&json!({
            "draft": { "class": "effect", "pin": pin("draft") },
            "drop": { "class": "effect", "pin": pin("draft") },
            "read": { "class": "read" },
            "send": { "class": "effect", "pin": pin("send") },
        }));
        let as_before = look(&integration, Some(&snapshot), &before);
        let expected = [
            ("draft", PinState::Pinned, 0),
            ("drop", PinState::Gone, 1),
            ("read", PinState::Unpinned, 0),
            ("send", PinState::Pinned, 0),
            ("spare", PinState::New, 0),
        ];
        assert_eq!(states(&as_before), expected);
        let now = server("mail 2.0", &[("draft", ""), ("read", "Reads."), ("send", "Sends\u{200b}"), ("purge", "")]);
        let found = look(&integration, Some(&snapshot), &now);
        let expected = [
            ("draft", PinState::Pinned, 0),
            ("drop", PinState::Gone, 1),
            ("purge", PinState::New, 1),
            ("read", PinState::Unpinned, 1),
            ("send", PinState::Changed, 1),
        ];
        assert_eq!(states(&found), expected);
        assert!(found.differs() && found.server.is_some());
        assert_eq!(found.items[4].hidden.len(), 1);
        assert_eq!((found.items[3].class, found.items[2].class), (Some(ToolClass::Read), None));
        let without = look(&integration, None, &before);
        assert_eq!(states(&without)[4], ("spare", PinState::New, 0));
        assert_eq!(without.server, None);
    }

    #[test]
    fn prompts_have_a_name_of_their_own() {
        let mut now = server("mail 1.0", &[("greet", "")]);
        now.prompts =
            vec![crate::upstream::UpstreamItem { name: "greet".to_owned(), definition: json!({ "name": "greet" }) }];
        let found = look(&integration(&json!({})), None, &now);
        let labels: Vec<String> = found.items.iter().map(Item::label).collect();
        assert_eq!(labels, ["greet", "prompts/greet"]);
        assert!(found.items[1].is_called("prompts/greet") && !found.items[1].is_called("greet"));
        assert!(found.items[0].is_called("greet"));
    }
}
