//! Hostile text, and what becomes of it on a page.

use super::{BLOCK_CHARACTERS_MAX, LINE_CHARACTERS_MAX, block, line, plain};

fn html(text: &str) -> String {
    line(text).to_string()
}

#[test]
fn ordinary_text_is_left_alone() {
    assert_eq!(html("Refund $240.00 to the card ending 4242"), "<bdi>Refund $240.00 to the card ending 4242</bdi>");
    assert_eq!(html("Zoë Müller, 名古屋, Привет, ٣ كتب"), "<bdi>Zoë Müller, 名古屋, Привет, ٣ كتب</bdi>");
    assert_eq!(html(""), "<bdi></bdi>");
}

#[test]
fn markup_is_text() {
    let payloads = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><svg/onload=alert(1)>",
        "</section><button name=vote value=approve>Approve</button>",
        "<!--",
        "<style>*{display:none}</style>",
        "<a href='javascript:alert(1)'>here</a>",
        "{{7*7}}{% raw %}",
    ];
    for payload in payloads {
        for shown in [html(payload), block(payload).to_string()] {
            let inner = shown.replace("<bdi>", "").replace("<bdi class=\"block\">", "").replace("</bdi>", "");
            assert!(!inner.contains('<') && !inner.contains('>') && !inner.contains('"'), "{payload} became {shown}");
        }
    }
}

#[test]
fn what_has_no_shape_is_written_out() {
    let cases = [
        ("a\u{202e}b", "\\u{202e}"),
        ("a\u{2066}b", "\\u{2066}"),
        ("a\u{200b}b", "\\u{200b}"),
        ("a\u{feff}b", "\\u{feff}"),
        ("a\u{ad}b", "\\u{ad}"),
        ("a\u{0}b", "\\u{0}"),
        ("a\u{1b}[31mb", "\\u{1b}"),
        ("a\u{a0}b", "\\u{a0}"),
        ("a\u{3164}b", "\\u{3164}"),
        ("a\u{2028}b", "\\u{2028}"),
        ("a\u{e0041}b", "\\u{e0041}"),
        ("a\u{e000}b", "\\u{e000}"),
        ("a\u{fe0f}b", "\\u{fe0f}"),
        ("a\nb", "\\n"),
        ("a\rb", "\\r"),
    ];
    for (text, escaped) in cases {
        let shown = html(text);
        assert!(shown.contains("class=\"odd\""), "{text:?} became {shown}");
        assert!(shown.contains(escaped), "{text:?} became {shown}");
        assert!(!shown.chars().any(|character| super::letters::odd(character).is_some()), "{text:?} became {shown}");
    }
}

#[test]
fn a_run_of_the_same_kind_is_one_mark() {
    assert_eq!(html("a\u{200b}\u{200b}\u{200b}b").matches("class=\"odd\"").count(), 1);
}

#[test]
fn typing_an_escape_is_not_a_mark() {
    assert!(!html("a\\u{202e}b").contains("class=\"odd\""));
}

#[test]
fn mixed_alphabets_are_named() {
    for word in ["p\u{430}ypal", "\u{410}pprove", "r\u{435}fund", "\u{3bf}rder", "re\u{ff46}und", "\u{1d5ee}pprove"] {
        let shown = html(&format!("to {word} now"));
        assert!(shown.contains("letters</small>"), "{word} became {shown}");
    }
    for text in ["Привет мир", "Ελλάδα", "Order 12 für Zoë", "о компании Apple"] {
        assert!(!html(text).contains("class=\"odd\""), "{text}");
    }
}

#[test]
fn a_word_that_only_looks_latin_is_named() {
    assert!(html("pay to \u{440}\u{430}\u{443}\u{440} today").contains("letters</small>"));
}

#[test]
fn stacked_accents_are_taken_apart() {
    let shown = html(&format!("a{}", "\u{301}".repeat(50)));
    assert!(shown.contains("\\u{301}"), "{shown}");
    assert_eq!(shown.matches('\u{301}').count(), 3);
    assert!(html("\u{301}a").contains("\\u{301}"));
}

#[test]
fn line_breaks_stay_in_blocks_alone() {
    assert!(block("a\r\nb\tc").to_string().contains("a\nb\tc"));
    assert!(html("a\nb").contains("\\n"));
}

#[test]
fn long_text_is_cut_or_folded() {
    let long = "x".repeat(30_000);
    let shown = html(&long);
    assert!(shown.len() < LINE_CHARACTERS_MAX * 2, "{}", shown.len());
    assert!(shown.contains("29,760 more characters"), "{shown}");
    let shown = block(&long).to_string();
    assert!(shown.contains("<details") && shown.contains("30,000 characters"));
    assert!(shown.contains("16,800 more characters"));
    let shown = block(&"\n".repeat(BLOCK_CHARACTERS_MAX)).to_string();
    assert!(shown.contains("<details"), "many lines are folded");
}

#[test]
fn a_title_is_plain() {
    assert_eq!(plain("Refund\u{202e} now"), "Refund\\u{202e} now");
    assert!(plain(&"x".repeat(500)).ends_with('…'));
}
