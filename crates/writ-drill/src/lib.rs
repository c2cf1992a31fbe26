//! The drill: what Writ promises, tried out on an operator's own workspace.
//!
//! [`drill`] runs a catalogue of guarantees. Each gets a store of its own in a temporary folder, the real engine under
//! a clock that the drill moves, the operator's own policies, missions and people, the operator's own sources for
//! reading, and stub integrations that keep a ledger of what they were sent. What was seen is then put to pure checks
//! (`judge`), which can fail.
//!
//! Architecture invariants: no integration of the operator's is contacted, no key or credential of theirs is read, and
//! nothing is written outside the temporary folder. A guarantee that cannot be tried is said to be not applicable, with
//! the reason; it never passes.

mod catalogue;
mod definitions;
mod exercise;
mod file;
mod ground;
mod judge;
mod search;
mod site;
mod sql;
mod stub;

use serde::Serialize;
use writ_core::definition::Problem;
use writ_engine::workspace::Workspace;

pub use catalogue::{CATALOGUE, Guarantee};
pub use stub::Sabotage;

use file::DrillFile;
use judge::Stop;
use site::{Prepared, Site};

/// What came of one guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was tried, and holds.
    Pass,
    /// It was tried, and does not hold.
    Fail,
    /// It could not be tried here.
    NotApplicable,
}

/// What came of one guarantee, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The guarantee's name.
    pub guarantee: &'static str,
    /// The invariant of `ARCHITECTURE.md` that it rests on, in its words there.
    pub invariant: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What was tried and holds; what was seen instead; or why it could not be tried.
    pub why: String,
}

/// How many guarantees came out how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// All of them.
    pub guarantees: usize,
    /// Those that hold.
    pub passed: usize,
    /// Those that do not.
    pub failed: usize,
    /// Those that could not be tried.
    pub not_applicable: usize,
}

impl Summary {
    /// Whether everything that was tried holds, and something was tried: a drill of nothing is no good news.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    fn count(&mut self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Pass => &mut self.passed,
            Outcome::Fail => &mut self.failed,
            Outcome::NotApplicable => &mut self.not_applicable,
        };
        *counter = counter.saturating_add(1);
        self.guarantees = self.guarantees.saturating_add(1);
    }
}

/// Why there was no drill.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The definitions, or `drill.yaml`, are wrong.
    #[error("the workspace has {} problems", .0.len())]
    Problems(Vec<Problem>),
    /// There is no temporary folder to work in.
    #[error("the temporary folder")]
    Scratch(#[source] std::io::Error),
}

/// Tries every guarantee of the [`CATALOGUE`], in its order, and tells of each as soon as it is known.
///
/// `sabotage` breaks what the drill looks at, so that a test can see that it looks; anybody else says
/// [`Sabotage::Nothing`].
///
/// # Errors
/// [`DrillError`], before the first guarantee is told of.
pub async fn drill(
    workspace: &Workspace,
    sabotage: Sabotage,
    mut told: impl FnMut(&Finding),
) -> Result<Summary, DrillError> {
    let file = DrillFile::load(&workspace.folder).map_err(|problem| DrillError::Problems(vec![problem]))?;
    let scratch = tempfile::Builder::new().prefix("writ-drill-").tempdir().map_err(DrillError::Scratch)?;
    let prepared = Site::prepare(workspace, &file, scratch.path(), sabotage).await?;
    let mut summary = Summary::default();
    for guarantee in CATALOGUE {
        let tried = match &prepared {
            Prepared::Ready(site) => (guarantee.exercise)(site).await,
            Prepared::Unreachable(why) => Err(Stop::NotApplicable(why.clone())),
        };
        let (outcome, why) = match tried {
            Ok(()) => (Outcome::Pass, guarantee.says.to_owned()),
            Err(Stop::Failed(why)) => (Outcome::Fail, why),
            Err(Stop::NotApplicable(why)) => (Outcome::NotApplicable, why),
        };
        let finding = Finding { guarantee: guarantee.name, invariant: guarantee.invariant, outcome, why };
        summary.count(outcome);
        told(&finding);
    }
    Ok(summary)
}
