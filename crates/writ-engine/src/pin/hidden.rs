//! Text that a person does not see, and the same text made visible.
//!
//! A model reads every character of a description; a person sees those that have a shape. What is between the two is
//! where instructions hide. Characters are told apart by ranges of the Unicode standard: one that is marked without
//! need costs a moment, one that is missed may cost a decision.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

/// How many characters of longer text are shown.
const TEXT_CHARACTERS_MAX: usize = 2_000;
/// How many characters of a single line are shown.
const LINE_CHARACTERS_MAX: usize = 400;
/// How many characters of a name are shown.
const NAME_CHARACTERS_MAX: usize = 128;
/// How many characters on either side of the first hidden one are shown.
const AROUND_CHARACTERS: usize = 24;
/// How many findings of one definition are told.
const FINDINGS_MAX: usize = 50;
/// How deep a definition is looked into.
const DEPTH_MAX: usize = 128;

/// Why a character is not seen for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenKind {
    /// A control character, or a line break where a line may not break.
    Control,
    /// Changes the reading direction.
    Direction,
    /// Takes no space.
    ZeroWidth,
    /// Spells text in invisible tags (U+E0000 to U+E007F).
    Tag,
    /// Chooses a variant of the character before it, and can carry data.
    VariationSelector,
    /// Has no shape, such as a soft hyphen or a filler.
    Invisible,
    /// A space that is none of the usual ones.
    Space,
    /// Has no agreed meaning.
    Private,
    /// Stands in a name and is none of ASCII: it may pass for another letter.
    LookAlike,
}

impl HiddenKind {
    fn words(self) -> &'static str {
        match self {
            Self::Control => "control characters",
            Self::Direction => "characters that change the reading direction",
            Self::ZeroWidth => "characters that take no space",
            Self::Tag => "invisible tags",
            Self::VariationSelector => "variation selectors",
            Self::Invisible => "invisible characters",
            Self::Space => "unusual spaces",
            Self::Private => "private characters",
            Self::LookAlike => "letters in a name that may pass for others",
        }
    }
}

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
        write!(f, "{} {}, at \"{}\"", self.count, self.kind.words(), self.around)
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
        if let Some(kind) = kind(character).or(look_alike) {
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

/// Longer text of others as it may be shown: what has no shape is written as `\u{…}`, and its length is bounded. Line
/// breaks and tabs stay.
#[must_use]
pub fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let keep = |character: char| matches!(character, '\n' | '\t') || kind(character).is_none();
    shown(&text, TEXT_CHARACTERS_MAX, keep)
}

/// Text of others on one line: as [`visible`], with line breaks and tabs written out, and shorter.
#[must_use]
pub fn visible_line(text: &str) -> String {
    shown(text, LINE_CHARACTERS_MAX, |character| kind(character).is_none())
}

/// A name of others: everything that is not ASCII is written out, so that no letter passes for another.
#[must_use]
pub fn visible_name(name: &str) -> String {
    shown(name, NAME_CHARACTERS_MAX, |character| character == ' ' || character.is_ascii_graphic())
}

/// Whether [`visible_line`] shows a text whole.
pub(super) fn fits_a_line(text: &str) -> bool {
    let mut left = LINE_CHARACTERS_MAX;
    text.chars().all(|character| {
        let length = if kind(character).is_some() { written_out(character).len() } else { 1 };
        let fits = length <= left;
        left = left.saturating_sub(length);
        fits
    })
}

/// Whether a character has no shape of its own.
pub(super) fn has_no_shape(character: char) -> bool {
    kind(character).is_some()
}

fn shown(text: &str, characters_max: usize, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::new();
    let mut left = characters_max;
    for character in text.chars() {
        let escaped = (!keep(character)).then(|| written_out(character));
        let length = escaped.as_ref().map_or(1, String::len);
        if length > left {
            shown.push('…');
            break;
        }
        left = left.saturating_sub(length);
        match escaped {
            Some(escaped) => shown.push_str(&escaped),
            None => shown.push(character),
        }
    }
    shown
}

fn written_out(character: char) -> String {
    match character {
        '\n' | '\r' | '\t' => character.escape_default().to_string(),
        _ => character.escape_unicode().to_string(),
    }
}

fn kind(character: char) -> Option<HiddenKind> {
    Some(match character {
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => HiddenKind::Control,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            HiddenKind::Direction
        }
        '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => HiddenKind::ZeroWidth,
        '\u{e0000}'..='\u{e007f}' => HiddenKind::Tag,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            HiddenKind::VariationSelector
        }
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => HiddenKind::Space,
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{2061}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0080}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}' => HiddenKind::Invisible,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => HiddenKind::Private,
        // The last two code points of every plane are no characters.
        _ if u32::from(character) & 0xfffe == 0xfffe => HiddenKind::Invisible,
        _ => return None,
    })
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
            assert_eq!(visible(text), text.replace('\r', ""));
        }
    }

    #[test]
    fn each_kind_is_found_and_written_out() {
        let cases = [
            ("a\u{1b}[2Kb", HiddenKind::Control, "\\u{1b}"),
            ("a\rb", HiddenKind::Control, "\\r"),
            ("a\u{2028}b", HiddenKind::Control, "\\u{2028}"),
            ("a\u{202e}b", HiddenKind::Direction, "\\u{202e}"),
            ("a\u{2066}b", HiddenKind::Direction, "\\u{2066}"),
            ("a\u{200b}b", HiddenKind::ZeroWidth, "\\u{200b}"),
            ("a\u{e0041}b", HiddenKind::Tag, "\\u{e0041}"),
            ("a\u{fe01}b", HiddenKind::VariationSelector, "\\u{fe01}"),
            ("a\u{e0101}b", HiddenKind::VariationSelector, "\\u{e0101}"),
            ("a\u{ad}b", HiddenKind::Invisible, "\\u{ad}"),
            ("a\u{3164}b", HiddenKind::Invisible, "\\u{3164}"),
            ("a\u{1ffff}b", HiddenKind::Invisible, "\\u{1ffff}"),
            ("a\u{a0}b", HiddenKind::Space, "\\u{a0}"),
            ("a\u{e000}b", HiddenKind::Private, "\\u{e000}"),
        ];
        for (text, kind, escaped) in cases {
            assert_eq!(kinds(text), [kind], "{text:?}");
            for shown in [visible(text), visible_line(text)] {
                assert!(shown.contains(escaped), "{text:?} became {shown}");
                assert!(!shown.chars().any(has_no_shape), "{text:?} became {shown}");
            }
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
        assert_eq!(visible_name("r\u{435}fund"), "r\\u{435}fund");
    }

    #[test]
    fn length_and_findings_are_bounded() {
        assert_eq!(visible(&"x".repeat(9_000)).chars().count(), TEXT_CHARACTERS_MAX + 1);
        assert!(visible_line(&"\u{e0041}".repeat(9_000)).chars().count() <= LINE_CHARACTERS_MAX + 1);
        assert!(visible_name(&"é".repeat(9_000)).chars().count() <= NAME_CHARACTERS_MAX + 1);
        assert!(fits_a_line(&"x".repeat(LINE_CHARACTERS_MAX)) && !fits_a_line(&"\u{ad}".repeat(100)));
        let many: Vec<Json> = (0..500).map(|_| json!("\u{200b}")).collect();
        assert_eq!(hidden_in(&json!({ "examples": many })).len(), FINDINGS_MAX);
    }
}
