//! Text that others wrote, made safe to look at.
//!
//! A worker, a customer or an integration chose these words, and a person decides beside them. So nothing in
//! them may hide, reorder, imitate or flood: what has no shape of its own is written as `\u{…}` and marked,
//! words that mix alphabets are marked, stacks of accents are taken apart, and long text is cut with a way to
//! see the whole.
//!
//! Architecture invariant: [`Shown`] is the only type of this crate whose markup a page takes as it is. Its own
//! template escapes every piece, so text reaches a page escaped or not at all.

use askama::Template;
use writ_core::visible::written_out;

mod letters;

/// How many characters of a single line are shown.
const LINE_CHARACTERS_MAX: usize = 240;
/// How many characters of longer text are shown before the fold.
const BLOCK_CHARACTERS_MAX: usize = 1_200;
/// How many lines of longer text are shown before the fold.
const BLOCK_LINES_MAX: usize = 24;
/// How many characters stand behind the fold.
const FOLDED_CHARACTERS_MAX: usize = 12_000;
/// How many accents one letter may carry.
const STACKED_MARKS_MAX: usize = 3;

/// How much room a text gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One line: a name, a headline. Line breaks are marked; what is too long is cut.
    Line,
    /// Several lines: a message, a query. What is too long is folded away and can be opened.
    Block,
}

/// A run of characters that is shown in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The characters, made visible.
    text: String,
    /// What is odd about them; empty for ordinary text.
    note: &'static str,
    /// Whether the note is written beside the text, because the text itself looks ordinary.
    spoken: bool,
}

/// Text of others, ready for a page.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "shown.html")]
pub(crate) struct Shown {
    head: Vec<Piece>,
    folded: Vec<Piece>,
    cut: Option<String>,
    tall: bool,
    total: String,
}

// The template escapes every piece; what it adds is this crate's own markup.
impl askama::filters::HtmlSafe for Shown {}

/// Makes text of others safe to look at. The one way by which such text comes onto a page.
#[must_use]
pub(crate) fn visible(text: &str, shape: Shape) -> Shown {
    let block = shape == Shape::Block;
    let latin = text.chars().any(letters::is_latin);
    let (head, after) = text.split_at(fold_at(text, shape));
    let (folded, lost) = if block { split_characters(after, FOLDED_CHARACTERS_MAX) } else { ("", after) };
    let lost = lost.chars().count();
    Shown {
        head: pieces(head, block, latin),
        folded: pieces(folded, block, latin),
        cut: (lost > 0).then(|| crate::wording::counted(lost as u64, "more character", "more characters")),
        tall: block,
        total: crate::wording::counted(text.chars().count() as u64, "character", "characters"),
    }
}

/// A single line of text of others.
#[must_use]
pub(crate) fn line(text: &str) -> Shown {
    visible(text, Shape::Line)
}

/// Several lines of text of others.
#[must_use]
pub(crate) fn block(text: &str) -> Shown {
    visible(text, Shape::Block)
}

/// The same in plain characters, for places that take no markup, such as a page's title.
#[must_use]
pub(crate) fn plain(text: &str) -> String {
    let shown = line(text);
    let mut plain: String = shown.head.iter().map(|piece| piece.text.as_str()).collect();
    if shown.cut.is_some() {
        plain.push('…');
    }
    plain
}

/// Where the part that is shown at once ends.
fn fold_at(text: &str, shape: Shape) -> usize {
    let (characters, lines) = match shape {
        Shape::Line => (LINE_CHARACTERS_MAX, usize::MAX),
        Shape::Block => (BLOCK_CHARACTERS_MAX, BLOCK_LINES_MAX),
    };
    let mut breaks = 0_usize;
    for (count, (at, character)) in text.char_indices().enumerate() {
        if count >= characters || breaks >= lines {
            return at;
        }
        if character == '\n' {
            breaks = breaks.saturating_add(1);
        }
    }
    text.len()
}

fn split_characters(text: &str, characters: usize) -> (&str, &str) {
    let at = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
    text.split_at(at)
}

fn pieces(text: &str, block: bool, latin: bool) -> Vec<Piece> {
    let mut made = Pieces { latin, ..Pieces::default() };
    let mut stacked = 0_usize;
    let mut carried = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if letters::is_mark(character) {
            stacked = stacked.saturating_add(1);
            if carried && stacked <= STACKED_MARKS_MAX {
                made.word.push(character);
            } else {
                made.odd(character, "accent without a letter");
            }
            continue;
        }
        stacked = 0;
        carried = character.is_alphanumeric();
        match character {
            '\r' if block && characters.peek() == Some(&'\n') => {}
            '\n' | '\t' if block => made.other(character),
            _ => match letters::odd(character) {
                Some(note) => made.odd(character, note),
                None if carried => made.word.push(character),
                None => made.other(character),
            },
        }
    }
    made.finish()
}

#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
    plain: String,
    word: String,
    latin: bool,
}

impl Pieces {
    fn other(&mut self, character: char) {
        self.end_word();
        self.plain.push(character);
    }

    fn odd(&mut self, character: char, note: &'static str) {
        self.end_word();
        self.end_plain();
        let escaped = written_out(character);
        match self.done.last_mut() {
            Some(last) if last.note == note && !last.spoken => last.text.push_str(&escaped),
            _ => self.done.push(Piece { text: escaped, note, spoken: false }),
        }
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        match letters::suspicious(&word, self.latin) {
            Some(note) => {
                self.end_plain();
                self.done.push(Piece { text: word, note, spoken: true });
            }
            None => self.plain.push_str(&word),
        }
    }

    fn end_plain(&mut self) {
        if !self.plain.is_empty() {
            let text = std::mem::take(&mut self.plain);
            self.done.push(Piece { text, note: "", spoken: false });
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        self.end_word();
        self.end_plain();
        self.done
    }
}

#[cfg(test)]
mod tests;
