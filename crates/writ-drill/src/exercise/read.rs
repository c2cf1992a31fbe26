//! What a worker can read, and what is on record of it.

use serde_json::{Map, Value as Json};
use writ_core::code::Code;
use writ_core::definition::{Mask, ReadSpec};
use writ_engine::workspace::Workspace;

use super::NOBODY;
use crate::judge::{Holds, Said, Stop, masked, read_is_recorded, refusal_is_recorded, refused};
use crate::site::{Site, Start};
use crate::sql;

/// How SQL may be refused that must not run.
const REFUSALS: [Code; 3] = [Code::SqlNotAllowed, Code::SqlSyntax, Code::SqlUnknownName];
/// How many rows are looked at.
const ROWS_MAX: usize = 50;

/// A column of a mission's first table.
fn column(start: &Start) -> Option<(&str, &str)> {
    start.mission.read.iter().find_map(|read| Some((read.table.as_deref()?, read.columns.first()?.as_str())))
}

/// A mission that reads a table, and SQL that reads one row of it.
fn table_read(site: &Site) -> Result<(&Start, String), Stop> {
    let start = site.start_where(|start| column(start).is_some(), "no mission reads a table")?;
    let (table, column) = column(start).unwrap_or_default();
    Ok((start, sql::select(column, table, 1)))
}

/// SQL that must all be refused.
async fn all_refused(site: &Site, statements: &[&str]) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    for statement in statements {
        let said = ground.query(&run, statement).await;
        refused(&format!("`{statement}`"), &said, &REFUSALS)?;
    }
    Ok(())
}

pub(crate) async fn only_select(site: &Site) -> Holds {
    let statements = [
        "DELETE FROM t",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "DROP TABLE t",
        "CREATE TABLE t AS SELECT 1",
        "COPY (SELECT 1) TO 'out.csv'",
        "SET a = 1",
        "EXPLAIN SELECT 1",
        "SELECT 1; SELECT 2",
    ];
    all_refused(site, &statements).await
}

pub(crate) async fn nothing_beside_slices(site: &Site) -> Holds {
    let statements = [
        "SELECT table_name FROM information_schema.tables",
        "SHOW TABLES",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM \"/etc/hostname\"",
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT now()",
        "SELECT random()",
    ];
    all_refused(site, &statements).await
}

/// SQL for a table or a column that a mission does not name.
fn outside(site: &Site, start: &Start) -> Option<String> {
    let read = |table: &str| start.mission.read.iter().find(|read| read.name() == Some(table));
    for source in site.workspace().sources.iter().map(|defined| &defined.value) {
        for (name, definition) in &source.tables {
            let table = format!("{}.{name}", source.source);
            match read(&table) {
                None => return Some(format!("SELECT count(*) FROM {}", sql::table(&table))),
                Some(ReadSpec { table: Some(_), columns, .. }) => {
                    if let Some(hidden) = definition.columns.keys().find(|column| !columns.contains(column)) {
                        return Some(sql::select(hidden, &table, 1));
                    }
                }
                Some(_) => {}
            }
        }
    }
    None
}

pub(crate) async fn outside_slices(site: &Site) -> Holds {
    let why = "every mission names every table, and every column that a source's definition speaks of";
    let start = site.start_where(|start| outside(site, start).is_some(), why)?;
    let ground = site.ground().await?;
    let run = ground.start(start).await?;
    let statement = outside(site, start).unwrap_or_default();
    let said = ground.query(&run, &statement).await;
    refused(&format!("`{statement}`"), &said, &[Code::SqlUnknownName])
}

/// A masked column of a mission.
fn masked_column(start: &Start) -> Option<(&str, &str, Mask)> {
    let mut tables = start.mission.read.iter().filter_map(|read| Some((read.table.as_deref()?, &read.mask)));
    tables.find_map(|(table, mask)| mask.first_key_value().map(|(column, mask)| (table, column.as_str(), *mask)))
}

pub(crate) async fn masks(site: &Site) -> Holds {
    let start = site.start_where(|start| masked_column(start).is_some(), "no mission masks a column")?;
    let Some((table, column, mask)) = masked_column(start) else { return Ok(()) };
    let ground = site.ground().await?;
    let run = ground.start(start).await?;
    let said = ground.query(&run, &sql::select(column, table, ROWS_MAX)).await;
    let rows = rows(&said)?;
    if rows.is_empty() {
        return Err(Stop::NotApplicable(format!("the example's run has no row of `{table}`")));
    }
    let values: Vec<Json> = rows.iter().filter_map(|row| row.get(0).cloned()).collect();
    masked(mask, &values)
}

/// The rows of an answer.
fn rows(said: &Said) -> Result<&[Json], Stop> {
    let rows = said.content.get("rows").and_then(Json::as_array);
    rows.map(Vec::as_slice).ok_or_else(|| Stop::Failed(format!("a read of the slice is refused: {}", said.content)))
}

pub(crate) async fn reads_limit(site: &Site) -> Holds {
    let (start, statement) = table_read(site)?;
    let change = |workspace: &mut Workspace| {
        for mission in &mut workspace.missions {
            mission.value.limits.reads = 1;
        }
    };
    let ground = site.ground_with(change).await?;
    let run = ground.start(start).await?;
    rows(&ground.query(&run, &statement).await)?;
    refused("a read past the run's limit", &ground.query(&run, &statement).await, &[Code::LimitReached])
}

pub(crate) async fn recorded(site: &Site) -> Holds {
    let (start, statement) = table_read(site)?;
    let ground = site.ground().await?;
    let run = ground.start(start).await?;
    let said = ground.query(&run, &statement).await;
    rows(&said)?;
    read_is_recorded(&ground.rail(&run).await?, &statement, &said.content)
}

pub(crate) async fn refusals_recorded(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    let said = ground.call(&run, NOBODY, &Map::new()).await;
    refused("a call of a tool that is not there", &said, &[Code::UnknownName])?;
    refusal_is_recorded(&ground.rail(&run).await?, Code::UnknownName)
}
