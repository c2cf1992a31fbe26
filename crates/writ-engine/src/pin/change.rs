//! How one definition differs from another, in words for a person.
//!
//! Two definitions are walked side by side. What a schema says about one argument is told as something about that
//! argument; everything else is told by its place. The order is fixed, every text is made visible and short, and a long
//! text is shown from where it begins to differ: a change cannot hide behind a long beginning.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;
use writ_core::visible::{fits_a_line, visible_line, visible_name};

/// How many changes of one definition are told.
const CHANGES_MAX: usize = 50;
/// How deep definitions are walked; what is deeper is compared as a whole.
const DEPTH_MAX: usize = 64;
/// How much of what two long texts have in common is shown before the difference. Each of these characters may be
/// written out with up to ten, and the difference must still fit on the line.
const CONTEXT_CHARACTERS: usize = 12;
/// Lists that are longer are compared by position, not as sets.
const SET_ITEMS_MAX: usize = 500;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where in the definition, such as `inputSchema.properties.amount.maximum`; empty where there is no one place.
    pub path: String,
    /// What was there, made visible and short.
    pub before: Option<String>,
    /// What is there now, made visible and short.
    pub after: Option<String>,
    /// The difference in words.
    pub words: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Change {
    /// A change that has no one place in a definition.
    pub(super) fn of(words: impl Into<String>) -> Self {
        Self { path: String::new(), before: None, after: None, words: words.into() }
    }

    /// A text of the server's, such as its name, that is another one now.
    pub(super) fn text(what: &str, before: &str, after: &str) -> Self {
        let (before, after) = (visible_line(before), visible_line(after));
        let words = format!("{what} was `{before}` and is now `{after}`");
        Self { path: String::new(), before: Some(before), after: Some(after), words }
    }
}

/// What is different in a definition. Empty where nothing is.
#[must_use]
pub fn difference(old: &Json, new: &Json) -> Vec<Change> {
    let mut walk = Walk::default();
    walk.compare(old, new);
    if walk.untold > 0 {
        walk.changes.push(Change::of(format!("and {} more differences", walk.untold)));
    }
    walk.changes
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

#[derive(Default)]
struct Walk<'a> {
    path: Vec<Step<'a>>,
    changes: Vec<Change>,
    untold: usize,
}

impl<'a> Walk<'a> {
    fn compare(&mut self, before: &'a Json, after: &'a Json) {
        if same(before, after) {
            return;
        }
        let may_go_deeper = self.path.len() < DEPTH_MAX;
        match (before, after) {
            (Json::Object(before), Json::Object(after)) if may_go_deeper => {
                let names: BTreeSet<&'a str> = before.keys().chain(after.keys()).map(String::as_str).collect();
                for name in names {
                    self.at(Step::Member(name), before.get(name), after.get(name));
                }
            }
            (Json::Array(before), Json::Array(after)) if may_go_deeper => match self.path.last().copied() {
                Some(Step::Member(member @ ("required" | "enum")))
                    if before.len().max(after.len()) <= SET_ITEMS_MAX =>
                {
                    self.sets(member, before, after);
                }
                _ => {
                    for at in 0..before.len().max(after.len()) {
                        self.at(Step::Item(at), before.get(at), after.get(at));
                    }
                }
            },
            _ => self.note(Some(before), Some(after)),
        }
    }

    fn at(&mut self, step: Step<'a>, before: Option<&'a Json>, after: Option<&'a Json>) {
        self.path.push(step);
        match (before, after) {
            (Some(before), Some(after)) => self.compare(before, after),
            (before, after) => self.note(before, after),
        }
        self.path.pop();
    }

    /// Lists whose order means nothing: what has come and what has gone.
    fn sets(&mut self, member: &str, before: &'a [Json], after: &'a [Json]) {
        let without = |left: &'a [Json], right: &[Json]| -> Vec<&'a Json> {
            left.iter().filter(|item| !right.contains(item)).collect()
        };
        let (come, gone) = (without(after, before), without(before, after));
        if come.is_empty() && gone.is_empty() {
            return self.push(None, None, format!("the order of {} has changed", self.what()));
        }
        if member == "required" {
            let names = come.iter().map(|name| (name, "now")).chain(gone.iter().map(|name| (name, "no longer")));
            for (name, when) in names.collect::<Vec<_>>() {
                let of = self.named(name.as_str().unwrap_or_default());
                self.push(None, None, format!("{of} is {when} required"));
            }
            return;
        }
        let (what, listed) = (self.what(), |items: &[&Json]| {
            let items: Vec<String> = items.iter().map(|item| item.to_string()).collect();
            visible_line(&items.join(", "))
        });
        if !come.is_empty() {
            let listed = listed(&come);
            self.push(None, Some(listed.clone()), format!("{what} is wider: it now has {listed}"));
        }
        if !gone.is_empty() {
            let listed = listed(&gone);
            self.push(Some(listed.clone()), None, format!("{what} is narrower: it no longer has {listed}"));
        }
    }

    fn note(&mut self, before: Option<&Json>, after: Option<&Json>) {
        let what = self.what();
        match (before, after) {
            (None, Some(after)) => {
                let after = value(after);
                self.push(None, Some(after.clone()), format!("{what} is new: {after}"));
            }
            (Some(before), None) => {
                let before = value(before);
                self.push(Some(before.clone()), None, format!("{what} is gone; it was {before}"));
            }
            (Some(before), Some(after)) => {
                let (before, after) = both(before, after);
                let words = format!("{what} has changed from {before} to {after}");
                self.push(Some(before), Some(after), words);
            }
            (None, None) => {}
        }
    }

    fn push(&mut self, before: Option<String>, after: Option<String>, words: String) {
        if self.changes.len() >= CHANGES_MAX {
            self.untold = self.untold.saturating_add(1);
            return;
        }
        self.changes.push(Change { path: written(&self.path), before, after, words });
    }

    /// What the present place is, in words.
    fn what(&self) -> String {
        let Some((head, rest)) = self.path.split_first() else { return "the definition".to_owned() };
        let (noun, whole) = match head {
            Step::Member("inputSchema") => ("the argument", "the schema of its arguments"),
            Step::Member("outputSchema") => ("the result's field", "the schema of its result"),
            Step::Member("annotations") if !rest.is_empty() => return format!("the annotation `{}`", written(rest)),
            Step::Member("title" | "description" | "name") if rest.is_empty() => {
                return format!("the {}", written(&self.path));
            }
            _ => return format!("`{}`", written(&self.path)),
        };
        let (name, keyword) = place(rest);
        let subject = if name.is_empty() { whole.to_owned() } else { format!("{noun} `{name}`") };
        match keyword {
            [] => subject,
            [Step::Member(word @ ("title" | "description" | "type"))] => format!("the {word} of {subject}"),
            keyword => format!("`{}` of {subject}", written(keyword)),
        }
    }

    /// What a member of the object is called whose `required` is the present place.
    fn named(&self, member: &str) -> String {
        let noun = match self.path.first() {
            Some(Step::Member("outputSchema")) => "the result's field",
            _ => "the argument",
        };
        let inside = self.path.get(1..self.path.len().saturating_sub(1)).unwrap_or_default();
        let (name, keyword) = place(inside);
        let member = visible_name(member);
        let dotted = if name.is_empty() { member } else { format!("{name}.{member}") };
        if keyword.is_empty() {
            format!("{noun} `{dotted}`")
        } else {
            format!("{noun} `{dotted}` in `{}`", written(keyword))
        }
    }
}

/// Which value of a schema's a path leads to, as a dotted name, and what is left of the path there.
fn place<'p, 'a>(path: &'p [Step<'a>]) -> (String, &'p [Step<'a>]) {
    let mut name = String::new();
    let mut left = path;
    loop {
        match left {
            [Step::Member("properties"), Step::Member(property), rest @ ..] => {
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&visible_name(property));
                left = rest;
            }
            [Step::Member("items"), rest @ ..] if !name.is_empty() => {
                name.push_str("[]");
                left = rest;
            }
            _ => return (visible_line(&name), left),
        }
    }
}

fn written(path: &[Step<'_>]) -> String {
    let mut written = String::new();
    for step in path {
        match step {
            Step::Member(name) => {
                if !written.is_empty() {
                    written.push('.');
                }
                written.push_str(&visible_name(name));
            }
            Step::Item(at) => written.push_str(&format!("[{at}]")),
        }
    }
    visible_line(&written)
}

/// Whether two values have one canonical form: a number may be written in two ways.
fn same(left: &Json, right: &Json) -> bool {
    let one_number = || left.is_number() && left.as_f64().is_some() && left.as_f64() == right.as_f64();
    left == right || ((left.is_f64() || right.is_f64()) && one_number())
}

fn value(value: &Json) -> String {
    match value {
        Json::String(text) => format!("\"{}\"", visible_line(text)),
        other => visible_line(&other.to_string()),
    }
}

/// Two values, each from where it begins to differ if they are long.
fn both(before: &Json, after: &Json) -> (String, String) {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (left, right) = (text(before), text(after));
    if fits_a_line(&left) && fits_a_line(&right) {
        return (value(before), value(after));
    }
    let common = left.chars().zip(right.chars()).take_while(|(left, right)| left == right).count();
    let skipped = common.saturating_sub(CONTEXT_CHARACTERS);
    let rest = |text: &str| {
        let rest: String = text.chars().skip(skipped).collect();
        let before = if skipped > 0 { "…" } else { "" };
        format!("\"{before}{}\"", visible_line(&rest))
    };
    (rest(&left), rest(&right))
}

#[cfg(test)]
mod tests;
