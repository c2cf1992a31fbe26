//! Every table is what a replay of the trail makes, and the trail is what the table of events holds.

use serde_json::Value;
use writ_core::decision::Decision;
use writ_core::event::Recorded;
use writ_core::run::Run;
use writ_store::replay;

use crate::chaos::notes::Broken;
use crate::chaos::reader::History;

pub(super) fn check(history: &History) -> Vec<Broken> {
    let stored = &history.stored;
    let mut broken = Vec::new();
    if stored.events != history.trail {
        broken.push(Broken::anywhere("the table of events is not the trail"));
    }
    let recorded: Result<Vec<Recorded>, _> =
        history.trail.iter().map(|event: &Value| serde_json::from_value(event.clone())).collect();
    let replayed = match recorded.map_err(|error| error.to_string()).map(|recorded| replay(&recorded)) {
        Ok(Ok(replayed)) => replayed,
        Ok(Err(error)) => {
            broken.push(Broken::anywhere(format!("the trail cannot be replayed: {error}")));
            return broken;
        }
        Err(error) => {
            broken.push(Broken::anywhere(format!("an event of the trail is none: {error}")));
            return broken;
        }
    };
    for (id, row) in &stored.runs {
        let of_replay: Option<&Run> = replayed.runs.get(id).map(AsRef::as_ref);
        if of_replay != Some(&row.state) || row.status != row.state.status.name() {
            broken.push(Broken::anywhere(format!("the row of run {id} is not what its events make")));
        }
    }
    for (id, row) in &stored.decisions {
        let of_replay: Option<&Decision> = replayed.decisions.get(id).map(AsRef::as_ref);
        let status = row.state.status;
        if of_replay != Some(&row.state) || row.status != status.name() || row.is_final != status.is_final() {
            broken.push(Broken::of(id, "its row is not what its events make"));
        }
    }
    let held = replayed.effect_keys.iter().filter_map(|(key, holder)| Some((key, holder.as_ref()?)));
    if held.clone().any(|(key, holder)| stored.effect_keys.get(key) != Some(holder))
        || held.count() != stored.effect_keys.len()
    {
        broken.push(Broken::anywhere("the table of effect keys is not what the events make"));
    }
    if replayed.runs.len() != stored.runs.len() || replayed.decisions.len() != stored.decisions.len() {
        broken.push(Broken::anywhere("the tables have more or fewer rows than the events make"));
    }
    broken
}
