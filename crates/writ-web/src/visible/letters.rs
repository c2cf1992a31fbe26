//! Which characters hide, and which letters pass for others.
//!
//! Ranges of the Unicode standard, kept short on purpose: a character that is marked without need costs a
//! reader a moment, one that is missed can cost them a decision. Knows nothing of pages.

/// Why a character cannot be shown as it is, or nothing.
pub(super) fn odd(character: char) -> Option<&'static str> {
    Some(match character {
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "control character",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "changes the reading direction"
        }
        '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => "takes no space",
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => "unusual space",
        '\u{2028}' | '\u{2029}' => "line separator",
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
        | '\u{180b}'..='\u{180d}'
        | '\u{180f}'
        | '\u{2061}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}'
        | '\u{110cd}'
        | '\u{13430}'..='\u{13440}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => "invisible character",
        '\u{fdd0}'..='\u{fdef}' => "not a character",
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => "private character",
        _ if u32::from(character) & 0xfffe == 0xfffe => "not a character",
        _ => return None,
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
