//! Text that a person does not see, found wherever a definition has text.
//!
//! A model reads every character of a description; a person sees those that have a shape
//! ([`writ_core::visible`]). Findings are bounded in number and length, and show their text made visible.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;
use writ_core::visible::{HiddenKind, hidden_kind, visible_line, visible_name};

/// How many characters on either side of the first hidden one are shown.
const AROUND_CHARACTERS: usize = 24;
/// How many findings of one definition are told.
const FINDINGS_MAX: usize = 50;
/// How deep a definition is looked into.
const DEPTH_MAX: usize = 128;

/// Characters of one kind in one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hidden {
    /// Where in the definition the text stands, such as `inputSchema.properties.to.description`; empty for a text by
    /// itself.
    pub path: String,
    /// What kind of characters.
    pub kind: HiddenKind,
    /// How many of them.
    pub count: usize,
    /// The text around the first of them, made visible.
    pub around: String,
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        write!(f, "{} {}, at \"{}\"", self.count, words(self.kind), self.around)
    }
}

/// What a text is for decides what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// ASCII alone.
    Name,
    /// No line breaks.
    Line,
    /// Several lines.
    Text,
}

/// What a text hides, one finding for each kind of character, in a fixed order.
#[must_use]
pub fn hidden(text: &str) -> Vec<Hidden> {
    let mut found = Vec::new();
    find(text, Form::Text, "", &mut found);
    found
}

/// What a definition hides, in its names, titles, descriptions and wherever else it has text.
#[must_use]
pub fn hidden_in(definition: &Json) -> Vec<Hidden> {
    let mut found = Vec::new();
    walk(definition, "", "", 0, &mut found);
    found
}

fn walk(value: &Json, path: &str, member: &str, depth: usize, found: &mut Vec<Hidden>) {
    if found.len() >= FINDINGS_MAX || depth > DEPTH_MAX {
        return;
    }
    match value {
        Json::String(text) => {
            let form = match member {
                "name" if depth == 1 => Form::Name,
                "title" => Form::Line,
                _ => Form::Text,
            };
            find(text, form, path, found);
        }
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{at}]"), "", depth.saturating_add(1), found);
            }
        }
        Json::Object(members) => {
            for (name, value) in members {
                let shown = visible_name(name);
                let path = if path.is_empty() { shown } else { format!("{path}.{shown}") };
                find(name, Form::Name, &path, found);
                walk(value, &path, name, depth.saturating_add(1), found);
            }
        }
        _ => {}
    }
}

fn find(text: &str, form: Form, path: &str, found: &mut Vec<Hidden>) {
    let mut kinds: BTreeMap<HiddenKind, (usize, usize)> = BTreeMap::new();
    for (at, character) in text.char_indices() {
        if form == Form::Text && breaks_a_line(text, at, character) {
            continue;
        }
        let look_alike = (form == Form::Name && !character.is_ascii()).then_some(HiddenKind::LookAlike);
        if let Some(kind) = hidden_kind(character).or(look_alike) {
            let (count, _) = kinds.entry(kind).or_insert((0, at));
            *count = count.saturating_add(1);
        }
    }
    for (kind, (count, at)) in kinds {
        if found.len() < FINDINGS_MAX {
            found.push(Hidden { path: path.to_owned(), kind, count, around: around(text, at) });
        }
    }
}

/// Whether a character is what ordinary text of several lines has: a tab, or a line break of either kind.
fn breaks_a_line(text: &str, at: usize, character: char) -> bool {
    match character {
        '\n' | '\t' => true,
        '\r' => text.get(at..).is_some_and(|rest| rest.starts_with("\r\n")),
        _ => false,
    }
}

fn around(text: &str, at: usize) -> String {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = before.char_indices().rev().nth(AROUND_CHARACTERS.saturating_sub(1)).map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(AROUND_CHARACTERS).map_or(after.len(), |(at, _)| at);
    let shown = [before.get(start..).unwrap_or_default(), after.get(..end).unwrap_or_default()].concat();
    visible_line(&shown)
}

fn words(kind: HiddenKind) -> &'static str {
    match kind {
        HiddenKind::Control => "control characters",
        HiddenKind::Direction => "characters that change the reading direction",
        HiddenKind::ZeroWidth => "characters that take no space",
        HiddenKind::Tag => "invisible tags",
        HiddenKind::VariationSelector => "variation selectors",
        HiddenKind::Invisible => "invisible characters",
        HiddenKind::Space => "unusual spaces",
        HiddenKind::Private => "private characters",
        HiddenKind::LookAlike => "letters in a name that may pass for others",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kinds(text: &str) -> Vec<HiddenKind> {
        hidden(text).iter().map(|found| found.kind).collect()
    }

    #[test]
    fn ordinary_text_hides_nothing() {
        for text in ["", "Looks an order up.\n\tBy its id.\r\nQuickly.", "Zoë Müller, 名古屋, Привет 😀", "\\u{202e}"]
        {
            assert!(hidden(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn each_kind_is_found() {
        let cases = [
            ("a\u{1b}[2Kb", HiddenKind::Control),
            ("a\rb", HiddenKind::Control),
            ("a\u{202e}b", HiddenKind::Direction),
            ("a\u{200b}b", HiddenKind::ZeroWidth),
            ("a\u{e0041}b", HiddenKind::Tag),
            ("a\u{fe01}b", HiddenKind::VariationSelector),
            ("a\u{ad}b", HiddenKind::Invisible),
            ("a\u{a0}b", HiddenKind::Space),
            ("a\u{e000}b", HiddenKind::Private),
        ];
        for (text, kind) in cases {
            assert_eq!(kinds(text), [kind], "{text:?}");
        }
    }

    #[test]
    fn a_finding_says_how_much_and_where() {
        let found = hidden("Sends a mail.\u{200b}\u{200b} And\u{202e} more.");
        let said: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("1 characters that change the reading direction"), "{said:?}");
        assert!(said[1].starts_with("2 characters that take no space, at \"Sends a mail.\\u{200b}"), "{said:?}");
    }

    #[test]
    fn a_definition_is_looked_into_everywhere() {
        let definition = json!({
            "name": "r\u{435}fund",
            "title": "Refund\nand more",
            "description": "Refunds\na payment.",
            "inputSchema": { "type": "object", "properties": {
                "to\u{200b}": { "type": "string" },
                "kind": { "description": "a\u{e0041}", "enum": ["x", "y\u{202e}"] },
            } },
            "annotations": { "title": "x\u{ad}" },
        });
        let found: Vec<(String, HiddenKind)> =
            hidden_in(&definition).into_iter().map(|found| (found.path, found.kind)).collect();
        let expected = [
            ("name", HiddenKind::LookAlike),
            ("title", HiddenKind::Control),
            ("inputSchema.properties.to\\u{200b}", HiddenKind::ZeroWidth),
            ("inputSchema.properties.kind.description", HiddenKind::Tag),
            ("inputSchema.properties.kind.enum[1]", HiddenKind::Direction),
            ("annotations.title", HiddenKind::Invisible),
        ];
        assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), kind)));
    }

    #[test]
    fn findings_are_bounded() {
        let many: Vec<Json> = (0..500).map(|_| json!("\u{200b}")).collect();
        assert_eq!(hidden_in(&json!({ "examples": many })).len(), FINDINGS_MAX);
    }
}
