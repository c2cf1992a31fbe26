//! `writ integration`: what is added, listed, compared and pinned, and what a hostile description comes to on a
//! terminal and in a file.

use serde_json::{Value as Json, json};
use writ_core::definition::{Integration, ToolClass, parse_yaml};
use writ_tests::{Acme, program};

use crate::changing_server::{add, append, offer, tools};

const FILE: &str = "integrations/notes.yaml";
const SNAPSHOT: &str = "integrations/notes.pinned.json";
const HIDING: &str = "Appends a note.\u{200b}\u{e0041} Quickly.";

#[tokio::test]
async fn what_is_added_is_an_effect_until_somebody_vouches_for_it() {
    let acme = Acme::plain();
    offer(&acme, &tools(HIDING));
    let lines = add(&acme, &["--json"]).await.json_lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (line, tool) in lines.iter().zip(["append", "look"]) {
        assert_eq!((&line["integration"], &line["tool"]), (&json!("notes"), &json!(tool)));
        assert_eq!((&line["class"], &line["state"]), (&json!("effect"), &json!("pinned")), "{line}");
    }
    let hidden = lines[0]["hidden"].as_array().unwrap();
    let kinds: Vec<&Json> = hidden.iter().map(|hidden| &hidden["kind"]).collect();
    assert_eq!(kinds, [&json!("zero_width"), &json!("tag")], "{hidden:?}");
    assert_eq!((&lines[1]["hidden"], &lines[2]["written"]), (&json!([]), &json!([FILE, SNAPSHOT])));

    let text = acme.text(FILE);
    assert!(text.contains("# It claims: readOnlyHint true") && text.contains("HIDDEN TEXT"), "{text}");
    let written: Integration = parse_yaml(FILE, &text).unwrap();
    for (name, tool) in &written.tools {
        let line = lines.iter().find(|line| line["tool"] == json!(name)).unwrap();
        assert_eq!((tool.class, tool.pin.as_deref()), (ToolClass::Effect, line["digest"].as_str()));
    }
    for shown in [text, acme.text(SNAPSHOT)] {
        assert!(!shown.contains(['\u{200b}', '\u{e0041}']), "{shown}");
    }
    assert_eq!(program::writ(&["check", acme.word()]).await.code, Some(0));

    // Nothing is overwritten.
    let before = acme.text(FILE);
    let why = add(&acme, &[]).await.refused();
    assert!(why.contains("is defined in `integrations/notes.yaml`"), "{why}");
    assert_eq!(acme.text(FILE), before);
    let why = program::writ(&["integration", "add", acme.word(), "../x", "--", "python3", "notes.py"]).await.refused();
    assert!(why.contains("`../x` is no name"), "{why}");
    let said = program::writ(&["integration", "add", acme.word(), "other"]).await;
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    let why = program::writ(&["integration", "add", acme.word(), "other", "--", "no-such-program"]).await.refused();
    assert!(why.contains("integration `other` is not available"), "{why}");
    assert!(!acme.file("integrations/other.yaml").exists());
}

#[tokio::test]
async fn each_tool_is_listed_with_how_it_stands() {
    let acme = Acme::plain();
    offer(&acme, &tools("Appends a note."));
    add(&acme, &[]).await.ok();
    offer(&acme, &json!([append(HIDING, "text"), { "name": "p\u{443}rge", "inputSchema": { "type": "object" } }]));
    let said = program::writ(&["integration", "list", acme.word(), "--json"]).await;
    let state = |integration: &str, tool: &str| {
        let lines = program::lines(&said.stdout);
        let line = lines.iter().find(|line| line["integration"] == integration && line["tool"] == tool);
        let line = line.unwrap_or_else(|| panic!("no {integration}.{tool} in {}", said.stdout));
        (line["state"].clone(), line["class"].clone())
    };
    assert_eq!(state("notes", "append"), (json!("changed"), json!("effect")));
    assert_eq!(state("notes", "look"), (json!("gone"), json!("effect")));
    assert_eq!(state("notes", "p\\u{443}rge"), (json!("new"), Json::Null));
    assert_eq!(state("shop", "get_order_details"), (json!("unpinned"), json!("read")));

    // One that cannot be reached says why, and the others are listed all the same.
    acme.edit(("integrations/shop.yaml", "command: shop", "command: no-such-shop"));
    let said = program::writ(&["integration", "list", acme.word()]).await;
    let listed = said.ok();
    assert!(listed.lines().any(|line| line.starts_with("shop: ") && line.contains("not available")), "{listed}");
    let append = listed.lines().find(|line| line.starts_with("notes.append ")).expect("the tool");
    assert!(append.contains("effect") && append.contains("changed") && append.ends_with("hidden text"), "{append}");
    assert!(!listed.contains('\u{443}'), "{listed}");
}

#[tokio::test]
async fn a_difference_is_told_and_accepted() {
    let acme = Acme::plain();
    offer(&acme, &tools("Appends a note."));
    add(&acme, &[]).await.ok();
    let diff = ["integration", "diff", acme.word(), "notes"];
    assert_eq!(program::writ(&diff).await.ok(), "");
    acme.edit((FILE, "  look:\n    class: effect", "  look: # Lea has read its source\n    class: read"));

    let mut changed = tools(HIDING);
    changed[0]["inputSchema"]["properties"]["to"] = json!({ "type": "string" });
    changed[1]["description"] = json!("Shows every note.");
    changed.as_array_mut().unwrap().push(json!({ "name": "purge", "inputSchema": { "type": "object" } }));
    offer(&acme, &changed);
    let said = program::writ(&diff).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    for told in [
        "notes.append (changed)\n",
        "  the description has changed from \"Appends a note.\" to \"Appends a note.\\u{200b}\\u{e0041} Quickly.\"\n",
        "  the argument `to` is new: {\"type\":\"string\"}\n",
        "notes.purge (new)\n",
    ] {
        assert!(said.stdout.contains(told), "no `{told}` in {}", said.stdout);
    }
    let said = program::writ(&[&diff[..], &["--json"]].concat()).await;
    let lines = program::lines(&said.stdout);
    assert_eq!((said.code, &lines[lines.len() - 1]), (Some(1), &json!({ "differences": 3, "unavailable": 0 })));

    // One tool alone, then everything.
    let pin = ["integration", "pin", acme.word(), "notes"];
    let why = program::writ(&[&pin[..], &["paste"]].concat()).await.refused();
    assert!(why.contains("there is no `paste`; there are append, look, purge"), "{why}");
    let one = program::writ(&[&pin[..], &["append", "--json"]].concat()).await.json();
    assert_eq!((&one["tool"], &one["was"]), (&json!("append"), &json!("changed")));
    let left = program::writ(&diff).await;
    assert!(left.code == Some(1) && !left.stdout.contains("notes.append"), "{}", left.stdout);
    program::writ(&pin).await.ok();
    assert_eq!(program::writ(&diff).await.ok(), "");

    let text = acme.text(FILE);
    assert!(text.contains("  look: # Lea has read its source\n    class: read\n    pin: "), "{text}");
    let written: Integration = parse_yaml(FILE, &text).unwrap();
    let classes: Vec<(&str, ToolClass)> =
        written.tools.iter().map(|(name, tool)| (name.as_str(), tool.class)).collect();
    let expected = [("append", ToolClass::Effect), ("look", ToolClass::Read), ("purge", ToolClass::Effect)];
    assert_eq!(classes, expected);
    assert_eq!(program::writ(&["check", acme.word()]).await.code, Some(0));
}

#[tokio::test]
async fn what_cannot_be_edited_safely_is_left_to_a_person() {
    let acme = Acme::plain();
    offer(&acme, &tools("Appends a note."));
    add(&acme, &[]).await.ok();
    let written: Integration = parse_yaml(FILE, &acme.text(FILE)).unwrap();
    let pin = written.tools["append"].pin.clone().unwrap();
    let (block, braces) = (
        format!("  append:\n    class: effect\n    pin: {pin}\n"),
        format!("  append: {{ class: effect,\n    pin: \"{pin}\" }}\n"),
    );
    acme.edit((FILE, &block, &braces));
    offer(&acme, &tools("Appends all notes."));
    let before = acme.text(FILE);
    let said = program::writ(&["integration", "pin", acme.word(), "notes", "--json"]).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let lines = program::lines(&said.stdout);
    let by_hand = lines.iter().find(|line| line["tool"] == "append").expect("what to write");
    assert_eq!(by_hand["under"], "tools: append:");
    let line = by_hand["write"].as_str().unwrap();
    assert_eq!(acme.text(FILE), before, "the file is as it was");
    // What it says is what helps, and the change can still be told until then.
    let diff = program::writ(&["integration", "diff", acme.word(), "notes"]).await;
    assert!(diff.stdout.contains("from \"Appends a note.\" to \"Appends all notes.\""), "{}", diff.stdout);
    acme.edit((FILE, &format!("pin: \"{pin}\""), line));
    program::writ(&["integration", "pin", acme.word(), "notes"]).await.ok();
    assert_eq!(program::writ(&["integration", "diff", acme.word(), "notes"]).await.ok(), "");
}
