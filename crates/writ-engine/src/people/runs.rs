//! Runs and their rails, as people see them.

use std::sync::Arc;

use writ_core::code::{Code, Refusal};
use writ_core::run::Run;

use crate::engine::Engine;
use crate::executor::unreadable;
use crate::view::{PersonAccess, Rail, RunView};

const RAIL_EVENTS_MAX: usize = 1000;
const RUNS_MAX: usize = 200;

impl Engine {
    /// The latest runs that the person may see, newest first.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`].
    pub async fn runs(&self, who: &PersonAccess, limit: usize) -> Result<Vec<RunView>, Refusal> {
        let mut views = Vec::new();
        for run in self.store.runs(limit.min(RUNS_MAX)).map_err(unreadable)? {
            if self.may_see_run(who, &run).await {
                views.push(self.run_view(&run));
            }
        }
        Ok(views)
    }

    /// One run.
    ///
    /// # Errors
    /// [`Code::RunNotOpen`] where there is none, or none that this person may see.
    pub async fn run(&self, who: &PersonAccess, id: &str) -> Result<RunView, Refusal> {
        let run = self.visible_run(who, id).await?;
        Ok(self.run_view(&run))
    }

    /// A run's events from a sequence number on, oldest first: the Explain rail.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn rail(&self, who: &PersonAccess, run: &str, from: u64, limit: usize) -> Result<Rail, Refusal> {
        self.visible_run(who, run).await?;
        let events = self.store.rail(run, from, limit.min(RAIL_EVENTS_MAX)).map_err(unreadable)?;
        let next = events.last().map_or(from, |event| event.seq.saturating_add(1));
        Ok(Rail { events, next })
    }

    pub(crate) async fn visible_run(&self, who: &PersonAccess, id: &str) -> Result<Arc<Run>, Refusal> {
        let unknown = || Refusal::new(Code::RunNotOpen, format!("there is no run `{id}` that you may see"));
        let run = self.store.run(id).map_err(unreadable)?.ok_or_else(unknown)?;
        if self.may_see_run(who, &run).await { Ok(run) } else { Err(unknown()) }
    }

    async fn may_see_run(&self, who: &PersonAccess, run: &Run) -> bool {
        let own = run.start.person == who.person || run.start.started_by == who.person;
        own || self.may_on_mission(who, "see", &run.start.mission).await
    }

    fn run_view(&self, run: &Arc<Run>) -> RunView {
        let mission = self.mission_version(&run.start.mission_version.to_string());
        let purpose = mission.map(|mission| mission.definition.purpose.clone()).unwrap_or_default();
        RunView { run: Run::clone(run), purpose }
    }
}
