//! `writ schema`: the published form of every kind of definition file.

use std::path::Path;

use serde_json::Value as Json;
use writ_tests::{Acme, program};

const KINDS: [(&str, &str); 5] = [
    ("config", "writ.yaml"),
    ("integration", "integrations/shop.yaml"),
    ("mission", "missions/refund.yaml"),
    ("people", "people.yaml"),
    ("source", "sources/shop.yaml"),
];

#[tokio::test]
async fn every_kind_of_file_has_a_schema_that_knows_the_example() {
    let acme = Acme::plain();
    for (kind, file) in KINDS {
        let text = program::writ(&["schema", kind]).await.ok();
        let schema: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(schema["type"], "object", "{kind}");
        assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"), "{kind}");
        assert_eq!(schema["additionalProperties"], false, "an unknown key of {kind} is shown by editors as well");
        let properties = schema["properties"].as_object().unwrap();
        assert!(properties.values().all(|property| property.is_object()), "{kind}");
        for key in top_keys(&acme.file(file)) {
            assert!(properties.contains_key(&key), "`{key}` of {file} is not in the schema of {kind}");
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(properties.contains_key(required.as_str().unwrap()), "{kind}: {required}");
        }
    }
}

#[tokio::test]
async fn a_kind_that_does_not_exist_is_answered_with_those_that_do() {
    let said = program::writ(&["schema", "policy"]).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    for (kind, _) in KINDS {
        assert!(said.stderr.contains(kind), "{}", said.stderr);
    }
}

/// The keys that stand at the beginning of a line.
fn top_keys(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let keys = text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    keys.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
}
