//! Writ as a client: the suite plays an integration's server, and starts the driver, which starts Writ.

use super::driver::COMMAND;
use super::outcome::Outcome;
use super::sets::Set;
use super::suite::{Suite, Target};

/// Runs scenarios, one after another: each starts a server of its own, and some of them measure time.
pub(super) async fn play(suite: &Suite, set: Set, scenarios: &[String]) -> Result<Vec<Outcome>, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program does not know its place: {error}"))?;
    let program = program.to_str().ok_or("this program's path is no UTF-8")?;
    if program.contains(|character: char| character.is_whitespace() || "\"'$`\\;&|<>()".contains(character)) {
        return Err(format!("the suite starts clients by a shell, which would misread `{program}`"));
    }
    let command = format!("{program} {COMMAND}");
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let mut outcomes = Vec::new();
    for (number, scenario) in scenarios.iter().enumerate() {
        let folder = folder.path().join(format!("results-{number}"));
        outcomes.push(suite.run(scenario, set.revision(), Target::Client(&command), &folder).await?);
    }
    Ok(outcomes)
}
