//! What outsiders can hand to Writ, taken in as Writ takes it in: one function for each kind of input.
//!
//! Every function accepts any bytes and returns. That something panics, overflows, or breaks one of the assertions
//! here is a fault of the product. `cargo fuzz` looks for such inputs for as long as one likes; the test `replay`
//! puts the corpus and a fixed number of mutations of it through the same functions in every run of the tests.

pub mod corpus;
pub mod mutation;

use serde_json::{Map, Value as Json};
use writ_core::definition::{Config, Integration, MissionDefinition, People, Source, parse_yaml};
use writ_core::digest::{Digest, call_digest};
use writ_core::value::{Type, Value};
#[cfg(feature = "engine")]
use writ_engine::token::{Audience, TokenKey};
#[cfg(feature = "engine")]
use writ_knowledge::{Catalog, Fact};
use writ_trail::bundle::{self, Proof};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::note::Signer;

/// One kind of input.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is also its folder's in the corpus.
    pub name: &'static str,
    /// Takes an input in.
    pub take: fn(&[u8]),
}

/// All kinds of input.
pub const TARGETS: &[Target] = &[
    Target { name: "worker_message", take: worker_message },
    Target { name: "upstream_message", take: upstream_message },
    Target { name: "definition_yaml", take: definition_yaml },
    #[cfg(feature = "engine")]
    Target { name: "sql_statement", take: sql_statement },
    #[cfg(feature = "engine")]
    Target { name: "token", take: token },
    Target { name: "trail_export", take: trail_export },
];

/// The secret bytes of the keys that are used here.
const KEY: [u8; 32] = [7; 32];

/// A message of a worker: the protocol's own form, and the digest by which a repeated call is known.
pub fn worker_message(data: &[u8]) {
    let _ = serde_json::from_slice::<rmcp::model::ClientJsonRpcMessage>(data);
    let Ok(message) = serde_json::from_slice::<Json>(data) else { return };
    let Some(Json::Object(arguments)) = message.pointer("/params/arguments") else { return };
    // The same call, written again, must have the same digest, or it would be proposed twice.
    let again = serde_json::from_str::<Map<String, Json>>(&Json::Object(arguments.clone()).to_string());
    let digest = |arguments: &Map<String, Json>| call_digest("shop", "pay", arguments).ok();
    assert_eq!(again.ok().map(|again| digest(&again)), Some(digest(arguments)), "a call written again is another one");
}

/// A message of an integration: the protocol's own form, the digest of a tool's definition, the types of its schemas,
/// and a result read by such a type.
pub fn upstream_message(data: &[u8]) {
    let _ = serde_json::from_slice::<rmcp::model::ServerJsonRpcMessage>(data);
    let Ok(message) = serde_json::from_slice::<Json>(data) else { return };
    let tools = message.pointer("/result/tools").and_then(Json::as_array).into_iter().flatten();
    for tool in tools {
        let written = serde_json::from_str::<Json>(&tool.to_string()).ok();
        let pins = (Digest::of_json(tool).ok(), written.and_then(|tool| Digest::of_json(&tool).ok()));
        assert_eq!(pins.0, pins.1, "a definition written again has another digest");
        for schema in ["inputSchema", "outputSchema"].iter().filter_map(|name| tool.get(name)) {
            let Some(ty) = Type::from_json_schema(schema) else { continue };
            let value = message.pointer("/result/structuredContent").unwrap_or(tool);
            if let Ok(value) = Value::from_json(value, &ty) {
                let read_again = Value::from_json(&value.to_json(), &ty);
                assert_eq!(read_again.as_ref(), Ok(&value), "a value written again is another one");
            }
        }
    }
}

/// A file of a workspace folder.
pub fn definition_yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(mission) = parse_yaml::<MissionDefinition>("missions/fuzzed.yaml", text) {
        let (version, policies) = (mission.version(), mission.policies());
        let statements: String = mission.statements().into_iter().map(|statement| statement.text).collect();
        assert_eq!((version, policies), (mission.version(), statements), "one mission is compiled in two ways");
    }
    let _ = parse_yaml::<Integration>("integrations/fuzzed.yaml", text);
    let _ = parse_yaml::<Source>("sources/fuzzed.yaml", text);
    let _ = parse_yaml::<People>("people.yaml", text);
    let _ = parse_yaml::<Config>("writ.yaml", text);
}

/// A statement, as far as it is looked at before any data is: inspected, planned, typed.
#[cfg(feature = "engine")]
pub fn sql_statement(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parameters = [("input.id".to_owned(), Type::String), ("input.amount".to_owned(), Type::Decimal)];
    if let Ok(fact) = Fact::compile(text, &Catalog::default(), &parameters) {
        assert!(fact.tables().is_empty(), "a statement reads a table that there is not");
    }
}

/// A token: only what this key has issued is accepted.
#[cfg(feature = "engine")]
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let key = TokenKey::new(KEY);
    for audience in [Audience::Run, Audience::Api, Audience::Console, Audience::SignIn] {
        if let Ok(claims) = key.verify(text, audience, 0) {
            assert_eq!(claims.aud, audience, "a token is taken for another kind");
            assert_eq!(key.issue(&claims), text, "a token is accepted that was never issued");
        }
    }
}

/// A text that is handed over as a part of the trail: a proof, a checkpoint.
pub fn trail_export(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(proof) = Proof::parse(text) {
        assert_eq!(Proof::parse(&proof.to_text()), Ok(proof), "a proof written again is another one");
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.text(), text, "a checkpoint has two texts");
    }
    if let Ok(signer) = Signer::new("fuzzed.example/log", &KEY) {
        let log = signer.verifier();
        let _ = bundle::verify(text, &log);
        let _ = Checkpoint::open(text, &log);
    }
}
