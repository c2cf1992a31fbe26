//! Definitions that a running server cannot take up: what needs another connection, or another `writ.yaml`, is refused
//! as a whole. An integration that is gone is let go.

use std::fs;
use std::sync::Arc;

use writ_core::definition::Problem;
use writ_engine::StartError;
use writ_engine::upstream::ServerDescription;

use crate::desk::{Desk, Site, T0};

const PAY: &str = "integrations/pay.yaml";
const MAIL: &str = "integrations/mail.yaml";

/// A site with a second integration, of which nothing is named.
fn with_mail() -> Arc<Site> {
    let site = Site::new();
    site.upstream.offer("mail", ServerDescription { server: "mail 1.0".to_owned(), ..ServerDescription::default() });
    fs::write(site.path().join(MAIL), "integration: mail\nfrom: { http: { url: \"https://mail.example\" } }\n")
        .unwrap();
    site
}

async fn refused(desk: &Desk) -> Vec<Problem> {
    match desk.engine.reload(desk.site.path()).await {
        Err(StartError::Problems(problems)) => problems,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn another_connection_or_configuration_needs_a_restart_and_nothing_else_comes_into_force_with_it() {
    let desk = Desk::at(with_mail(), T0).await;
    let epoch = desk.engine.health().await.epoch;
    for (file, from, to, named) in [
        (PAY, "command: pay", "command: swordfish", "`from.stdio.command` of integration `pay`"),
        (PAY, "command: pay", "command: pay\n    args: [swordfish]", "`from.stdio.args` of integration `pay`"),
        (PAY, "command: pay", "command: pay\n    env: { A: swordfish }", "`from.stdio.env` of integration `pay`"),
        (PAY, "command: pay", "command: pay\n    secrets: { A: { env: swordfish } }", "`from.stdio.secrets`"),
        (PAY, "stdio:\n    command: pay", "http:\n    url: \"https://swordfish\"", "`from` of integration `pay`"),
        (PAY, "tools:", "limits: { calls_in_flight: 7 }\ntools:", "`limits` of integration `pay`"),
        (PAY, "tools:", "asks: [roots]\nlimits: { answer: 7s }\ntools:", "`limits`, `asks` of integration `pay`"),
        (MAIL, "mail.example", "swordfish.example", "`from.http.url` of integration `mail`"),
        (
            MAIL,
            "example\"",
            "example\", credential: { env: swordfish }",
            "`from.http.credential` of integration `mail`",
        ),
        (MAIL, "integration: mail", "integration: post", "integration `post` is new"),
        ("writ.yaml", "test.example/desk", "test.example/desk, reads: buffered", "`trail` changed"),
        ("writ.yaml", "trail:", "hosts: [swordfish]\ndata: elsewhere\ntrail:", "`data`, `hosts` changed"),
    ] {
        // What would hold by itself does not hold in this company.
        desk.site.edit("policy/guardrails.cedar", "otherwise-allowed", "otherwise-let-through");
        desk.site.edit(file, from, to);
        let problems = refused(&desk).await;
        let [problem] = problems.as_slice() else { panic!("one problem: {problems:?}") };
        let said = problem.to_string();
        assert_eq!(problem.file, file);
        assert!(said.contains(named) && said.contains("restart"), "{said}");
        assert!(!said.contains("swordfish"), "what it has changed to is not told: {said}");
        assert_eq!(desk.engine.health().await.epoch, epoch, "{named}");
        desk.site.edit(file, to, from);
        desk.site.edit("policy/guardrails.cedar", "otherwise-let-through", "otherwise-allowed");
    }
    assert_eq!(desk.upstream().retained(), None);
    desk.reload().await;
    assert_eq!(desk.engine.health().await.epoch, epoch + 1);
}

#[tokio::test]
async fn what_needs_no_other_connection_holds() {
    let site = with_mail();
    site.edit(PAY, "tools:", "asks: [roots, sampling]\ntools:");
    let desk = Desk::at(site, T0).await;
    // Less may be asked, and as much as before.
    desk.site.edit(PAY, "[roots, sampling]", "[roots]");
    desk.site.edit(PAY, "class: read", "class: read\n    labels: [outside]");
    desk.reload().await;
    desk.site.edit(PAY, "[roots]", "[sampling, roots]");
    desk.reload().await;
    assert_eq!(desk.upstream().retained().unwrap(), ["mail", "pay"]);
    // An integration that is taken out is let go, and may come back as it was.
    let definition = fs::read_to_string(desk.site.path().join(MAIL)).unwrap();
    fs::remove_file(desk.site.path().join(MAIL)).unwrap();
    desk.reload().await;
    assert_eq!(desk.upstream().retained().unwrap(), ["pay"]);
    fs::write(desk.site.path().join(MAIL), definition).unwrap();
    desk.reload().await;
    assert_eq!(desk.upstream().retained().unwrap(), ["mail", "pay"]);
}
