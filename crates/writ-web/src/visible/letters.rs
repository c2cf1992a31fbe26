//! What a page says of characters that hide ([`writ_core::visible`] knows them), and which letters pass for others.
//!
//! Ranges of the Unicode standard, kept short on purpose: a letter that is marked without need costs a reader a moment,
//! one that is missed can cost them a decision. Knows nothing of pages.

use writ_core::visible::{HiddenKind, hidden_kind};

/// Why a character cannot be shown as it is, or nothing.
pub(super) fn odd(character: char) -> Option<&'static str> {
    hidden_kind(character).map(|kind| match kind {
        HiddenKind::Control => "control character",
        HiddenKind::Direction => "changes the reading direction",
        HiddenKind::ZeroWidth => "takes no space",
        HiddenKind::Tag => "invisible tag",
        HiddenKind::VariationSelector => "variation selector",
        HiddenKind::Invisible => "invisible character",
        HiddenKind::Space => "unusual space",
        HiddenKind::Private => "private character",
        HiddenKind::LookAlike => "look-alike letter",
    })
}

/// Whether a character sits on the one before it.
pub(super) fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{34e}'
        | '\u{350}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{e31}'
        | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// Whether a character is a Latin letter.
pub(super) fn is_latin(character: char) -> bool {
    matches!(character,
        'a'..='z'
        | 'A'..='Z'
        | '\u{c0}'..='\u{d6}'
        | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2af}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a720}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{ab6f}'
        | '\u{fb00}'..='\u{fb06}')
}

/// Whether a character belongs to an alphabet whose letters pass for Latin ones.
fn is_near_latin(character: char) -> bool {
    matches!(character,
        '\u{370}'..='\u{3ff}' // Greek
        | '\u{400}'..='\u{52f}' // Cyrillic
        | '\u{530}'..='\u{58f}' // Armenian
        | '\u{13a0}'..='\u{13ff}' // Cherokee
        | '\u{1c80}'..='\u{1c8f}'
        | '\u{1f00}'..='\u{1fff}'
        | '\u{2c80}'..='\u{2cff}' // Coptic
        | '\u{2de0}'..='\u{2dff}'
        | '\u{a4d0}'..='\u{a4ff}' // Lisu
        | '\u{a640}'..='\u{a69f}'
        | '\u{ab70}'..='\u{abbf}')
}

/// Whether a character is a Latin letter or digit in disguise: full-width or mathematical.
fn is_styled(character: char) -> bool {
    matches!(character, '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}')
}

/// Letters of other alphabets that look just like Latin ones.
const TWINS: &str = "асеорхуѕіјԁԛԝһӏАВЕКМНОРСТХЅІЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧονι";

/// Shorter words are left alone: in a Cyrillic text they are everywhere.
const TWIN_WORD_LETTERS_MIN: usize = 3;

/// Why a word may be read as another one, or nothing. `latin` says whether the text has Latin letters at all.
pub(super) fn suspicious(word: &str, latin: bool) -> Option<&'static str> {
    if word.is_ascii() {
        return None;
    }
    if word.chars().any(is_latin) && word.chars().any(is_near_latin) {
        return Some("mixed letters");
    }
    let twins = latin
        && word.chars().count() >= TWIN_WORD_LETTERS_MIN
        && word.chars().all(|character| TWINS.contains(character));
    (twins || word.chars().any(is_styled)).then_some("look-alike letters")
}
