//! Writ's own tokens, exchanged ones, and what a refused request leads to.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value as Json, json};

use super::fake::Fake;
use super::{CANARY, Stage, call, client, said};
use crate::credential::{CredentialSource, missing};

fn own() -> Json {
    json!({ "grant": "client_credentials", "client_id": "writ", "client_secret": { "sealed": "mail-client" } })
}

fn seal_secret(stage: &Stage) {
    let name = crate::credential::Name::secret("mail-client").unwrap();
    stage.around.vault.set(&name, "canary-own-secret").unwrap();
}

#[tokio::test]
async fn a_client_asks_once_and_uses_its_token_until_it_ends() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    seal_secret(&stage);
    let source = stage.oauth(&fake.url, own());
    let client = client(CredentialSource::OAuth(source), None);
    for _ in 0..3 {
        call(&client, &fake.url).await.unwrap();
    }
    assert_eq!(fake.told().grants(), ["client_credentials"]);
    let form = fake.told().forms[0].0.clone();
    assert_eq!(form["scope"], "listed");
    assert_eq!(form["client_secret"], "canary-own-secret");
    stage.clock.fetch_add(3_600_000, Ordering::Relaxed);
    call(&client, &fake.url).await.unwrap();
    assert_eq!(fake.told().grants().len(), 2);
    // The first request to the integration is the one that asks for its challenge.
    assert_eq!(fake.told().authorizations[0], "");
    assert!(fake.told().authorizations[1].starts_with("Bearer canary-access-"));
}

#[tokio::test]
async fn the_clients_secret_goes_where_the_server_takes_it() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    seal_secret(&stage);
    fake.told().methods = vec!["client_secret_basic"];
    call(&client(CredentialSource::OAuth(stage.oauth(&fake.url, own())), None), &fake.url).await.unwrap();
    let (form, authorization) = fake.told().forms[0].clone();
    assert!(authorization.starts_with("Basic "));
    assert!(!form.contains_key("client_secret"));
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    seal_secret(&stage);
    let client = client(CredentialSource::OAuth(stage.oauth(&fake.url, own())), None);
    call(&client, &fake.url).await.unwrap();
    let used = fake.told().authorizations[1].strip_prefix("Bearer ").unwrap().to_owned();
    fake.told().revoked.insert(used);
    call(&client, &fake.url).await.unwrap();
    assert_eq!(fake.told().grants().len(), 2);
    fake.told().refuses_all = true;
    let before = fake.told().authorizations.len();
    let error = call(&client, &fake.url).await.unwrap_err();
    said(&error);
    assert!(!missing(&error));
    assert_eq!(fake.told().authorizations.len() - before, 2);
    assert_eq!(fake.told().grants().len(), 3);
}

#[tokio::test]
async fn a_wider_token_is_asked_for_beside_what_there_was_and_not_twice() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    seal_secret(&stage);
    let client = client(CredentialSource::OAuth(stage.oauth(&fake.url, own())), None);
    call(&client, &fake.url).await.unwrap();
    fake.told().needs = ["send".to_owned()].into();
    call(&client, &fake.url).await.unwrap();
    let scopes: Vec<String> = fake.told().forms.iter().map(|(form, _)| form["scope"].clone()).collect();
    assert_eq!(scopes, ["listed", "listed send"]);
    // The server has forgotten what it granted, and asks for the same again.
    let used = fake.told().authorizations.last().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    fake.told().forget(&used);
    let error = call(&client, &fake.url).await.unwrap_err();
    said(&error);
    assert_eq!(fake.told().forms.len(), 2);
}

#[tokio::test]
async fn wider_tokens_are_asked_for_three_times_an_hour_at_most() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    seal_secret(&stage);
    let client = client(CredentialSource::OAuth(stage.oauth(&fake.url, own())), None);
    call(&client, &fake.url).await.unwrap();
    for step in 0..5 {
        fake.told().needs = [format!("scope-{step}")].into();
        assert_eq!(call(&client, &fake.url).await.is_ok(), step < 3, "{step}");
    }
    assert_eq!(fake.told().forms.len(), 4);
    stage.clock.fetch_add(3_600_000, Ordering::Relaxed);
    call(&client, &fake.url).await.unwrap();
}

#[tokio::test]
async fn what_the_operator_wrote_down_is_all_that_is_asked_for() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    seal_secret(&stage);
    let mut oauth = own();
    oauth["scopes"] = json!(["read"]);
    let client = client(CredentialSource::OAuth(stage.oauth(&fake.url, oauth)), None);
    call(&client, &fake.url).await.unwrap();
    fake.told().needs = ["send".to_owned()].into();
    said(&call(&client, &fake.url).await.unwrap_err());
    assert_eq!(fake.told().forms.iter().map(|(form, _)| form["scope"].clone()).collect::<Vec<_>>(), ["read"]);
}

#[tokio::test]
async fn a_statement_about_the_person_is_exchanged_for_their_token() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    let source = stage.oauth(&fake.url, json!({ "grant": "token_exchange", "client_id": "writ" }));
    let source = CredentialSource::OAuth(source);
    assert!(source.is_personal());
    let (ana, ben) = (client(source.clone(), Some("ana")), client(source.clone(), Some("ben")));
    call(&ana, &fake.url).await.unwrap();
    call(&ana, &fake.url).await.unwrap();
    call(&ben, &fake.url).await.unwrap();
    assert_eq!(fake.told().grants(), ["token-exchange", "token-exchange"]);
    let people: Vec<(String, String)> = fake
        .told()
        .forms
        .iter()
        .map(|(form, _)| {
            assert_eq!(form["client_id"], "writ");
            let claims = BASE64.decode(form["subject_token"].split('.').nth(1).unwrap()).unwrap();
            let claims: Json = serde_json::from_slice(&claims).unwrap();
            (claims["sub"].as_str().unwrap().to_owned(), claims["aud"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(people, [("ana".to_owned(), fake.base.clone()), ("ben".to_owned(), fake.base.clone())]);
    let error = call(&client(source, None), &fake.url).await.unwrap_err();
    assert!(missing(&error));
}

#[tokio::test]
async fn a_clients_secret_is_shown_to_one_authorization_server_alone() {
    let (stage, fake, other) = (Stage::new(), Fake::start().await, Fake::start().await);
    seal_secret(&stage);
    call(&client(CredentialSource::OAuth(stage.oauth(&fake.url, own())), None), &fake.url).await.unwrap();
    // The same integration is somewhere else now, and names another server.
    let moved = client(CredentialSource::OAuth(stage.oauth(&other.url, own())), None);
    let text = said(&call(&moved, &other.url).await.unwrap_err());
    assert!(text.contains("another authorization server"), "{text}");
    assert!(other.told().forms.is_empty());
    // What the operator names counts.
    let mut oauth = own();
    oauth["issuer"] = json!(other.base);
    call(&client(CredentialSource::OAuth(stage.oauth(&other.url, oauth)), None), &other.url).await.unwrap();
}

#[tokio::test]
async fn an_authorization_server_that_is_somebody_else_gets_nothing() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    seal_secret(&stage);
    fake.told().issuer = Some("https://evil.example".to_owned());
    let text = said(
        &call(&client(CredentialSource::OAuth(stage.oauth(&fake.url, own())), None), &fake.url).await.unwrap_err(),
    );
    assert!(text.contains("another authorization server"), "{text}");
    assert!(fake.told().forms.is_empty());
}

#[tokio::test]
async fn a_server_that_repeats_the_token_does_not_pass_it_on() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    seal_secret(&stage);
    fake.told().echoes = true;
    let source = stage.oauth(&fake.url, own());
    let client = client(CredentialSource::OAuth(source), None);
    let answer = call(&client, &fake.url).await.unwrap().to_string();
    assert!(!answer.contains(CANARY), "{answer}");
    assert!(!format!("{client:?}").contains(CANARY));
}
