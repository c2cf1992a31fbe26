//! What a worker can call at all, with which arguments, and for how long.

use serde_json::{Map, Value as Json, json};
use writ_core::code::Code;

use super::NOBODY;
use crate::judge::{Holds, Stop, failed, look_alike, nothing_done, refused};
use crate::site::{Effect, Site};

/// The example's call with other arguments, which must be refused, and must do nothing.
async fn call_is_refused(site: &Site, effect: &Effect, arguments: Map<String, Json>, what: &str, code: Code) -> Holds {
    let ground = site.ground().await?;
    let run = ground.start(&effect.start).await?;
    let said = ground.call(&run, &effect.exposed, &arguments).await;
    refused(what, &said, &[code])?;
    nothing_done(&ground.stub.ledger())
}

pub(crate) async fn unknown_tool(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    let said = ground.call(&run, NOBODY, &Map::new()).await;
    refused("a call of a tool that is not there", &said, &[Code::UnknownName])?;
    nothing_done(&ground.stub.ledger())
}

pub(crate) async fn tool_outside_mission(site: &Site) -> Holds {
    let example = site.start()?;
    let named = |tool: &str| example.mission.act.iter().any(|act| act.tool.as_deref() == Some(tool));
    let mut outside = None;
    for integration in site.workspace().integrations.iter().map(|defined| &defined.value) {
        let mut tools = integration.tools.keys().map(|tool| (integration.integration.as_str(), tool.as_str()));
        outside = outside.or(tools.find(|(integration, tool)| !named(&format!("{integration}.{tool}"))));
    }
    let Some((integration, tool)) = outside else {
        return Err(Stop::NotApplicable("the mission has every tool of the workspace".to_owned()));
    };
    let ground = site.ground().await?;
    let run = ground.start(example).await?;
    let name = format!("{integration}_{tool}");
    let said = ground.call(&run, &name, &Map::new()).await;
    refused("a call of a tool that is not the mission's", &said, &[Code::UnknownName])?;
    let other = ground.call(&run, NOBODY, &Map::new()).await;
    look_alike((&said, &name), (&other, NOBODY))?;
    nothing_done(&ground.stub.ledger())
}

pub(crate) async fn unknown_argument(site: &Site) -> Holds {
    let effect = site.effect()?;
    let mut arguments = effect.arguments.clone();
    arguments.insert(NOBODY.to_owned(), json!(true));
    call_is_refused(site, effect, arguments, "an argument that the tool does not have", Code::BadArguments).await
}

pub(crate) async fn missing_argument(site: &Site) -> Holds {
    let required = |effect: &Effect| effect.arguments.keys().find(|name| site.is_required(&effect.tool, name)).cloned();
    let effect = site.effect_where(|effect| required(effect).is_some(), "no effect has an argument that it needs")?;
    let mut arguments = effect.arguments.clone();
    if let Some(name) = required(effect) {
        arguments.remove(&name);
    }
    call_is_refused(site, effect, arguments, "a call without an argument that it needs", Code::BadArguments).await
}

pub(crate) async fn inexact_number(site: &Site) -> Holds {
    let number = |effect: &Effect| {
        let is_number = |name: &&String| site.argument_type(&effect.tool, name) == Some("number");
        effect.arguments.keys().find(is_number).cloned()
    };
    let effect = site.effect_where(|effect| number(effect).is_some(), "no effect has a number among its arguments")?;
    let mut arguments = effect.arguments.clone();
    if let Some(name) = number(effect) {
        arguments.insert(name, json!(0.000_01));
    }
    call_is_refused(site, effect, arguments, "a number with five decimal places", Code::BadArguments).await
}

pub(crate) async fn missing_fact(site: &Site) -> Holds {
    let effect =
        site.effect_where(|effect| fact_argument(effect).is_some(), "no fact is looked up by a text argument")?;
    let mut arguments = effect.arguments.clone();
    if let Some(name) = fact_argument(effect) {
        arguments.insert(name, json!(NOBODY));
    }
    call_is_refused(site, effect, arguments, "a call about something that is not in scope", Code::FactMissing).await
}

/// A text argument by which a fact is looked up that has no value where there is no row.
fn fact_argument(effect: &Effect) -> Option<String> {
    let is_looked_up = |name: &String| {
        let place = format!("$input.{name}");
        let is_plain = |sql: &&String| !sql.contains('(');
        effect.act.facts.values().filter(is_plain).any(|sql| sql.split_whitespace().any(|word| word == place))
    };
    let mut texts = effect.arguments.iter().filter(|(_, value)| value.is_string()).map(|(name, _)| name);
    texts.find(|name| is_looked_up(name)).cloned()
}

pub(crate) async fn time_up(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    let view = match ground.engine.run(&run.person, run.access.run()).await {
        Ok(view) => view,
        Err(refusal) => return failed(format!("the run cannot be seen by the person that it is for: {refusal}")),
    };
    ground.pass(view.run.expires_at.saturating_sub(ground.now()));
    let said = ground.call(&run, "run_status", &Map::new()).await;
    refused("a call after the run's time", &said, &[Code::RunNotOpen])
}

pub(crate) async fn stopped(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    ground.stop(&run).await?;
    let said = ground.call(&run, "run_status", &Map::new()).await;
    refused("a call in a run that was stopped", &said, &[Code::RunNotOpen])
}
