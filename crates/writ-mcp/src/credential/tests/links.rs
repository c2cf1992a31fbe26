//! A person's own tokens: linking, renewing, and everything that does not belong to the link.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value as Json, json};
use url::Url;

use super::fake::Fake;
use super::{CANARY, Stage, call, client, said};
use crate::credential::{Callback, CredentialSource, LinkError, LinkState, Name, OAuthSource, Unlinked, missing};

pub(super) const BACK: &str = "http://127.0.0.1:7878/integrations/mail/linked";

pub(super) fn person() -> Json {
    json!({ "grant": "person" })
}

pub(super) fn callback(fields: &BTreeMap<String, String>) -> Callback {
    let field = |name: &str| fields.get(name).cloned();
    Callback { state: field("state").unwrap(), code: field("code"), issuer: field("iss"), declined: false }
}

fn asked(address: &Url, name: &str) -> Option<String> {
    address.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
}

async fn finish(stage: &Stage, source: &Arc<OAuthSource>, person: &str, callback: Callback) -> Result<(), LinkError> {
    source.finish_link(person, callback, stage.records.clone()).await
}

pub(super) async fn link(stage: &Stage, source: &Arc<OAuthSource>, fake: &Fake, person: &str) -> Url {
    let address = source.begin_link(person, BACK).await.unwrap();
    finish(stage, source, person, callback(&fake.consent(&address))).await.unwrap();
    address
}

#[tokio::test]
async fn nothing_is_sent_in_a_persons_name_before_they_have_linked() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    let ana = client(CredentialSource::OAuth(Arc::clone(&source)), Some("ana"));
    assert!(missing(&call(&ana, &fake.url).await.unwrap_err()));
    assert!(fake.told().authorizations.is_empty());
    assert_eq!(source.link_state("ana").await, Ok(LinkState::Unlinked));
    let address = link(&stage, &source, &fake, "ana").await;
    assert_eq!(asked(&address, "scope").as_deref(), Some("listed offline_access"));
    assert_eq!(asked(&address, "resource"), Some(fake.url.clone()));
    assert_eq!(asked(&address, "code_challenge_method").as_deref(), Some("S256"));
    call(&ana, &fake.url).await.unwrap();
    assert!(matches!(source.link_state("ana").await, Ok(LinkState::Linked { .. })));
    // Somebody else's link is not anybody's.
    let ben = client(CredentialSource::OAuth(Arc::clone(&source)), Some("ben"));
    assert!(missing(&call(&ben, &fake.url).await.unwrap_err()));
    assert_eq!(source.unlink("ana", stage.records.clone()).await, Ok(Unlinked::Ended));
    assert_eq!(source.unlink("ana", stage.records.clone()).await, Ok(Unlinked::Nothing));
    assert!(missing(&call(&ana, &fake.url).await.unwrap_err()));
    assert_eq!(stage.records.said(), ["ana linked mail: listed offline_access", "ana unlinked mail"]);
}

#[tokio::test]
async fn a_link_without_a_record_is_not_kept() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    let refused = async || {
        let address = source.begin_link("ana", BACK).await.unwrap();
        stage.records.refuses.store(true, Ordering::Relaxed);
        let error = finish(&stage, &source, "ana", callback(&fake.consent(&address))).await.unwrap_err();
        stage.records.refuses.store(false, Ordering::Relaxed);
        assert!(matches!(error, LinkError::NotRecorded(_)), "{error:?}");
    };
    refused().await;
    assert_eq!(source.link_state("ana").await, Ok(LinkState::Unlinked));
    let ana = client(CredentialSource::OAuth(Arc::clone(&source)), Some("ana"));
    assert!(missing(&call(&ana, &fake.url).await.unwrap_err()));
    // An older link, which is recorded, stays as it was.
    link(&stage, &source, &fake, "ana").await;
    call(&ana, &fake.url).await.unwrap();
    let used = fake.told().authorizations.last().unwrap().clone();
    refused().await;
    call(&ana, &fake.url).await.unwrap();
    assert_eq!(fake.told().authorizations.last(), Some(&used));
    assert_eq!(stage.records.said(), ["ana linked mail: listed offline_access"]);
}

#[tokio::test]
async fn what_is_unlinked_is_forgotten_without_a_record_too() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    link(&stage, &source, &fake, "ana").await;
    stage.records.refuses.store(true, Ordering::Relaxed);
    let error = source.unlink("ana", stage.records.clone()).await.unwrap_err();
    assert!(matches!(error, LinkError::NotRecorded(_)), "{error:?}");
    assert_eq!(source.link_state("ana").await, Ok(LinkState::Unlinked));
}

#[tokio::test]
async fn no_scope_that_repeats_a_secret_is_recorded() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    fake.told().echoes = true;
    let source = stage.oauth(&fake.url, person());
    // The second time there is an older token to be repeated as well.
    for _ in 0..2 {
        link(&stage, &source, &fake, "ana").await;
    }
    let said = stage.records.said();
    assert!(said.iter().all(|said| said.contains("listed") && !said.contains(CANARY)), "{said:?}");
    assert_eq!(said.len(), 2);
}

#[tokio::test]
async fn a_link_outlives_the_server_and_is_sealed() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    link(&stage, &stage.oauth(&fake.url, person()), &fake, "ana").await;
    let names: Vec<Name> = stage.around.vault.list().unwrap().into_iter().map(|listed| listed.name).collect();
    assert!(names.contains(&Name::Token { integration: "mail".to_owned(), person: "ana".to_owned() }));
    let sealed = std::fs::read_to_string(stage.folder.path().join("credentials.sealed")).unwrap();
    assert!(!sealed.contains(CANARY));
    let token = Name::Token { integration: "mail".to_owned(), person: "ana".to_owned() };
    assert!(!stage.around.vault.get(&token).unwrap().unwrap().expose().contains("canary-identity"));
    let again = stage.oauth(&fake.url, person());
    call(&client(CredentialSource::OAuth(Arc::clone(&again)), Some("ana")), &fake.url).await.unwrap();
    // The registration is used again.
    link(&stage, &again, &fake, "ben").await;
    assert_eq!(fake.told().registrations.len(), 1);
    assert_eq!(fake.told().registrations[0]["application_type"], "native");
}

#[tokio::test]
async fn a_state_is_one_persons_and_works_once_and_not_for_long() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    let address = source.begin_link("ana", BACK).await.unwrap();
    let back = fake.consent(&address);
    assert_eq!(finish(&stage, &source, "ben", callback(&back)).await, Err(LinkError::NotBegun));
    let made_up = Callback { state: "made-up".to_owned(), ..callback(&back) };
    assert_eq!(finish(&stage, &source, "ana", made_up).await, Err(LinkError::NotBegun));
    finish(&stage, &source, "ana", callback(&back)).await.unwrap();
    assert_eq!(finish(&stage, &source, "ana", callback(&back)).await, Err(LinkError::NotBegun));
    let address = source.begin_link("ana", BACK).await.unwrap();
    stage.clock.fetch_add(10 * 60_000, Ordering::Relaxed);
    assert_eq!(finish(&stage, &source, "ana", callback(&fake.consent(&address))).await, Err(LinkError::NotBegun));
    let address = source.begin_link("ana", BACK).await.unwrap();
    let declined = Callback { declined: true, code: None, ..callback(&fake.consent(&address)) };
    assert_eq!(finish(&stage, &source, "ana", declined).await, Err(LinkError::Declined));
}

#[tokio::test]
async fn an_answer_from_another_server_is_refused_and_uses_nothing_up() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    let back = callback(&fake.consent(&source.begin_link("ana", BACK).await.unwrap()));
    for issuer in [Some("https://evil.example".to_owned()), Some(format!("{}/", fake.base)), None] {
        let forged = Callback { issuer: issuer.clone(), ..back.clone() };
        assert!(matches!(finish(&stage, &source, "ana", forged).await, Err(LinkError::Failed(_))), "{issuer:?}");
    }
    assert!(fake.told().forms.is_empty());
    finish(&stage, &source, "ana", back).await.unwrap();
}

#[tokio::test]
async fn an_error_of_the_token_endpoint_is_not_repeated() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    let back = callback(&fake.consent(&source.begin_link("ana", BACK).await.unwrap()));
    let wrong = Callback { code: Some("canary-wrong".to_owned()), ..back };
    let error = finish(&stage, &source, "ana", wrong.clone()).await.unwrap_err();
    assert!(!format!("{error} {error:?} {wrong:?}").contains(CANARY), "{error:?}");
}

#[tokio::test]
async fn a_refresh_token_is_used_once_however_many_wait_for_it() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    link(&stage, &source, &fake, "ana").await;
    let ana = client(CredentialSource::OAuth(Arc::clone(&source)), Some("ana"));
    call(&ana, &fake.url).await.unwrap();
    let used = fake.told().authorizations.last().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    fake.told().revoked.insert(used);
    let calls = futures::future::join_all((0..5).map(|_| call(&ana, &fake.url))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(fake.told().grants(), ["authorization_code", "refresh_token"]);
    // The rotated one is what was kept.
    fake.told().lifetime = None;
    let used = fake.told().authorizations.last().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    fake.told().revoked.insert(used);
    let again = stage.oauth(&fake.url, person());
    call(&client(CredentialSource::OAuth(again), Some("ana")), &fake.url).await.unwrap();
    assert_eq!(fake.told().grants().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_renewed_is_to_be_linked_again() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    fake.told().refreshes = false;
    let source = stage.oauth(&fake.url, person());
    link(&stage, &source, &fake, "ana").await;
    let ana = client(CredentialSource::OAuth(Arc::clone(&source)), Some("ana"));
    fake.told().refuses_all = true;
    let error = call(&ana, &fake.url).await.unwrap_err();
    assert!(missing(&error));
    said(&error);
    assert_eq!(source.link_state("ana").await, Ok(LinkState::Again));
    let before = fake.told().authorizations.len();
    assert!(missing(&call(&ana, &fake.url).await.unwrap_err()));
    assert_eq!(fake.told().authorizations.len(), before);
    fake.told().refuses_all = false;
    link(&stage, &source, &fake, "ana").await;
    call(&ana, &fake.url).await.unwrap();
}

#[tokio::test]
async fn a_wider_link_asks_for_what_there_was_and_what_is_missing_once() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    link(&stage, &source, &fake, "ana").await;
    let ana = client(CredentialSource::OAuth(Arc::clone(&source)), Some("ana"));
    fake.told().needs = ["send".to_owned()].into();
    assert!(missing(&call(&ana, &fake.url).await.unwrap_err()));
    assert_eq!(source.link_state("ana").await, Ok(LinkState::Again));
    let address = link(&stage, &source, &fake, "ana").await;
    assert_eq!(asked(&address, "scope").as_deref(), Some("listed offline_access send"));
    call(&ana, &fake.url).await.unwrap();
    // Nobody is sent round in circles: what was asked for already is not asked for again.
    let used = fake.told().authorizations.last().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    fake.told().forget(&used);
    let error = call(&ana, &fake.url).await.unwrap_err();
    assert!(!missing(&error));
    said(&error);
}

#[tokio::test]
async fn tokens_go_to_the_address_alone_for_which_they_were_asked() {
    let (stage, fake, other) = (Stage::new(), Fake::start().await, Fake::start().await);
    link(&stage, &stage.oauth(&fake.url, person()), &fake, "ana").await;
    let moved = CredentialSource::OAuth(stage.oauth(&other.url, person()));
    assert!(missing(&call(&client(moved, Some("ana")), &other.url).await.unwrap_err()));
    assert!(other.told().authorizations.is_empty());
}

#[tokio::test]
async fn tokens_of_an_authorization_server_that_is_not_the_integrations_any_more_are_thrown_away() {
    let (stage, fake, other) = (Stage::new(), Fake::start().await, Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    link(&stage, &source, &fake, "ana").await;
    let ana = client(CredentialSource::OAuth(Arc::clone(&source)), Some("ana"));
    fake.told().server = Some(other.base.clone());
    fake.told().refuses_all = true;
    let forms = fake.told().forms.len();
    assert!(missing(&call(&ana, &fake.url).await.unwrap_err()));
    assert!(other.told().forms.is_empty());
    assert_eq!(fake.told().forms.len(), forms);
    assert_eq!(source.link_state("ana").await, Ok(LinkState::Unlinked));
    // A new link goes to the other one, which gets a registration of its own.
    link(&stage, &source, &other, "ana").await;
    assert_eq!(other.told().registrations.len(), 1);
    assert_eq!(other.told().grants(), ["authorization_code"]);
}

#[tokio::test]
async fn metadata_lead_into_no_private_network() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, person());
    for endpoint in
        ["https://10.0.0.5/x", "https://[::ffff:10.0.0.5]/x", "https://[fd00::1]/x", "https://169.254.0.1/x"]
    {
        fake.told().token_endpoint = Some(endpoint.to_owned());
        let error = source.begin_link("ana", BACK).await.unwrap_err().to_string();
        assert!(error.starts_with("an endpoint of the authorization server: its address"), "{endpoint}: {error}");
    }
    fake.told().token_endpoint = None;
    for server in ["https://10.0.0.5", "https://192.168.0.1:8443", "https://[fd00::1]"] {
        fake.told().server = Some(server.to_owned());
        assert!(source.begin_link("ana", BACK).await.is_err(), "{server}");
    }
    assert!(fake.told().registrations.is_empty());
    fake.told().server = None;
    source.begin_link("ana", BACK).await.unwrap();
}

#[tokio::test]
async fn only_a_persons_own_credential_is_linked_and_not_without_end() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let exchange = stage.oauth(&fake.url, json!({ "grant": "token_exchange", "client_id": "writ" }));
    assert_eq!(exchange.begin_link("ana", BACK).await.unwrap_err(), LinkError::NotPersonal);
    let source = stage.oauth(&fake.url, person());
    let first = source.begin_link("ana", BACK).await.unwrap();
    for _ in 0..8 {
        stage.clock.fetch_add(1, Ordering::Relaxed);
        source.begin_link("ana", BACK).await.unwrap();
    }
    assert_eq!(finish(&stage, &source, "ana", callback(&fake.consent(&first))).await, Err(LinkError::NotBegun));
}
