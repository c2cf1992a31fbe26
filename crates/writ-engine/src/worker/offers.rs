//! What a run may use, as its worker sees it: tools with their schemas narrowed to the mission, prompts, resources.

use serde_json::{Map, Value as Json};
use writ_core::code::Refusal;
use writ_core::definition::ToolClass;
use writ_core::visible::visible;

use super::fetch::holds;
use super::{Call, builtin};
use crate::engine::Engine;
use crate::epoch::{Act, PlanKind};
use crate::view::{WorkerAccess, WorkerOffers, WorkerTool};
use crate::{narrowing, pin};

impl Engine {
    /// The tools that the run may call: the mission's, and those for knowledge and the run itself.
    ///
    /// # Errors
    /// [`writ_core::code::Code::RunNotOpen`].
    pub async fn worker_tools(&self, access: &WorkerAccess) -> Result<Vec<WorkerTool>, Refusal> {
        let call = self.or_refused(access, "list tools", self.begin(access, None).await).await?;
        let mut tools = builtin::tools(&call.scope.mission.definition);
        let acts = call.scope.mission.acts.values();
        let mut acts: Vec<_> = acts.filter(|act| self.quarantine_of(&act.tool.full_name).is_none()).collect();
        acts.sort_by(|left, right| left.name.cmp(&right.name));
        tools.extend(acts.into_iter().map(|act| tool(&call, act)));
        Ok(tools)
    }

    /// The prompts and resources that the run may fetch.
    ///
    /// # Errors
    /// [`writ_core::code::Code::RunNotOpen`].
    pub async fn worker_offers(&self, access: &WorkerAccess) -> Result<WorkerOffers, Refusal> {
        let call = self.or_refused(access, "list prompts and resources", self.begin(access, None).await).await?;
        let mission = &call.scope.mission;
        let prompts = mission.prompts.values().filter(|act| self.quarantine_of(&act.tool.full_name).is_none());
        let prompts = prompts.map(|act| {
            let mut definition = shown(&act.tool.definition);
            definition.insert("name".to_owned(), Json::String(act.name.clone()));
            definition
        });
        let mut offers = WorkerOffers { prompts: prompts.collect(), ..WorkerOffers::default() };
        for act in mission.resources.values() {
            let PlanKind::Resource(pattern) = &act.tool.kind else { continue };
            if self.quarantine_of(&act.tool.full_name).is_some() {
                continue;
            }
            let Some(server) = call.current.epoch.servers.get(&act.tool.identity.name) else { continue };
            for resource in server.resources.iter().filter(|resource| holds(pattern, &resource.name)) {
                let arguments = Map::from_iter([("uri".to_owned(), Json::String(resource.name.clone()))]);
                let decided = self.decided(&call.current, &call.scope, act, &call.run, &arguments).await;
                if decided.is_ok() {
                    offers.resources.push(shown(&resource.definition));
                }
            }
            let templates = server.templates.iter().filter(|template| holds(pattern, &template.name));
            offers.templates.extend(templates.map(|template| shown(&template.definition)));
        }
        Ok(offers)
    }
}

fn tool(call: &Call, act: &Act) -> WorkerTool {
    let plan = &act.tool;
    let is_read = plan.class == ToolClass::Read;
    let narrowed = narrowing::of_call(&call.scope, &plan.full_name);
    // Where only some fields pass, or the answer is a pending decision, the server's own form does not hold.
    let output_schema = plan.output.as_ref().filter(|_| is_read && act.project.is_empty());
    WorkerTool {
        name: act.name.clone(),
        description: format!("{} Allowed when: {}", plan.description, act.condition.trim()),
        input_schema: narrowing::apply(&plan.worker_schema, &narrowed),
        output_schema: output_schema.map(|output| pin::visible_schema(&output.schema)),
        read_only: is_read,
        may_become_task: true,
        more: plan.more.clone(),
    }
}

/// A definition with its texts made visible.
fn shown(definition: &Json) -> Map<String, Json> {
    let mut shown = definition.as_object().cloned().unwrap_or_default();
    make_visible(&mut shown);
    if let Some(Json::Array(arguments)) = shown.get_mut("arguments") {
        arguments.iter_mut().filter_map(Json::as_object_mut).for_each(make_visible);
    }
    shown
}

fn make_visible(definition: &mut Map<String, Json>) {
    for member in ["name", "title", "description"] {
        if let Some(Json::String(text)) = definition.get_mut(member) {
            *text = visible(text);
        }
    }
}
