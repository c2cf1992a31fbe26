//! The operator's workspace as every guarantee finds it: definitions made ready, and examples that work.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value as Json};
use writ_core::definition::{Act, MissionDefinition, Tool};
use writ_core::event::{EffectProfile, Milliseconds};
use writ_engine::clock::Clock;
use writ_engine::upstream::ServerDescription;
use writ_engine::view::StartRun;
use writ_engine::workspace::Workspace;

use crate::DrillError;
use crate::definitions::{self, Ready};
use crate::file::DrillFile;
use crate::ground::{Ground, NoGround, told};
use crate::judge::Stop;
use crate::search;
use crate::stub::{Sabotage, Stub};

/// A mission, with somebody who can start it and parameters that work.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) mission: MissionDefinition,
    pub(crate) person: String,
    pub(crate) params: Map<String, Json>,
}

/// An effect of a mission, with arguments that are permitted and people who may approve them.
#[derive(Debug, Clone)]
pub(crate) struct Effect {
    pub(crate) start: Start,
    pub(crate) act: Act,
    /// `integration.tool`
    pub(crate) tool: String,
    /// The name by which the worker calls it.
    pub(crate) exposed: String,
    pub(crate) arguments: Map<String, Json>,
    /// At least as many as are needed.
    pub(crate) approvers: Vec<String>,
    pub(crate) profile: EffectProfile,
}

/// The workspace, ready to be drilled.
pub(crate) struct Site {
    ready: Ready,
    scratch: PathBuf,
    sabotage: Sabotage,
    begins: Milliseconds,
    grounds: AtomicUsize,
    /// One for each mission that can be started.
    pub(crate) starts: Vec<Start>,
    pub(crate) effects: Vec<Effect>,
    /// Why there are not more examples.
    notes: Vec<String>,
}

/// What came of the preparations.
pub(crate) enum Prepared {
    /// The drill can begin.
    Ready(Box<Site>),
    /// Sources cannot be read here, with the reason.
    Unreachable(String),
}

impl Start {
    pub(crate) fn request(&self) -> StartRun {
        StartRun { mission: self.mission.mission.clone(), params: self.params.clone(), worker: None, person: None }
    }
}

impl Effect {
    /// The integration, and the tool's name there.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.tool.split_once('.').unwrap_or((&self.tool, ""))
    }
}

impl Site {
    /// Makes everything ready, and looks for examples.
    pub(crate) async fn prepare(
        workspace: &Workspace,
        file: &DrillFile,
        scratch: &Path,
        sabotage: Sabotage,
    ) -> Result<Prepared, DrillError> {
        let mut site = Self {
            ready: definitions::ready(workspace, file).map_err(DrillError::Scratch)?,
            scratch: scratch.to_owned(),
            sabotage,
            begins: Clock::default().now(),
            grounds: AtomicUsize::new(0),
            starts: Vec::new(),
            effects: Vec::new(),
            notes: Vec::new(),
        };
        let found = match search::examples(&site, file).await {
            Ok(found) => found,
            Err(NoGround::Scratch(error)) => return Err(DrillError::Scratch(io::Error::other(error))),
            Err(NoGround::Problems(problems)) => {
                if problems.iter().all(|problem| problem.file.starts_with("sources")) {
                    return Ok(Prepared::Unreachable(format!("a source cannot be read here: {}", told(&problems))));
                }
                return Err(DrillError::Problems(problems));
            }
        };
        (site.starts, site.effects, site.notes) = (found.starts, found.effects, found.notes);
        Ok(Prepared::Ready(Box::new(site)))
    }

    /// The definitions that every ground starts with.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.ready.workspace
    }

    /// What the stub says that integrations offer.
    pub(crate) fn servers(&self) -> &BTreeMap<String, ServerDescription> {
        &self.ready.servers
    }

    /// How the operator has classified a tool (`integration.tool`).
    pub(crate) fn classified(&self, tool: &str) -> Option<&Tool> {
        let (integration, name) = tool.split_once('.')?;
        let mut integrations = self.workspace().integrations.iter().map(|defined| &defined.value);
        integrations.find(|known| known.integration == integration)?.tools.get(name)
    }

    /// The type that a tool's schema gives to one of its arguments.
    pub(crate) fn argument_type(&self, tool: &str, argument: &str) -> Option<&str> {
        self.schema(tool)?.get("properties")?.get(argument)?.get("type")?.as_str()
    }

    /// Whether a tool cannot be called without an argument.
    pub(crate) fn is_required(&self, tool: &str, argument: &str) -> bool {
        let required = self.schema(tool).and_then(|schema| schema.get("required")).and_then(Json::as_array);
        required.is_some_and(|required| required.iter().any(|name| name == argument))
    }

    fn schema(&self, tool: &str) -> Option<&Map<String, Json>> {
        let (integration, name) = tool.split_once('.')?;
        let server = self.servers().get(integration)?;
        server.tools.iter().find(|known| known.name == name).map(|known| &known.input_schema)
    }

    /// A new ground with the operator's definitions as they are.
    pub(crate) async fn ground(&self) -> Result<Ground, Stop> {
        self.ground_with(|_| {}).await
    }

    /// A new ground with a change of the operator's definitions.
    pub(crate) async fn ground_with(&self, change: impl FnOnce(&mut Workspace)) -> Result<Ground, Stop> {
        self.open(change).await.map_err(|none| match none {
            NoGround::Problems(problems) => {
                Stop::NotApplicable(format!("the definitions do not bear the drill's change: {}", told(&problems)))
            }
            NoGround::Scratch(error) => Stop::Failed(format!("the drill's own store: {error}")),
        })
    }

    /// A ground on files that are there already, with the stub and the time of another one.
    pub(crate) async fn again(&self, folder: PathBuf, before: &Ground) -> Result<Ground, Stop> {
        let opened = Ground::open(folder, before.workspace.clone(), Arc::clone(&before.stub), before.now()).await;
        opened.map_err(|none| match none {
            NoGround::Problems(problems) => Stop::Failed(told(&problems)),
            NoGround::Scratch(error) => Stop::Failed(format!("the store does not open again: {error}")),
        })
    }

    pub(crate) async fn open(&self, change: impl FnOnce(&mut Workspace)) -> Result<Ground, NoGround> {
        let mut workspace = self.workspace().clone();
        change(&mut workspace);
        let stub = Stub::new(self.servers().clone(), self.sabotage);
        Ground::open(self.new_folder(), workspace, stub, self.begins).await
    }

    /// A folder that nobody has used.
    pub(crate) fn new_folder(&self) -> PathBuf {
        self.scratch.join(self.grounds.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// What is broken on purpose.
    pub(crate) fn sabotage(&self) -> Sabotage {
        self.sabotage
    }

    /// A mission that can be started.
    pub(crate) fn start(&self) -> Result<&Start, Stop> {
        self.start_where(|_| true, "there is no mission")
    }

    /// A mission that can be started and is of some kind.
    pub(crate) fn start_where(&self, wanted: impl Fn(&Start) -> bool, why: &str) -> Result<&Start, Stop> {
        self.starts.iter().find(|start| wanted(start)).ok_or_else(|| self.none(why))
    }

    /// An effect that can be proposed and approved.
    pub(crate) fn effect(&self) -> Result<&Effect, Stop> {
        self.effect_where(|_| true, "no mission has an effect")
    }

    /// An effect that can be proposed and approved and is of some kind.
    pub(crate) fn effect_where(&self, wanted: impl Fn(&Effect) -> bool, why: &str) -> Result<&Effect, Stop> {
        self.effects.iter().find(|effect| wanted(effect)).ok_or_else(|| self.none(why))
    }

    /// There is nothing to try it on.
    fn none(&self, why: &str) -> Stop {
        if self.notes.is_empty() {
            return Stop::NotApplicable(why.to_owned());
        }
        Stop::NotApplicable(format!("{why}, or the drill has no example of it: {}", self.notes.join("; ")))
    }
}
