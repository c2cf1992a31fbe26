//! Writing a pin into a definition file as its author wrote it: comments, order and everything else stay.
//!
//! The edit is made on lines, by rules that know the usual forms of YAML and no others. Whether it did what it should
//! is not left to those rules: the edited text is parsed, and must differ from the text before in this one pin alone.
//! Otherwise the file stays as it is, and a person is told which line to write.

use serde_json::{Value as Json, json};
use writ_core::definition::{Integration, parse_yaml};
use writ_core::visible::visible_name;

use super::draft::entry;
use super::look::Kind;
use super::snapshot::Pinned;

/// A pin that cannot be written by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this form of the file is not edited by itself; write `{line}` under `{under}`")]
pub struct Unwritable {
    /// The keys under which the line belongs.
    pub under: String,
    /// The line.
    pub line: String,
}

/// Writes the pin of a tool or prompt into a definition file's text. A tool that the file does not name is added as an
/// effect; a prompt that it does not name is not, since naming it would let it through.
///
/// # Errors
/// [`Unwritable`] where the text has a form that cannot be edited safely. The class of a tool is never changed.
pub fn write_pin(text: &str, kind: Kind, name: &str, pinned: &Pinned) -> Result<String, Unwritable> {
    let section = match kind {
        Kind::Tool => "tools",
        Kind::Prompt => "prompts",
    };
    let written = || -> Option<String> {
        let before: Integration = parse_yaml("integration", text).ok()?;
        let wanted = wanted(&before, section, name, pinned)?;
        let named = match kind {
            Kind::Tool => before.tools.contains_key(name),
            Kind::Prompt => before.prompts.contains_key(name),
        };
        let lines = Lines::of(text);
        let edited =
            if named { lines.pin(section, name, &pinned.digest.to_string()) } else { lines.add(section, name, pinned) };
        let edited = edited?;
        let after: Integration = parse_yaml("integration", &edited).ok()?;
        (serde_json::to_value(&after).ok()? == wanted).then_some(edited)
    };
    written().ok_or_else(|| {
        let (pin, shown) = (format!("pin: {}", pinned.digest), visible_name(name));
        let known = parse_yaml("integration", text).is_ok_and(|before: Integration| before.tools.contains_key(name));
        let line = if known || kind == Kind::Prompt { pin } else { format!("{{ class: effect, {pin} }}") };
        Unwritable { under: format!("{section}: {shown}:"), line }
    })
}

/// What the file is to say afterwards.
fn wanted(before: &Integration, section: &str, name: &str, pinned: &Pinned) -> Option<Json> {
    let mut wanted = serde_json::to_value(before).ok()?;
    let pin = json!(pinned.digest);
    match wanted.get_mut(section)?.get_mut(name) {
        Some(entry) => _ = entry.as_object_mut()?.insert("pin".to_owned(), pin),
        None if section == "tools" => {
            _ = wanted
                .get_mut(section)?
                .as_object_mut()?
                .insert(name.to_owned(), json!({ "class": "effect", "pin": pin }));
            // A definition that was parsed has every default written out.
            let parsed: Integration = serde_json::from_value(wanted).ok()?;
            wanted = serde_json::to_value(&parsed).ok()?;
        }
        None => return None,
    }
    Some(wanted)
}

/// A text by lines, each with its line break.
struct Lines<'a>(Vec<&'a str>);

/// The entries under one key.
struct Section {
    /// The line of the key itself.
    head: usize,
    /// The first line after it that belongs to something else.
    end: usize,
    /// How far its entries are indented, where it has any.
    indent: Option<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.split_inclusive('\n').collect())
    }

    /// Sets the pin of an entry that is there.
    fn pin(&self, section: &str, name: &str, digest: &str) -> Option<String> {
        let section = self.section(section)?;
        let (at, value) = self.entry(&section, name)?;
        let line = self.0.get(at)?;
        if !value.is_empty() {
            // A map in braces, on the entry's own line.
            let head = line.get(..line.len().checked_sub(value.len())?)?;
            return Some(self.with(at, &format!("{head}{}", in_braces(value, digest)?)));
        }
        let members = self.below(at, indent_of(line), section.end);
        let own = members.indent?;
        let mut class = None;
        for at in at.saturating_add(1)..members.end {
            let line = self.0.get(at)?;
            if is_blank(line) || indent_of(line) != own {
                continue;
            }
            match key_of(line) {
                Some((found, value)) if found == "pin" => {
                    let head = line.get(..line.len().checked_sub(value.len())?)?.trim_end();
                    return Some(self.with(at, &format!("{head} {digest}{}", after_value(value))));
                }
                Some((found, _)) if found == "class" => class = Some(at),
                _ => {}
            }
        }
        Some(self.after(class.unwrap_or(at), &format!("{}pin: {digest}\n", " ".repeat(own))))
    }

    /// Adds a tool at the end of its section.
    fn add(&self, section: &str, name: &str, pinned: &Pinned) -> Option<String> {
        let Some(found) = self.section(section) else {
            let is_there =
                self.0.iter().any(|line| indent_of(line) == 0 && key_of(line).is_some_and(|(key, _)| key == section));
            let last = self.0.len().checked_sub(1)?;
            return (!is_there).then(|| self.after(last, &format!("{section}:\n{}", entry(name, pinned, 2))));
        };
        let new = entry(name, pinned, found.indent.unwrap_or(2));
        let head = self.0.get(found.head)?;
        let (_, value) = key_of(head)?;
        if value.trim_start().starts_with('{') {
            // `tools: {}`: the empty braces give way.
            let line = head.replacen("{}", "", 1);
            return Some(self.with(found.head, &format!("{}\n{new}", line.trim_end())));
        }
        let own = found.head.saturating_add(1)..found.end;
        let last = own.rev().find(|at| self.0.get(*at).is_some_and(|line| !is_blank(line)));
        Some(self.after(last.unwrap_or(found.head), &new))
    }

    /// Finds a key that stands at the margin and has its entries below it, or `{}` beside it.
    fn section(&self, name: &str) -> Option<Section> {
        let is_head = |line: &&str| indent_of(line) == 0 && key_of(line).is_some_and(|(key, _)| key == name);
        let head = self.0.iter().position(is_head)?;
        let (_, value) = key_of(self.0.get(head)?)?;
        let beside = value.split(" #").next().unwrap_or_default().trim();
        (beside.is_empty() || beside == "{}" || beside.starts_with('#')).then(|| self.below(head, 0, self.0.len()))
    }

    /// The lines below one that are further in, before `end`.
    fn below(&self, head: usize, margin: usize, end: usize) -> Section {
        let mut section = Section { head, end, indent: None };
        for at in head.saturating_add(1)..end {
            let Some(line) = self.0.get(at).filter(|line| !is_blank(line)) else { continue };
            if indent_of(line) <= margin {
                section.end = at;
                break;
            }
            section.indent = section.indent.or(Some(indent_of(line)));
        }
        section
    }

    /// The line of an entry, and what stands on it after the colon: nothing, or the text from a brace on.
    fn entry(&self, section: &Section, name: &str) -> Option<(usize, &'a str)> {
        let indent = section.indent?;
        for at in section.head.saturating_add(1)..section.end {
            let line: &'a str = self.0.get(at).copied()?;
            if is_blank(line) || indent_of(line) != indent {
                continue;
            }
            if let Some((found, value)) = key_of(line)
                && found == name
            {
                let value = value.trim_start();
                return (value.is_empty() || value.starts_with(['{', '#']))
                    .then(|| (at, if value.starts_with('{') { value } else { "" }));
            }
        }
        None
    }

    /// The text with another line in the place of one.
    fn with(&self, at: usize, new: &str) -> String {
        let lines = self.0.iter().enumerate();
        lines.map(|(number, line)| if number == at { new } else { *line }).collect()
    }

    /// The text with more lines after one.
    fn after(&self, at: usize, new: &str) -> String {
        let mut text = String::new();
        for (number, line) in self.0.iter().enumerate() {
            text.push_str(line);
            if number == at {
                if !line.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str(new);
            }
        }
        text
    }
}

fn indent_of(line: &str) -> usize {
    line.len().saturating_sub(line.trim_start_matches(' ').len())
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The key on a line, and everything after its colon.
fn key_of(line: &str) -> Option<(String, &str)> {
    let content = line.trim_start_matches(' ');
    let (key, rest) = match content.chars().next()? {
        quote @ ('"' | '\'') => {
            let inside = content.get(1..)?;
            let end = inside.find(quote)?;
            let key = inside.get(..end)?;
            // A quoted key with escapes is somebody else's to edit.
            (!key.contains('\\')).then_some(())?;
            (key.to_owned(), inside.get(end.checked_add(1)?..)?.trim_start_matches(' ').strip_prefix(':')?)
        }
        _ => {
            let end = content.match_indices(':').map(|(at, _)| at).find(|at| {
                let after = content.get(at.saturating_add(1)..).unwrap_or_default();
                after.is_empty() || after.starts_with([' ', '\n', '\r'])
            })?;
            (content.get(..end)?.trim_end().to_owned(), content.get(end.checked_add(1)?..)?)
        }
    };
    (rest.is_empty() || rest.starts_with([' ', '\n', '\r'])).then_some((key, rest))
}

/// What follows a value on its line: a comment and the line break.
fn after_value(rest: &str) -> &str {
    let line = rest.trim_end_matches(['\n', '\r']);
    let comment = line.find(" #").unwrap_or(line.len());
    rest.get(comment..).unwrap_or("\n")
}

/// A map in braces with its pin set. Nothing where the braces do not close on this line.
fn in_braces(text: &str, digest: &str) -> Option<String> {
    let (mut depth, mut quote, mut from) = (0_usize, None, 1_usize);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '{' | '[') => depth = depth.checked_add(1)?,
            (None, '}' | ']' | ',') => {
                if character != ',' {
                    depth = depth.checked_sub(1)?;
                }
                let closes = depth == 0;
                if !closes && (depth > 1 || character != ',') {
                    continue;
                }
                let member = text.get(from..at)?;
                if member.trim_start().starts_with("pin:") {
                    let pinned = member.replacen(member.trim(), &format!("pin: {digest}"), 1);
                    return Some([text.get(..from)?, &pinned, text.get(at..)?].concat());
                }
                if closes {
                    let inside = text.get(1..at)?;
                    let body = inside.trim_end();
                    let comma = if body.trim_start().is_empty() || body.ends_with(',') { "" } else { "," };
                    let tail = if inside.ends_with(' ') || body.trim_start().is_empty() { " " } else { "" };
                    return Some(["{", body, comma, " pin: ", digest, tail, text.get(at..)?].concat());
                }
                from = at.checked_add(1)?;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
