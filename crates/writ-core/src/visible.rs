//! Text of others, made visible.
//!
//! A model reads every character; a person sees those that have a shape. What is between the two is where instructions
//! hide and where a terminal is steered. So before text of a worker, an integration or a customer reaches a person, a
//! character without a shape of its own is written as `\u{…}`. Which characters those are is said here alone, by ranges
//! of the Unicode standard: one that is marked without need costs a moment, one that is missed may cost a decision.

use serde::Serialize;

/// How many characters of longer text are shown.
const TEXT_CHARACTERS_MAX: usize = 2_000;
/// How many characters of a single line are shown.
const LINE_CHARACTERS_MAX: usize = 400;
/// How many characters of a name are shown.
const NAME_CHARACTERS_MAX: usize = 128;

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
    /// Has no shape, such as a soft hyphen or a filler, or is no character at all.
    Invisible,
    /// A space that is none of the usual ones.
    Space,
    /// Has no agreed meaning.
    Private,
    /// Stands in a name and is none of ASCII: it may pass for another letter. [`hidden_kind`] knows no names and never
    /// says this.
    LookAlike,
}

/// Why a character has no shape of its own, or nothing.
#[must_use]
pub fn hidden_kind(character: char) -> Option<HiddenKind> {
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
        | '\u{600}'..='\u{605}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{890}'
        | '\u{891}'
        | '\u{8e2}'
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
        | '\u{110bd}'
        | '\u{110cd}'
        | '\u{13430}'..='\u{13440}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0080}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}' => HiddenKind::Invisible,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => HiddenKind::Private,
        // The last two code points of every plane are no characters.
        _ if u32::from(character) & 0xfffe == 0xfffe => HiddenKind::Invisible,
        _ => return None,
    })
}

/// Whether a character has no shape of its own.
#[must_use]
pub fn has_no_shape(character: char) -> bool {
    hidden_kind(character).is_some()
}

/// A character as it is written out: `\n`, `\r`, `\t` or `\u{…}`.
#[must_use]
pub fn written_out(character: char) -> String {
    match character {
        '\n' | '\r' | '\t' => character.escape_default().to_string(),
        _ => character.escape_unicode().to_string(),
    }
}

/// Longer text of others as it may be shown: what has no shape is written as `\u{…}`, and its length is bounded. Line
/// breaks and tabs stay.
#[must_use]
pub fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    shown(&text, TEXT_CHARACTERS_MAX, |character| matches!(character, '\n' | '\t') || !has_no_shape(character))
}

/// Text of others on one line: as [`visible`], with line breaks and tabs written out, and shorter.
#[must_use]
pub fn visible_line(text: &str) -> String {
    shown(text, LINE_CHARACTERS_MAX, |character| !has_no_shape(character))
}

/// Text of others on one line, as [`visible_line`], and whole, however long it is: for what nobody may decide on without
/// having seen all of it.
#[must_use]
pub fn visible_whole(text: &str) -> String {
    shown(text, usize::MAX, |character| !has_no_shape(character))
}

/// A name of others: everything that is not ASCII is written out, so that no letter passes for another.
#[must_use]
pub fn visible_name(name: &str) -> String {
    shown(name, NAME_CHARACTERS_MAX, |character| character == ' ' || character.is_ascii_graphic())
}

/// Whether [`visible_line`] shows a text whole.
#[must_use]
pub fn fits_a_line(text: &str) -> bool {
    let mut left = LINE_CHARACTERS_MAX;
    text.chars().all(|character| {
        let length = if has_no_shape(character) { written_out(character).len() } else { 1 };
        let fits = length <= left;
        left = left.saturating_sub(length);
        fits
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["", "Looks an order up.\n\tBy its id.\r\nQuickly.", "Zoë Müller, 名古屋, Привет 😀", "\\u{202e}"]
        {
            assert_eq!(visible(text), text.replace('\r', ""));
        }
        assert_eq!(visible_whole("Zoë Müller, 名古屋, Привет 😀"), "Zoë Müller, 名古屋, Привет 😀");
    }

    #[test]
    fn each_kind_is_written_out() {
        let cases = [
            ("a\u{1b}[2Kb", HiddenKind::Control, "\\u{1b}"),
            ("a\u{9b}2Kb", HiddenKind::Control, "\\u{9b}"),
            ("a\rb", HiddenKind::Control, "\\r"),
            ("a\u{2028}b", HiddenKind::Control, "\\u{2028}"),
            ("a\u{202e}b", HiddenKind::Direction, "\\u{202e}"),
            ("a\u{2066}b", HiddenKind::Direction, "\\u{2066}"),
            ("a\u{200b}b", HiddenKind::ZeroWidth, "\\u{200b}"),
            ("a\u{feff}b", HiddenKind::ZeroWidth, "\\u{feff}"),
            ("a\u{e0041}b", HiddenKind::Tag, "\\u{e0041}"),
            ("a\u{fe01}b", HiddenKind::VariationSelector, "\\u{fe01}"),
            ("a\u{e0101}b", HiddenKind::VariationSelector, "\\u{e0101}"),
            ("a\u{ad}b", HiddenKind::Invisible, "\\u{ad}"),
            ("a\u{600}b", HiddenKind::Invisible, "\\u{600}"),
            ("a\u{3164}b", HiddenKind::Invisible, "\\u{3164}"),
            ("a\u{1ffff}b", HiddenKind::Invisible, "\\u{1ffff}"),
            ("a\u{a0}b", HiddenKind::Space, "\\u{a0}"),
            ("a\u{e000}b", HiddenKind::Private, "\\u{e000}"),
        ];
        for (text, kind, escaped) in cases {
            assert_eq!(text.chars().find_map(hidden_kind), Some(kind), "{text:?}");
            for shown in [visible(text), visible_line(text), visible_whole(text), visible_name(text)] {
                assert!(shown.contains(escaped), "{text:?} became {shown}");
                assert!(!shown.chars().any(has_no_shape), "{text:?} became {shown}");
            }
        }
    }

    #[test]
    fn one_line_is_one_line() {
        for shown in [visible_line("a\nb\tc"), visible_whole("a\nb\tc"), visible_name("a\nb\tc")] {
            assert_eq!(shown, "a\\nb\\tc");
        }
        assert_eq!(visible_name("r\u{435}fund"), "r\\u{435}fund");
    }

    #[test]
    fn length_is_bounded_where_it_is_said_to_be() {
        assert_eq!(visible(&"x".repeat(9_000)).chars().count(), TEXT_CHARACTERS_MAX + 1);
        assert!(visible_line(&"\u{e0041}".repeat(9_000)).chars().count() <= LINE_CHARACTERS_MAX + 1);
        assert!(visible_name(&"é".repeat(9_000)).chars().count() <= NAME_CHARACTERS_MAX + 1);
        assert_eq!(visible_whole(&"x".repeat(9_000)).len(), 9_000);
        assert!(fits_a_line(&"x".repeat(LINE_CHARACTERS_MAX)) && !fits_a_line(&"\u{ad}".repeat(100)));
    }
}
