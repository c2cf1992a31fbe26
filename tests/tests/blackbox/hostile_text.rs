//! Words of others stand beside the Approve button as words, and can do nothing there.

use serde_json::json;
use writ_tests::story::{EMAIL, NOTE, REFUND, refund};
use writ_tests::{Console, Desk};

/// Markup, attributes, a line that runs backwards, something that does not show, and letters that look like others.
const HOSTILE: &str = "</div><script>alert(1)</script><img src=x onerror=\"alert(2)\"><a href='javascript:alert(3)'>\
    approve</a> & \u{202e}lla dnufer\u{202c} \u{200b}\u{feff} \u{430}pprove \u{1b}[31mred";

#[tokio::test]
async fn on_every_page_hostile_words_are_words() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    worker.call("observe", json!({ "text": HOSTILE })).await.ok();
    let mut arguments = refund(240);
    arguments["writ_reason"] = json!(HOSTILE);
    let decision = worker.propose(REFUND, arguments).await;
    let letter = json!({ "to": EMAIL, "subject": "<b>hello</b>", "body": HOSTILE });
    let note = worker.propose(NOTE, letter).await;
    worker.query(&format!("SELECT '{}' AS mark", HOSTILE.replace('\'', ""))).await.ok();
    worker
        .query(&format!("SELECT \"{}\" FROM shop.orders", HOSTILE.replace('"', "")))
        .await
        .refused("sql_unknown_name");
    desk.lea.vote(&note, false, Some(HOSTILE)).await.ok();

    let lea = Console::signed_in(&desk, "lea").await;
    let pages = [
        format!("/decisions/{decision}"),
        format!("/decisions/{note}"),
        format!("/runs/{}", worker.run()),
        "/decisions?show=all".to_owned(),
        "/runs".to_owned(),
    ];
    let mut shown = 0;
    for path in pages {
        let html = lea.get(&path).await.html;
        for acting in ["<script>", "<img", "<a href='javascript", "<b>hello", "onerror=\"alert"] {
            assert!(!html.contains(acting), "`{acting}` acts on {path}");
        }
        for hidden in ['\u{202e}', '\u{202c}', '\u{200b}', '\u{feff}', '\u{1b}'] {
            assert!(!html.contains(hidden), "{} is hidden on {path}", hidden.escape_unicode());
        }
        let scripts = html.matches("<script").count();
        assert_eq!(scripts, html.matches("nonce=\"").count(), "{path}: every script is one of ours");
        shown += usize::from(html.contains("\\u{202e}") && html.contains("mixed letters"));
    }
    assert!(shown >= 3, "what was hidden is written out, on the pages that tell of it");

    let page = lea.get(&format!("/decisions/{decision}")).await;
    let (claimed, exact) = (page.html.find("claimed, not checked").unwrap(), page.html.find("Exactly this").unwrap());
    let said = page.html.find("alert(1)").unwrap();
    assert!(claimed < said && said < exact, "the claim stands under its own heading");
    let headline = page.html.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap();
    assert!(headline.contains("Refund $240.00") && !headline.contains("alert"), "{headline}");
    let policy = page.header("content-security-policy");
    let nonce = page.html.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.contains(&format!("'nonce-{nonce}'")), "{policy}");
}

#[tokio::test]
async fn in_the_terminal_hostile_words_steer_nothing() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let mut arguments = refund(240);
    arguments["writ_reason"] = json!(HOSTILE);
    let decision = worker.propose(REFUND, arguments).await;
    let shown = desk.writ_as("lea", &["decision", "show", &decision]).await.ok();
    for hidden in ['\u{202e}', '\u{202c}', '\u{200b}', '\u{feff}', '\u{1b}'] {
        assert!(!shown.contains(hidden), "{} reaches the terminal", hidden.escape_unicode());
    }
    assert!(shown.contains("\\u{202e}") && shown.contains("\\u{1b}"), "{shown}");
    // For programs it is what it was.
    let json = desk.writ_as("lea", &["decision", "show", &decision, "--json"]).await.json();
    assert_eq!(json["proposal"]["claim"], HOSTILE.trim());
}
