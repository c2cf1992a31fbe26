//! Connections that are people's own: a read leaves on one only while what the server offers is what was described.

use super::stage::{Era, Stage};
use super::*;
use crate::testing::eventually;

const SOMEBODY_ELSE: &str = "bob";

/// The same integration for everybody, and a connection for each.
fn personal(url: &str, limits: Limits) -> McpUpstream {
    let changes = Changes::default();
    let connection = Connection { name: NAME.to_owned(), transport: http(url), asks: BTreeSet::new(), limits };
    let integration = Integration::of_each_person(connection, Arc::default(), changes.clone());
    McpUpstream { integrations: BTreeMap::from([(NAME.to_owned(), integration)]), changes }
}

/// A read for which this edition has been compared.
fn compared(edition: Option<u64>) -> Call {
    Call { basis: Basis::Compared(edition), ..read("report") }
}

async fn edition(upstream: &McpUpstream) -> Option<u64> {
    let described = upstream.describe(NAME, Some(PERSON)).await.unwrap();
    assert!(described.edition.is_some() && described.tools.len() == 1);
    described.edition
}

#[tokio::test]
async fn a_read_leaves_while_nothing_has_changed_since_the_description() {
    for era in [Era::Current, Era::Handshake] {
        let stage = Stage::start(era).await;
        let upstream = personal(&stage.url, limits());
        let sent = upstream.made(compared(None)).await;
        assert!(matches!(sent, Sent::NotCompared), "{sent:?}");
        assert!(upstream.describe(NAME, None).await.is_err());
        let first = edition(&upstream).await;
        assert_eq!(edition(&upstream).await, first, "nothing has changed");
        assert!(!answered(upstream.made(compared(first)).await).0);
        let another = upstream.make(NAME, SOMEBODY_ELSE, compared(first), Arc::new(Nobody)).await;
        assert!(matches!(another, Sent::NotCompared), "another person's connection is another one: {another:?}");
        assert_eq!(stage.count("tools/call"), 1);

        eventually(|| stage.listeners() >= 2).await;
        stage.announce(json!({ "method": "notifications/tools/list_changed", "params": {} }));
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while !matches!(upstream.made(compared(first)).await, Sent::NotCompared) {
            assert!(std::time::Instant::now() < deadline, "word of a change was not heard");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // An effect has been looked at by itself.
        assert!(!answered(upstream.made(effect("report", json!({}))).await).0);
        let second = edition(&upstream).await;
        assert_ne!(second, first);
        assert!(!answered(upstream.made(compared(second)).await).0);
    }
}

#[tokio::test]
async fn a_connection_that_has_opened_again_has_to_be_described_again() {
    let stage = Stage::start(Era::Current).await;
    let upstream = personal(&stage.url, limits());
    let first = edition(&upstream).await;
    upstream.retain(&BTreeSet::new());
    let sent = upstream.made(compared(first)).await;
    assert!(matches!(sent, Sent::NotCompared), "{sent:?}");
    assert_eq!(stage.count("tools/call"), 0);
    assert_ne!(edition(&upstream).await, first);
}

#[tokio::test]
async fn what_has_to_wait_for_a_description_is_not_counted() {
    let stage = Stage::start(Era::Current).await;
    let upstream = personal(&stage.url, Limits { calls_per_minute: Some(1), ..limits() });
    assert!(matches!(upstream.made(compared(None)).await, Sent::NotCompared));
    let first = edition(&upstream).await;
    assert!(!answered(upstream.made(compared(first)).await).0);
    assert!(matches!(upstream.made(compared(first)).await, Sent::NotSent(_)));
}
