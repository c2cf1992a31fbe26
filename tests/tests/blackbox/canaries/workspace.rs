//! A workspace with one integration for each kind of credential, and a secret planted for each of them.

use std::fs;

use writ_tests::Acme;
use writ_tests::dice::Dice;

use super::canary::{
    self, Canary, ENVIRONMENT_CLIENT, ENVIRONMENT_HEADER, ENVIRONMENT_PROGRAM, FILE_CLIENT, FILE_HEADER, FILE_PROGRAM,
    SEALED_CLIENT, SEALED_HEADER, SEALED_PROGRAM,
};
use super::local_server;

/// The integrations over HTTP, each with its credential.
const CREDENTIALS: [(&str, &str); 7] = [
    ("environment", "{ env: CANARY_HEADER }"),
    ("filed", "{ file: secrets/header, header: X-Api-Key }"),
    ("sealed", "{ sealed: header, header: X-Api-Key }"),
    ("own", "{ oauth: { grant: client_credentials, client_id: writ, client_secret: { env: CANARY_CLIENT } } }"),
    ("configured", "{ oauth: { grant: client_credentials, client_id: writ, client_secret: { sealed: client } } }"),
    ("exchange", "{ oauth: { grant: token_exchange, client_id: writ, client_secret: { file: secrets/client } } }"),
    ("personal", "{ oauth: { grant: person } }"),
];

/// The integration that is a program.
pub(super) const LOCAL: &str = "local";

const LOCAL_FROM: &str = "  stdio:
    command: python3
    args: [local.py]
    secrets:
      FIRST: { env: CANARY_PROGRAM }
      SECOND: { file: secrets/program }
      THIRD: { sealed: program }
";

/// A secret in one of the three places.
enum Place {
    Environment(&'static str),
    File(&'static str),
    Sealed(&'static str),
}

/// Where each secret is planted, and to whom it may be sent.
const PLANTS: [(&str, Place, &[&str]); 9] = [
    (ENVIRONMENT_HEADER, Place::Environment("CANARY_HEADER"), &["sent to environment"]),
    (FILE_HEADER, Place::File("header"), &["sent to filed"]),
    (SEALED_HEADER, Place::Sealed("header"), &["sent to sealed"]),
    (ENVIRONMENT_CLIENT, Place::Environment("CANARY_CLIENT"), &["sent to the authorization server"]),
    (FILE_CLIENT, Place::File("client"), &["sent to the authorization server"]),
    (SEALED_CLIENT, Place::Sealed("client"), &["sent to the authorization server"]),
    (ENVIRONMENT_PROGRAM, Place::Environment("CANARY_PROGRAM"), &[]),
    (FILE_PROGRAM, Place::File("program"), &[]),
    (SEALED_PROGRAM, Place::Sealed("program"), &[]),
];

/// What was planted.
pub(super) struct Planted {
    /// The secrets.
    pub(super) canaries: Vec<Canary>,
    /// The environment of every command.
    pub(super) environment: Vec<(&'static str, String)>,
    /// What is still to be sealed: names and values.
    pub(super) to_seal: Vec<(&'static str, String)>,
}

/// The names of all integrations.
pub(super) fn integrations() -> Vec<&'static str> {
    CREDENTIALS.iter().map(|(name, _)| *name).chain([LOCAL]).collect()
}

/// Writes definitions, policies and secrets into a workspace.
pub(super) fn plant(acme: &Acme, base: &str) -> Planted {
    for (name, credential) in CREDENTIALS {
        let from = format!("  http:\n    url: {base}/{name}/mcp\n    credential: {credential}\n");
        define(acme, name, &from);
    }
    define(acme, LOCAL, LOCAL_FROM);
    local_server::write(acme);
    fs::write(acme.file("missions/canaries.yaml"), mission()).unwrap();
    append(acme, "policy/entitlements.cedar", &entitlements());
    append(acme, "policy/approvals.cedar", &approvals());
    fs::create_dir(acme.file("secrets")).unwrap();
    let mut dice = Dice::new(0x0005_ec2e);
    let mut planted = Planted { canaries: Vec::new(), environment: Vec::new(), to_seal: Vec::new() };
    for (kind, place, sent_to) in PLANTS {
        let value = canary::text(&mut dice);
        let file;
        let mut may_stand = sent_to.to_vec();
        match place {
            Place::Environment(name) => planted.environment.push((name, value.clone())),
            Place::Sealed(name) => planted.to_seal.push((name, value.clone())),
            Place::File(name) => {
                fs::write(acme.file(&format!("secrets/{name}")), format!("{value}\n")).unwrap();
                file = format!("file acme/secrets/{name}");
                may_stand.push(&file);
            }
        }
        planted.canaries.push(Canary::new(kind, &value, &may_stand));
    }
    planted
}

/// Lets an integration whose server cannot be asked yet be planned from what another one was pinned as.
pub(super) fn pin_like(acme: &Acme, integration: &str, other: &str) {
    let snapshot = acme.text(&format!("integrations/{other}.pinned.json"));
    let (from, to) = (format!("\"integration\": \"{other}\""), format!("\"integration\": \"{integration}\""));
    assert!(snapshot.contains(&from), "{snapshot}");
    fs::write(acme.file(&format!("integrations/{integration}.pinned.json")), snapshot.replace(&from, &to)).unwrap();
}

fn define(acme: &Acme, name: &str, from: &str) {
    let tools = "tools:\n  look:\n    class: read\n  tell:\n    class: effect\n    profile: keyed\n";
    let text = format!("integration: {name}\nfrom:\n{from}{tools}");
    fs::write(acme.file(&format!("integrations/{name}.yaml")), text).unwrap();
}

fn mission() -> String {
    let acts: Vec<String> = integrations()
        .iter()
        .map(|name| {
            format!(
                "  - tool: {name}.look\n    when: \"true\"\n  - tool: {name}.tell\n    when: \"true\"\n    need: {{ \
                 approvals: 1, within: 4h }}\n"
            )
        })
        .collect();
    format!(
        "mission: canaries\npurpose: Uses every integration.\nworker: support-desk\nact:\n{}verdict: {{ type: object \
         }}\nlimits: {{ for: 30m, reads: 500, rows: 100, proposals: 50 }}\n",
        acts.concat()
    )
}

fn entitlements() -> String {
    let actions: Vec<String> = integrations()
        .iter()
        .flat_map(|name| [format!("Action::\"{name}.look\""), format!("Action::\"{name}.tell\"")])
        .collect();
    format!(
        "\n@id(\"agents-start-canaries\")\npermit (principal in Group::\"support\", action == Action::\"start\", \
         resource)\nwhen {{ resource == Mission::\"canaries\" }};\n\n@id(\"agents-use-every-integration\")\npermit \
         (principal in Group::\"support\", action in [{}], resource is Tool);\n",
        actions.join(", ")
    )
}

fn approvals() -> String {
    let actions: Vec<String> = integrations().iter().map(|name| format!("Action::\"decide:{name}.tell\"")).collect();
    format!(
        "\n@id(\"leads-decide-everything\")\npermit (principal in Group::\"support-leads\", action in [{}], resource \
         is Tool);\n",
        actions.join(", ")
    )
}

fn append(acme: &Acme, path: &str, text: &str) {
    fs::write(acme.file(path), acme.text(path) + text).unwrap();
}
