//! What a person takes back is forgotten, and ended at the authorization server where it can be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::fake::Fake;
use super::links::{BACK, callback, link, person};
use super::{CANARY, Stage};
use crate::credential::{LinkState, Name, OAuthSource, Unlinked};

/// Unlinks. Gives why the tokens may still be good, where they may.
async fn unlink(stage: &Stage, source: &Arc<OAuthSource>) -> Option<String> {
    let unlinked = source.unlink("ana", stage.records.clone()).await.unwrap();
    // Whatever came of it there, nothing is left here, and it is recorded.
    assert_eq!(source.link_state("ana").await, Ok(LinkState::Unlinked));
    let token = Name::Token { integration: "mail".to_owned(), person: "ana".to_owned() };
    assert!(stage.around.vault.get(&token).unwrap().is_none());
    assert_eq!(stage.records.said().last().unwrap(), "ana unlinked mail");
    match unlinked {
        Unlinked::Remains(why) => {
            assert!(!why.contains(CANARY), "{why}");
            Some(why)
        }
        Unlinked::Ended => None,
        Unlinked::Nothing => panic!("there was something"),
    }
}

#[tokio::test]
async fn both_tokens_are_ended_by_whoever_asked_for_them() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    for method in ["client_secret_post", "client_secret_basic"] {
        fake.told().methods = vec![method];
        fake.told().revocations.clear();
        link(&stage, &source, &fake, "ana").await;
        assert_eq!(unlink(&stage, &source).await, None);
        let revocations = std::mem::take(&mut fake.told().revocations);
        let hints: Vec<&str> = revocations.iter().map(|(form, _)| form["token_type_hint"].as_str()).collect();
        assert_eq!(hints, ["refresh_token", "access_token"]);
        for (form, authorization) in &revocations {
            let kind = form["token_type_hint"].split('_').next().unwrap();
            assert!(form["token"].starts_with(&format!("canary-{kind}-")), "{form:?}");
            let in_the_form = method == "client_secret_post";
            assert_eq!(form.contains_key("client_secret"), in_the_form);
            assert_eq!(authorization.starts_with("Basic "), !in_the_form);
        }
    }
    // Nothing is left to be ended.
    assert_eq!(source.unlink("ana", stage.records.clone()).await, Ok(Unlinked::Nothing));
    assert!(fake.told().revocations.is_empty());
}

#[tokio::test]
async fn what_is_not_ended_is_told_without_a_secret() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    let own = fake.told().revocation_endpoint.clone();
    let refused = |kinds: &[&'static str], code: &'static str| -> BTreeMap<_, _> {
        kinds.iter().map(|kind| (*kind, code)).collect()
    };
    let both = ["refresh_token", "access_token"];
    for (endpoint, irrevocable, expected) in [
        ("", BTreeMap::new(), Some("has no way to end them")),
        ("https://10.0.0.5/revoke", BTreeMap::new(), Some("private network")),
        ("http://mail.example/revoke", BTreeMap::new(), Some("not one of HTTPS")),
        ("canary-nonsense", BTreeMap::new(), Some("")),
        (own.as_str(), refused(&both, "invalid_client"), Some("refused to end them: invalid_client")),
        (own.as_str(), refused(&["refresh_token"], "canary-code"), Some("no reason that is known")),
        (own.as_str(), refused(&both, "unsupported_token_type"), Some("unsupported_token_type")),
        // With the refresh token the other one ends, now or soon.
        (own.as_str(), refused(&["access_token"], "unsupported_token_type"), None),
    ] {
        link(&stage, &source, &fake, "ana").await;
        fake.told().revocation_endpoint = endpoint.to_owned();
        fake.told().irrevocable = irrevocable;
        let why = unlink(&stage, &source).await;
        assert_eq!(why.is_some(), expected.is_some(), "{endpoint}: {why:?}");
        assert!(why.unwrap_or_default().contains(expected.unwrap_or_default()), "{endpoint}: {expected:?}");
    }
}

#[tokio::test]
async fn tokens_are_shown_to_the_server_alone_that_gave_them() {
    let (stage, fake, other) = (Stage::new(), Fake::start().await, Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    link(&stage, &source, &fake, "ana").await;
    // Another one takes its place, by the integration's word, by its own, or by the operator's.
    fake.told().server = Some(other.base.clone());
    assert_eq!(unlink(&stage, &source).await, None);
    assert_eq!(fake.told().revocations.len(), 2);
    fake.told().server = None;
    link(&stage, &source, &fake, "ana").await;
    fake.told().issuer = Some(other.base.clone());
    assert!(unlink(&stage, &source).await.is_some());
    fake.told().issuer = None;
    link(&stage, &source, &fake, "ana").await;
    let moved = stage.oauth(&fake.url, json!({ "grant": "person", "issuer": other.base }));
    assert!(unlink(&stage, &moved).await.unwrap().contains("not named now"));
    assert_eq!(fake.told().revocations.len(), 2);
    assert!(other.told().revocations.is_empty());
}

#[tokio::test]
async fn tokens_of_a_link_that_is_not_recorded_are_ended() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    let back = callback(&fake.consent(&source.begin_link("ana", BACK).await.unwrap()));
    stage.records.refuses.store(true, Ordering::Relaxed);
    source.finish_link("ana", back, stage.records.clone()).await.unwrap_err();
    assert_eq!(fake.told().revocations.len(), 2);
}
