//! `writ check`: everything that can be found wrong before a worker starts.

use std::path::Path;

use writ_core::definition::Problem;
use writ_knowledge::Knowledge;

use super::Workspace;
use crate::engine::{Current, describe_all};
use crate::epoch::Epoch;
use crate::upstream::Upstream;

/// Checks a workspace folder against its real sources and tools.
///
/// # Errors
/// All problems, where at least one is an error; otherwise the warnings.
pub async fn check(workspace: &Workspace, upstream: &dyn Upstream) -> Result<Vec<Problem>, Vec<Problem>> {
    assemble(workspace, upstream, 0).await.map(|(_, warnings)| warnings)
}

/// Opens the sources, asks the servers, and makes an epoch of it all.
pub(crate) async fn assemble(
    workspace: &Workspace,
    upstream: &dyn Upstream,
    number: u64,
) -> Result<(Current, Vec<Problem>), Vec<Problem>> {
    let sources: Vec<_> = workspace.sources.iter().map(|defined| defined.value.clone()).collect();
    let knowledge = Knowledge::open(Path::new(&workspace.folder), &sources)
        .map_err(|error| vec![placed(workspace, &error.to_string())])?;
    let servers = describe_all(workspace, upstream).await;
    let (epoch, mut warnings) = Epoch::build(workspace, knowledge.catalog(), &servers)?;
    let people = &epoch.people;
    for name in people.attributes.keys() {
        // One person stands for all: the query is the same but for the id.
        let Some(person) = people.people.keys().next() else { break };
        if let Err(refusal) = crate::people::attribute(people, &knowledge, name, person).await {
            let problem = Problem::error(
                &workspace.people.file,
                format!("attribute `{name}`: {refusal}"),
                "write one SELECT of one column, with `$person`",
            );
            return Err(vec![problem.at_text(&workspace.people.text, "attributes", name)]);
        }
    }
    warnings.sort_by(|left, right| (&left.file, left.line).cmp(&(&right.file, right.line)));
    Ok((Current { number, epoch, knowledge }, warnings))
}

/// A source's problem at the file that is about it: the one that names what the message names.
fn placed(workspace: &Workspace, message: &str) -> Problem {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let names: Vec<&str> = quoted.iter().flat_map(|name| name.split('.')).collect();
    let source = workspace.sources.iter().find(|defined| names.contains(&defined.value.source.as_str()));
    match source {
        Some(defined) => {
            let needle =
                names.iter().rev().find(|name| **name != defined.value.source && defined.text.contains(**name));
            let problem =
                Problem::error(&defined.file, message, "correct the source's definition, or the data that it names");
            problem.at_text(&defined.text, "", needle.copied().unwrap_or(&defined.value.source))
        }
        None => Problem::error("sources", message, "correct the source's definition, or the data that it names"),
    }
}
