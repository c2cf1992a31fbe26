//! Finding examples that work: who can start a mission with which parameters, which arguments are permitted, and who may
//! approve them.
//!
//! `drill.yaml` comes first. What it does not say is tried: people against missions, with parameters from the rows that
//! each person may read, and arguments that the narrowed schema suggests. Whether something works is what the engine
//! says.

mod arguments;
mod hints;

use serde_json::{Map, Value as Json};
use writ_core::definition::{Act, MissionDefinition, ToolClass};

use crate::file::{DrillFile, Given};
use crate::ground::{Ground, NoGround, Running};
use crate::judge::Stop;
use crate::site::{Effect, Site, Start};
use hints::Values;

/// How many people are tried for a mission.
pub(crate) const PEOPLE_MAX: usize = 100;

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) starts: Vec<Start>,
    pub(crate) effects: Vec<Effect>,
    /// What was not found, and why.
    pub(crate) notes: Vec<String>,
}

/// Finds examples for every mission.
pub(crate) async fn examples(site: &Site, file: &DrillFile) -> Result<Found, NoGround> {
    let ground = site.open(|_| {}).await?;
    let values = hints::values(site, file).await;
    let mut search = Search { site, ground, found: Found::default() };
    for defined in &site.workspace().missions {
        search.mission(&defined.value, file, &values).await;
    }
    for given in &file.examples {
        if !site.workspace().missions.iter().any(|defined| defined.value.mission == given.mission) {
            search.found.notes.push(format!("drill.yaml names mission `{}`, which is not there", given.mission));
        }
    }
    Ok(search.found)
}

struct Search<'a> {
    site: &'a Site,
    ground: Ground,
    found: Found,
}

impl Search<'_> {
    async fn mission(&mut self, mission: &MissionDefinition, file: &DrillFile, values: &Values) {
        let name = &mission.mission;
        let mut start = None;
        for given in file.examples.iter().filter(|given| given.mission == *name) {
            match self.given(mission, given).await {
                Ok(works) => start = start.or(Some(works)),
                Err(why) => self.found.notes.push(format!("the example for mission `{name}`: {why}")),
            }
        }
        let start = match start {
            Some(start) => Some(start),
            None => self.searched(mission, values).await,
        };
        let Some(start) = start else {
            return self.found.notes.push(format!("no example for mission `{name}`; write drill.yaml"));
        };
        for act in &mission.act {
            let Some(tool) = act.tool.as_deref().filter(|tool| self.is_missing(name, tool)) else { continue };
            if let Err(why) = self.suggested(&start, act, tool).await {
                let note = format!("no example for `{tool}` in mission `{name}` ({why}); write drill.yaml");
                self.found.notes.push(note);
            }
        }
        self.found.starts.push(start);
    }

    /// Whether a tool is an effect of which there is no example in this mission yet.
    fn is_missing(&self, mission: &str, tool: &str) -> bool {
        let is_effect = self.site.classified(tool).is_some_and(|tool| tool.class == ToolClass::Effect);
        let known = |effect: &Effect| effect.tool == tool && effect.start.mission.mission == mission;
        is_effect && !self.found.effects.iter().any(known)
    }

    /// An example of `drill.yaml`.
    async fn given(&mut self, mission: &MissionDefinition, given: &Given) -> Result<Start, String> {
        let (person, params) = (given.person.clone(), given.params.clone());
        let start = Start { mission: mission.clone(), person, params };
        let Some(tool) = &given.tool else {
            let run = self.started(&start).await?;
            self.end(&run).await;
            return Ok(start);
        };
        let act = mission.act.iter().find(|act| act.tool.as_ref() == Some(tool));
        let act = act.ok_or_else(|| format!("the mission has no tool `{tool}`"))?;
        let run = self.started(&start).await?;
        let approver = given.approver.as_deref();
        let tried = self.effect(&run, &start, act, tool, given.arguments.clone(), approver).await;
        self.end(&run).await;
        self.found.effects.push(tried?);
        Ok(start)
    }

    /// Arguments that the narrowed schema suggests.
    async fn suggested(&mut self, start: &Start, act: &Act, tool: &str) -> Result<(), String> {
        let run = self.started(start).await?;
        let exposed = exposed(act, tool);
        let tools = self.ground.engine.worker_tools(&run.access).await.map_err(|refusal| refusal.to_string())?;
        let schema = tools.iter().find(|known| known.name == exposed).map(|known| &known.input_schema);
        let tried = match schema {
            Some(schema) => self.effect(&run, start, act, tool, arguments::suggested(schema), None).await,
            None => Err("it is in quarantine".to_owned()),
        };
        self.end(&run).await;
        self.found.effects.push(tried?);
        Ok(())
    }

    /// People against parameters, until somebody can start the mission.
    async fn searched(&self, mission: &MissionDefinition, values: &Values) -> Option<Start> {
        let people = &self.site.workspace().people.value.people;
        for person in people.iter().filter(|(_, definition)| !definition.disabled).map(|(id, _)| id).take(PEOPLE_MAX) {
            for params in values.of(mission, person) {
                let start = Start { mission: mission.clone(), person: person.clone(), params };
                if let Ok(run) = self.started(&start).await {
                    self.end(&run).await;
                    return Some(start);
                }
            }
        }
        None
    }

    async fn started(&self, start: &Start) -> Result<Running, String> {
        match self.ground.try_start(&start.person, start.request()).await {
            Ok(Ok(run)) => Ok(run),
            Ok(Err(said)) => Err(format!("its start is refused: {}", said.content)),
            Err(Stop::Failed(why) | Stop::NotApplicable(why)) => Err(why),
        }
    }

    /// Ends a run, which takes its proposals back and frees their effect keys.
    async fn end(&self, run: &Running) {
        _ = self.ground.stop(run).await;
    }

    /// Whether a call is permitted, and who may approve it.
    async fn effect(
        &self,
        run: &Running,
        start: &Start,
        act: &Act,
        tool: &str,
        arguments: Map<String, Json>,
        approver: Option<&str>,
    ) -> Result<Effect, String> {
        let exposed = exposed(act, tool);
        let said = self.ground.call(run, &exposed, &arguments).await;
        let id = said.pending().ok_or_else(|| format!("its call is not permitted: {}", said.content))?;
        let known = self.site.workspace().people.value.people.keys().map(String::as_str).take(PEOPLE_MAX);
        let mut approvers: Vec<String> = Vec::new();
        for person in approver.into_iter().chain(known) {
            if approvers.iter().any(|other| other == person) {
                continue;
            }
            let Ok(who) = self.ground.person(person) else { continue };
            if self.ground.engine.decision(&who, id).await.is_ok_and(|view| view.may_vote) {
                approvers.push(person.to_owned());
            }
        }
        let needed = act.need.as_ref().map_or(1, |need| need.approvals.max(1));
        if approvers.len() < usize::try_from(needed).unwrap_or(usize::MAX) {
            return Err(format!("{} people may approve its call, {needed} are needed", approvers.len()));
        }
        let profile = self.site.classified(tool).map(|tool| tool.profile).unwrap_or_default();
        let (start, act, tool) = (start.clone(), act.clone(), tool.to_owned());
        Ok(Effect { start, act, tool, exposed, arguments, approvers, profile })
    }
}

/// The name by which a worker calls a mission's tool.
fn exposed(act: &Act, tool: &str) -> String {
    act.alias.clone().unwrap_or_else(|| tool.replacen('.', "_", 1))
}
