//! Definition files as people write them, before and after a pin has been written into them.

use serde_json::json;
use writ_core::digest::Digest;

use super::{Kind, write_pin};
use crate::pin::snapshot::Pinned;

/// A digest by its first digits is enough to read the cases below.
const PIN: &str = "PIN";

fn pinned() -> Pinned {
    let definition = json!({ "name": "send", "description": "Sends.", "inputSchema": {} });
    Pinned { digest: Digest::of_json(&definition).unwrap(), definition }
}

fn file(tools: &str) -> String {
    format!("# Mail.\nintegration: mail\nfrom: {{ http: {{ url: \"http://localhost/\" }} }}\n{tools}")
}

/// The text after `tools`, with the digest as `PIN`.
fn written(kind: Kind, name: &str, text: &str) -> Option<String> {
    let pin = pinned().digest.to_string();
    let edited = write_pin(&file(&text.replace(PIN, &pin)), kind, name, &pinned()).ok()?;
    let rest = edited.strip_prefix(&file("")).expect("what stands before is left alone");
    Some(rest.replace(&pin, PIN))
}

#[test]
fn a_pin_is_written_where_its_tool_stands() {
    let old = "0".repeat(64);
    let cases = [
        ("tools:\n  send:\n    class: effect\n", "tools:\n  send:\n    class: effect\n    pin: PIN\n"),
        ("tools:\n  send:\n    class: effect", "tools:\n  send:\n    class: effect\n    pin: PIN\n"),
        (
            "tools:\n  send:\n    class: effect # looked at\n    profile: keyed\n  read: { class: read }\n",
            "tools:\n  send:\n    class: effect # looked at\n    pin: PIN\n    profile: keyed\n  read: { class: read }\n",
        ),
        (
            "tools: # all of them\n\n    # Sends.\n    send: # a mail\n\n      # It does.\n      class: effect\n\n    read: { class: read }\n",
            "tools: # all of them\n\n    # Sends.\n    send: # a mail\n\n      # It does.\n      class: effect\n      pin: PIN\n\n    read: { class: read }\n",
        ),
        (
            "tools:\n  read:\n    class: read\n    pin: OLD\n  send:\n    pin: OLD  # by Lea\n    class: effect\nlabels: [x]\n",
            "tools:\n  read:\n    class: read\n    pin: OLD\n  send:\n    pin: PIN # by Lea\n    class: effect\nlabels: [x]\n",
        ),
        (
            "tools:\n  send:\n    pin: \"OLD\"\n    class: effect\n",
            "tools:\n  send:\n    pin: PIN\n    class: effect\n",
        ),
        ("tools:\n  send:\r\n    class: effect\r\n", "tools:\n  send:\r\n    class: effect\r\n    pin: PIN\n"),
        ("tools:\n  send: { class: effect }\n", "tools:\n  send: { class: effect, pin: PIN }\n"),
        ("tools:\n  send: {class: effect} # x\n", "tools:\n  send: {class: effect, pin: PIN} # x\n"),
        ("tools:\n  send: { class: effect, }\n", "tools:\n  send: { class: effect, pin: PIN }\n"),
        ("tools:\n  send: { pin: OLD, class: effect }\n", "tools:\n  send: { pin: PIN, class: effect }\n"),
        ("tools:\n  send: {class: effect,pin: OLD}", "tools:\n  send: {class: effect,pin: PIN}"),
        (
            "tools:\n  send: { headline: \"{input.to}, pin: x\", labels: [a, b], class: effect }\n",
            "tools:\n  send: { headline: \"{input.to}, pin: x\", labels: [a, b], class: effect, pin: PIN }\n",
        ),
        ("tools:\n  \"send\":\n    class: effect\n", "tools:\n  \"send\":\n    class: effect\n    pin: PIN\n"),
        ("tools:\n  'send': { class: effect }\n", "tools:\n  'send': { class: effect, pin: PIN }\n"),
        (
            "tools:\n  send:\n    result:\n      pin: { class: x }\n    class: effect\n",
            "tools:\n  send:\n    result:\n      pin: { class: x }\n    class: effect\n    pin: PIN\n",
        ),
        (
            "tools:\n  send:\n    headline: |\n      Note\n      pin: no\n    class: effect\n",
            "tools:\n  send:\n    headline: |\n      Note\n      pin: no\n    class: effect\n    pin: PIN\n",
        ),
    ];
    for (before, after) in cases {
        let (before, after) = (before.replace("OLD", &old), after.replace("OLD", &old));
        assert_eq!(written(Kind::Tool, "send", &before).as_ref(), Some(&after), "{before}");
        assert_eq!(written(Kind::Tool, "send", &after).as_ref(), Some(&after), "written twice");
    }
}

#[test]
fn a_prompt_is_pinned_where_it_is_let_through() {
    let before = "prompts:\n  send: {}\ntools:\n  send: { class: effect }\n";
    let after = "prompts:\n  send: { pin: PIN }\ntools:\n  send: { class: effect }\n";
    assert_eq!(written(Kind::Prompt, "send", before).as_deref(), Some(after));
    assert_eq!(written(Kind::Prompt, "send", "tools: {}\n"), None, "naming it would let it through");
}

#[test]
fn a_new_tool_is_an_effect_at_the_end_of_the_tools() {
    let new = "  # \"Sends.\"\n  send:\n    class: effect\n    pin: PIN\n";
    let cases = [
        (
            "tools:\n  read: { class: read }\n\n# The end.\nlabels: [x]\n",
            "tools:\n  read: { class: read }\n",
            "\n# The end.\nlabels: [x]\n",
        ),
        ("tools:\n  read:\n    class: read", "tools:\n  read:\n    class: read\n", ""),
        ("tools: {}\nlabels: [x]\n", "tools:\n", "labels: [x]\n"),
        ("labels: [x]\n", "labels: [x]\ntools:\n", ""),
    ];
    for (before, head, tail) in cases {
        assert_eq!(written(Kind::Tool, "send", before), Some(format!("{head}{new}{tail}")), "{before}");
    }
    let four = written(Kind::Tool, "send", "tools:\n    read: { class: read }\n").unwrap();
    assert!(four.ends_with("    send:\n      class: effect\n      pin: PIN\n"), "{four}");
}

#[test]
fn what_cannot_be_edited_safely_is_left_to_a_person() {
    let cases = [
        "tools: { send: { class: effect } }\n",
        "tools:\n  send: { class: effect,\n    reversible: true }\n",
        "tools:\n  send: &mail { class: effect }\n",
        "tools:\n  send: &mail\n    class: effect\n  copy: *mail\n",
        "tools:\n  ? send\n  : class: effect\n",
        "tools:\n  send:\n    pin: >-\n      abc\n    class: effect\n",
        "tools:\n  send: { class: effect, \"pin\": abc }\n",
        "tools:\n  \"se\\u006ed\": { class: effect }\n",
        "nonsense: 1\n",
    ];
    for before in cases {
        let text = file(before);
        let error = write_pin(&text, Kind::Tool, "send", &pinned()).expect_err(before);
        let line = format!("pin: {}", pinned().digest);
        assert!(error.under == "tools: send:" && error.line.contains(&line), "{before}: {error}");
    }
    let error = write_pin("nonsense", Kind::Tool, "a\u{202e}", &pinned()).unwrap_err();
    assert_eq!(error.under, "tools: a\\u{202e}:");
    assert!(error.line.starts_with("{ class: effect, pin: "), "{error}");
}
