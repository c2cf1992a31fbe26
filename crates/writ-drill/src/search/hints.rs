//! Parameters from rows: where a mission binds `SELECT … FROM table WHERE column = $parameter`, that column's values are
//! what the parameter may be.
//!
//! The rows are read as a worker would read them, through a mission of the drill's own that names these columns and
//! nothing else, for each person under their own entitlements: nobody's rows are tried for somebody else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use writ_core::definition::{MissionDefinition, MissionLimits, ReadSpec};
use writ_engine::view::StartRun;
use writ_engine::workspace::{Defined, Workspace};

use super::PEOPLE_MAX;
use crate::file::DrillFile;
use crate::site::Site;
use crate::sql;

/// The mission by which rows are read.
const PROBE: &str = "drill_probe";
/// Lets everybody start it, and nothing else.
const PROBE_RULE: &str =
    "\n@id(\"drill-probe\")\npermit (principal, action == Action::\"start\", resource == Mission::\"drill_probe\");\n";
/// How many values of a column are tried.
const VALUES_MAX: usize = 20;

/// A parameter's column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hint {
    mission: String,
    parameter: String,
    table: String,
    column: String,
}

/// Values to try, by person, mission and parameter.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<(String, String, String), Vec<Json>>);

impl Values {
    /// The parameters to try for a mission and a person; one set without any, where the mission takes none.
    pub(super) fn of(&self, mission: &MissionDefinition, person: &str) -> Vec<Map<String, Json>> {
        let of = |parameter: &String| {
            let key = (person.to_owned(), mission.mission.clone(), parameter.clone());
            self.0.get(&key).map(Vec::as_slice).unwrap_or_default()
        };
        let most = mission.params.keys().map(|parameter| of(parameter).len()).max().unwrap_or(1);
        let set = |at: usize| -> Option<Map<String, Json>> {
            let value = |parameter: &String| of(parameter).get(at).or(of(parameter).last()).cloned();
            mission.params.keys().map(|parameter| Some((parameter.clone(), value(parameter)?))).collect()
        };
        (0..most).filter_map(set).collect()
    }
}

/// Reads the values that parameters may have, for missions of which `drill.yaml` has no example.
pub(super) async fn values(site: &Site, file: &DrillFile) -> Values {
    let missions = site.workspace().missions.iter().map(|defined| &defined.value);
    let open = missions.filter(|mission| !file.examples.iter().any(|given| given.mission == mission.mission));
    let hints: BTreeSet<Hint> = open.flat_map(hints_of).collect();
    let mut values = Values::default();
    let Some(worker) = site.workspace().people.value.workers.keys().next() else { return values };
    if hints.is_empty() {
        return values;
    }
    let Ok(ground) = site.ground_with(|workspace| add_probe(workspace, worker, &hints)).await else { return values };
    for person in site.workspace().people.value.people.keys().take(PEOPLE_MAX) {
        let start = StartRun { mission: PROBE.to_owned(), params: Map::new(), worker: None, person: None };
        let Ok(Ok(run)) = ground.try_start(person, start).await else { continue };
        for hint in &hints {
            let (column, table) = (sql::name(&hint.column), sql::table(&hint.table));
            let sql = format!("SELECT DISTINCT {column} FROM {table} ORDER BY {column} LIMIT {VALUES_MAX}");
            let said = ground.query(&run, &sql).await;
            let rows = said.content.get("rows").and_then(Json::as_array).cloned().unwrap_or_default();
            let found = rows.iter().filter_map(|row| row.get(0).filter(|value| !value.is_null()).cloned()).collect();
            values.0.insert((person.clone(), hint.mission.clone(), hint.parameter.clone()), found);
        }
    }
    values
}

fn add_probe(workspace: &mut Workspace, worker: &str, hints: &BTreeSet<Hint>) {
    let mut columns: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for hint in hints {
        columns.entry(&hint.table).or_default().insert(&hint.column);
    }
    let read = columns.into_iter().map(|(table, columns)| ReadSpec {
        table: Some(table.to_owned()),
        docs: None,
        columns: columns.into_iter().map(str::to_owned).collect(),
        mask: BTreeMap::new(),
        condition: None,
    });
    let mission = MissionDefinition {
        mission: PROBE.to_owned(),
        purpose: "Finds parameters for the drill.".to_owned(),
        worker: worker.to_owned(),
        params: BTreeMap::new(),
        bind: BTreeMap::new(),
        read: read.collect(),
        act: Vec::new(),
        verdict: json!({ "type": "object" }),
        limits: MissionLimits { duration: "1h".to_owned(), reads: 1_000, rows: 100_000, proposals: 0 },
    };
    workspace.missions.push(Defined { file: format!("missions/{PROBE}.yaml"), text: String::new(), value: mission });
    workspace.entitlements.text.push_str(PROBE_RULE);
}

fn hints_of(mission: &MissionDefinition) -> Vec<Hint> {
    let of = |parameter: &String| {
        let (table, column) = mission.bind.values().find_map(|sql| column_of(sql, parameter))?;
        Some(Hint { mission: mission.mission.clone(), parameter: parameter.clone(), table, column })
    };
    mission.params.keys().filter_map(of).collect()
}

/// The table of a query over one table, and the column that it compares with a parameter.
fn column_of(sql: &str, parameter: &str) -> Option<(String, String)> {
    let words: Vec<&str> =
        sql.split(|character: char| character.is_whitespace() || "(),;".contains(character)).collect();
    let mut from = words.iter().enumerate().filter(|(_, word)| word.eq_ignore_ascii_case("from"));
    let (at, _) = from.next()?;
    if from.next().is_some() || words.iter().any(|word| word.eq_ignore_ascii_case("join")) {
        return None;
    }
    let table = words.iter().skip(at.saturating_add(1)).find(|word| !word.is_empty())?;
    table.split_once('.')?;
    let place = format!("${parameter}");
    let (before, after) = sql.split_once(&place)?;
    if after.starts_with(|character: char| character.is_alphanumeric() || character == '_') {
        return None;
    }
    let compared = before.trim_end().strip_suffix('=')?.trim_end();
    let column = compared.rsplit(|character: char| !(character.is_alphanumeric() || character == '_')).next()?;
    (!column.is_empty()).then(|| ((*table).to_owned(), column.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_known_by_its_comparison() {
        let found = |sql: &str| column_of(sql, "case");
        let column = Some(("desk.cases".to_owned(), "case_id".to_owned()));
        assert_eq!(found("SELECT customer_id FROM desk.cases WHERE case_id = $case"), column);
        assert_eq!(found("select c.customer_id from desk.cases c where c.case_id=$case and c.agent = $person"), column);
        for sql in [
            "SELECT customer_id FROM desk.cases WHERE case_id = $cases",
            "SELECT customer_id FROM desk.cases WHERE case_id < $case",
            "SELECT 1 FROM desk.cases JOIN desk.others ON true WHERE case_id = $case",
            "SELECT (SELECT 1 FROM desk.a) FROM desk.cases WHERE case_id = $case",
            "SELECT $case",
        ] {
            assert_eq!(found(sql), None, "{sql}");
        }
    }
}
