//! Fixed secrets: where they are found, and that they go into a header and nowhere else.

use serde_json::json;

use super::fake::Fake;
use super::{CANARY, Stage, call, client, said};
use crate::credential::{CredentialSource, Name};

#[tokio::test]
async fn a_secret_is_sent_in_its_header_and_repeated_nowhere() {
    let (stage, fake) = (Stage::new(), Fake::start().await);
    stage.around.vault.set(&Name::secret("mail").unwrap(), "canary-fixed").unwrap();
    let source = stage.source(&fake.url, json!({ "sealed": "mail" })).unwrap();
    assert!(!source.is_personal());
    assert!(!format!("{source:?}").contains(CANARY), "{source:?}");
    // The fake knows no such token: it refuses, and repeats what it was sent.
    let error = call(&client(source, None), &fake.url).await.unwrap_err();
    said(&error);
    assert_eq!(fake.told().authorizations, ["Bearer canary-fixed"]);
}

#[test]
fn a_secret_is_found_where_the_definition_says() {
    let stage = Stage::new();
    let url = "https://mail.example/mcp";
    std::fs::write(stage.folder.path().join("token"), "canary-file\n").unwrap();
    let source = stage.source(url, json!({ "file": "token", "header": "X-Api-Key" })).unwrap();
    let CredentialSource::Header { name, value } = source else { panic!("a header") };
    assert_eq!((name.as_str(), value.expose()), ("x-api-key", "canary-file"));
}

#[test]
fn what_is_missing_is_named_and_never_a_value() {
    let stage = Stage::new();
    let url = "https://mail.example/mcp";
    let folder = stage.folder.path();
    std::fs::write(folder.join("token"), "canary-file").unwrap();
    std::fs::write(folder.join("two-lines"), "canary-one\ncanary-two").unwrap();
    std::fs::write(folder.join("empty"), "\n").unwrap();
    let cases = [
        (json!({ "sealed": "mail" }), "writ credential set"),
        (json!({ "sealed": "a b" }), "name"),
        (json!({ "file": "nowhere" }), "nowhere"),
        (json!({ "file": "empty" }), "empty"),
        (json!({ "file": "two-lines" }), "header"),
        (json!({ "env": "WRIT_TEST_NO_SUCH_VARIABLE" }), "WRIT_TEST_NO_SUCH_VARIABLE"),
        (json!({}), "one place"),
        (json!({ "file": "token", "env": "PATH" }), "one place"),
        (json!({ "file": "token", "header": "a b" }), "name"),
        (json!({ "file": "token", "header": "Host" }), "protocol"),
        (json!({ "file": "token", "oauth": { "grant": "person" } }), "not both"),
        (json!({ "oauth": { "grant": "client_credentials", "client_id": "writ" } }), "client_secret"),
        (json!({ "oauth": { "grant": "token_exchange" } }), "client_id"),
        (json!({ "oauth": { "grant": "person", "client_secret": { "file": "token" } } }), "client_id"),
        (json!({ "oauth": { "grant": "person", "issuer": "nonsense" } }), "issuer"),
    ];
    for (credential, word) in cases {
        let error = stage.source(url, credential.clone()).unwrap_err();
        assert!(error.contains(word), "{credential}: {error}");
        assert!(!error.contains(CANARY), "{credential}: {error}");
    }
    let error = stage.source("ftp://mail.example", json!({ "oauth": { "grant": "person" } })).unwrap_err();
    assert!(error.contains("address"), "{error}");
}
