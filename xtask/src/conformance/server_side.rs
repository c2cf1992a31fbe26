//! Writ as a server: the suite plays the client of a worker, the fixture is the integration behind.

use std::sync::Arc;

use serde_json::{Value, json};

use super::approver::approve_all;
use super::fixture::Fixture;
use super::outcome::Outcome;
use super::proxy::Proxy;
use super::sets::Set;
use super::suite::{Suite, Target};
use super::workspace::{self, APPROVER, MISSION, PERSON};
use crate::command::binary;
use crate::tau::client::Writ;
use crate::tau::server::{self, Server};

/// Runs scenarios, one after another, against one server.
pub(super) async fn play(suite: &Suite, set: Set, scenarios: &[String]) -> Result<Vec<Outcome>, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let desk = folder.path().join("desk");
    let fixture = Fixture::start().await?;
    workspace::write(&desk, &workspace::of_fixture(&fixture.offers, set.is_gated()))?;

    let program = binary("writ")?;
    let server = Server::start(&program, &desk, folder.path().join("writ.log")).await?;
    let played = async {
        let person = server::token(&program, &desk, PERSON).await?;
        let writ = Arc::new(Writ::at(server.address())?);
        let proxy = Proxy::open(server.address(), start(&writ, &person).await?).await?;
        let approver = if set.is_gated() {
            let token = server::token(&program, &desk, APPROVER).await?;
            Some(tokio::spawn(approve_all(Arc::clone(&writ), token)))
        } else {
            None
        };
        let mut outcomes = Vec::new();
        for (number, scenario) in scenarios.iter().enumerate() {
            if set.is_gated() && number > 0 {
                // A call that was decided in one run is answered in that run; each scenario is to begin afresh.
                proxy.carry(start(&writ, &person).await?);
            }
            let folder = folder.path().join(format!("results-{number}"));
            outcomes.push(suite.run(scenario, set.revision(), Target::Server(&proxy.url()), &folder).await?);
        }
        if let Some(approver) = approver {
            approver.abort();
        }
        Ok::<_, String>(outcomes)
    };
    let outcomes = played.await.map_err(|error| server.explain(&error))?;
    server.stop().await?;
    fixture.stop().await?;
    Ok(outcomes)
}

/// Starts a run, and gives its worker's token.
async fn start(writ: &Writ, person: &str) -> Result<String, String> {
    let started = writ.post(person, "/api/runs", &json!({ "mission": MISSION, "params": {} })).await?;
    let token = started.get("token").and_then(Value::as_str).ok_or("the started run has no `token`")?;
    Ok(token.to_owned())
}
