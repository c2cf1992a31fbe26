//! The definition file of an integration that has just been looked at for the first time.
//!
//! Every tool starts as an effect and with its pin. What the server says of it stands beside it as a comment, made
//! visible and on one line, so that whoever classifies it reads it without believing it.

use serde_json::Value as Json;
use writ_core::definition::{Integration, Transport, parse_yaml};
use writ_core::visible::{has_no_shape, visible_line, visible_name};

use super::hidden::hidden_in;
use super::snapshot::{Pinned, Snapshot};

/// How much of a tool's description stands in the comment above it, in characters.
const SAYS_CHARACTERS_MAX: usize = 90;
/// How many prompts are named in the comment at the end.
const PROMPTS_NAMED_MAX: usize = 50;
/// How long an integration's name may be, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// The hints of MCP's tool annotations.
const HINTS: [&str; 4] = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
/// Plain words that YAML reads as something else than text.
const WORDS_OF_YAML: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// Whether an integration may be called this: the name is a part of file names and of what workers call.
#[must_use]
pub fn is_integration_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The text of a new definition file.
///
/// # Errors
/// In words, where the file would not say what it is meant to say.
pub fn draft(from: &Transport, snapshot: &Snapshot) -> Result<String, String> {
    let mut text = String::from(
        "# Every tool is an effect until you vouch for it: set `class: read` where a call changes nothing in the world.\n\
         # What stands in quotes are the server's own words: hints from a stranger.\n",
    );
    text.push_str(&format!("integration: {}\n", scalar(&snapshot.integration)));
    let from = serde_json::to_value(from).map_err(|error| error.to_string())?;
    text.push_str("from:\n");
    text.push_str(&block(&from, 2));
    text.push_str(if snapshot.tools.is_empty() { "tools: {}\n" } else { "tools:\n" });
    for (name, pinned) in &snapshot.tools {
        text.push_str(&entry(name, pinned, 2));
    }
    if !snapshot.prompts.is_empty() {
        let names: Vec<String> =
            snapshot.prompts.keys().take(PROMPTS_NAMED_MAX).map(|name| visible_name(name)).collect();
        text.push_str(&format!("# It offers prompts, none of which is let through: {}\n", names.join(", ")));
    }
    let parsed: Integration = parse_yaml("integration", &text).map_err(|problem| problem.message)?;
    let named = parsed.integration == snapshot.integration && parsed.tools.keys().eq(snapshot.tools.keys());
    if !named || serde_json::to_value(&parsed.from).ok() != Some(from) {
        return Err("a name or an argument cannot be written to the definition file".to_owned());
    }
    Ok(text)
}

/// A tool that nobody has classified yet: an effect, with its pin.
pub(super) fn entry(name: &str, pinned: &Pinned, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let mut text = String::new();
    for line in notes(&pinned.definition) {
        text.push_str(&format!("{margin}# {line}\n"));
    }
    text.push_str(&format!("{margin}{}:\n{margin}  class: effect\n{margin}  pin: {}\n", key(name), pinned.digest));
    text
}

/// What a server says of a tool, one line each.
fn notes(definition: &Json) -> Vec<String> {
    let mut notes = Vec::new();
    let says = definition.get("description").and_then(Json::as_str).unwrap_or_default().trim();
    let line = visible_line(says.lines().next().unwrap_or_default());
    if !line.is_empty() {
        let cut: String = line.chars().take(SAYS_CHARACTERS_MAX).collect();
        let more = if cut.len() < line.len() || says.lines().count() > 1 { "…" } else { "" };
        notes.push(format!("\"{cut}{more}\""));
    }
    let hint = |name: &&str| {
        let value = definition.get("annotations")?.get(*name)?.as_bool()?;
        Some(format!("{name} {value}"))
    };
    let hints: Vec<String> = HINTS.iter().filter_map(hint).collect();
    if !hints.is_empty() {
        notes.push(format!("It claims: {}", hints.join(", ")));
    }
    notes.extend(hidden_in(definition).iter().map(|hidden| format!("HIDDEN TEXT: {hidden}")));
    notes
}

/// Members that say something, as lines of YAML.
fn block(value: &Json, indent: usize) -> String {
    let mut text = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let margin = " ".repeat(indent);
        let name = key(name);
        match value {
            Json::Null => {}
            Json::Object(members) if members.is_empty() => {}
            Json::Array(items) if items.is_empty() => {}
            Json::Object(_) => {
                text.push_str(&format!("{margin}{name}:\n{}", block(value, indent.saturating_add(2))));
            }
            Json::Array(items) => {
                let items: Vec<String> = items.iter().map(inline).collect();
                text.push_str(&format!("{margin}{name}: [{}]\n", items.join(", ")));
            }
            other => text.push_str(&format!("{margin}{name}: {}\n", inline(other))),
        }
    }
    text
}

fn inline(value: &Json) -> String {
    match value {
        Json::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A name as a key of YAML.
fn key(name: &str) -> String {
    if is_plain(name, b"_.-/") { name.to_owned() } else { quoted(name) }
}

fn scalar(text: &str) -> String {
    let plain = is_plain(text, b"_.-/:") && !text.ends_with(':');
    if plain { text.to_owned() } else { quoted(text) }
}

/// Whether a text stands for itself in YAML, in a list in brackets as well.
fn is_plain(text: &str, also: &[u8]) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.contains(&byte))
        && !WORDS_OF_YAML.contains(&text.to_ascii_lowercase().as_str())
}

/// A double-quoted scalar of YAML, in which every character that has no shape is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            _ if has_no_shape(character) => {
                let code = u32::from(character);
                quoted.push_str(&if code <= 0xffff { format!("\\u{code:04x}") } else { format!("\\U{code:08x}") });
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pin::offer::tests::server;

    fn transport(from: Json) -> Transport {
        serde_json::from_value(from).unwrap()
    }

    #[test]
    fn what_is_drafted_can_be_read_and_grants_nothing() {
        let mut description =
            server("mail 1.0", &[("send", "Sends a mail.\nTo anybody."), ("true", ""), ("a b\u{202e}", "x\u{200b}")]);
        description.tools[0].definition["annotations"] = json!({ "readOnlyHint": true, "title": "Send" });
        description.prompts =
            vec![crate::upstream::UpstreamItem { name: "greet\n".to_owned(), definition: json!({ "name": "greet" }) }];
        let snapshot = Snapshot::of("mail", &description).unwrap();
        let from = json!({ "stdio": { "command": "./mail", "args": ["--db", "a: b", "\u{1b}\"", "5"], "env": { "HOME": "/tmp" } } });
        let text = draft(&transport(from), &snapshot).unwrap();
        for line in [
            "integration: mail",
            "    command: \"./mail\"",
            "    args: [\"--db\", \"a: b\", \"\\u001b\\\"\", \"5\"]",
            "      HOME: /tmp",
            "  # \"Sends a mail.…\"",
            "  # It claims: readOnlyHint true",
            "  send:",
            "  \"true\":",
            "  \"a b\\u202e\":",
            "# It offers prompts, none of which is let through: greet\\n",
        ] {
            assert!(text.lines().any(|found| found == line), "no `{line}` in\n{text}");
        }
        assert!(text.contains("HIDDEN TEXT: `description`: 1 characters that take no space"), "{text}");
        assert!(!text.chars().any(|character| character != '\n' && has_no_shape(character)), "{text}");
        let parsed: Integration = parse_yaml("integration", &text).unwrap();
        for (name, tool) in &parsed.tools {
            assert_eq!(tool.class, writ_core::definition::ToolClass::Effect);
            assert_eq!(tool.pin, Some(snapshot.tools[name].digest.to_string()));
        }
    }

    #[test]
    fn a_server_without_tools_can_be_written_down() {
        let snapshot = Snapshot::of("mail", &server("mail 1.0", &[])).unwrap();
        let from = json!({ "http": { "url": "https://mail.example/mcp?a=1", "credential": { "env": "MAIL_TOKEN" } } });
        let text = draft(&transport(from), &snapshot).unwrap();
        assert!(text.contains("    url: \"https://mail.example/mcp?a=1\"\n"), "{text}");
        assert!(text.contains("      env: MAIL_TOKEN\n") && text.contains("tools: {}\n"), "{text}");
    }

    #[test]
    fn names_of_integrations_are_plain() {
        for name in ["mail", "Mail_2", "my-mail"] {
            assert!(is_integration_name(name));
        }
        for name in ["", "2mail", "../mail", "my.mail", "m\u{430}il", "_mail", &"m".repeat(65)] {
            assert!(!is_integration_name(name), "{name}");
        }
    }
}
