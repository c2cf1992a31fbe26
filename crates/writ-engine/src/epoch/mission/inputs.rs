//! What a mission reads: its tables and documents, its parameters, and the values that are looked up at a start.

use std::collections::BTreeMap;

use writ_core::definition::MissionDefinition;
use writ_core::value::{Field, Type};
use writ_knowledge::{CatalogTable, Fact};

use super::{Report, Surroundings};

/// What is read must be there, and be named once.
pub(super) fn check_reads(around: &Surroundings<'_>, definition: &MissionDefinition, report: &mut Report<'_>) {
    let mut seen = Vec::new();
    for read in &definition.read {
        let Some(name) = read.name() else {
            report.error("a read names either `table` or `docs`", "name one of them", "read:", "- ");
            continue;
        };
        if seen.contains(&name) {
            report.error(
                format!("`{name}` is read twice"),
                "put its columns and conditions into one entry",
                "read:",
                name,
            );
        }
        seen.push(name);
        let Some(table) = around.catalog.table(name) else {
            let known: Vec<String> = around.catalog.tables().map(CatalogTable::full_name).collect();
            report.error(
                format!("there is no table `{name}`"),
                format!("there are {}", known.join(", ")),
                "read:",
                name,
            );
            continue;
        };
        if read.columns.is_empty() && read.table.is_some() {
            report.error(
                format!("no columns of `{name}` are named"),
                "name the columns that the worker needs",
                name,
                name,
            );
        }
        let known: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        for column in read.columns.iter().chain(read.mask.keys()) {
            if !known.contains(&column.as_str()) {
                report.error(
                    format!("`{name}` has no column `{column}`"),
                    format!("it has {}", known.join(", ")),
                    name,
                    column,
                );
            }
        }
        for column in read.mask.keys().filter(|column| !read.columns.contains(column)) {
            report.error(
                format!("`{column}` is masked but not among the columns"),
                "add it to `columns`, or drop the mask",
                name,
                column,
            );
        }
    }
}

/// What a run is given must be used, and be given once.
pub(super) fn check_params(definition: &MissionDefinition, report: &mut Report<'_>) {
    let conditions = definition
        .read
        .iter()
        .filter_map(|read| read.condition.as_deref())
        .chain(definition.act.iter().map(|act| act.when.as_str()));
    let queries =
        definition.bind.values().chain(definition.act.iter().flat_map(|act| act.facts.values())).map(String::as_str);
    let everything: Vec<&str> = conditions.chain(queries).collect();
    for name in definition.params.keys() {
        let used = everything
            .iter()
            .any(|text| text.contains(&format!("${name}")) || text.contains(&format!("mission.{name}")));
        if !used {
            report.warning(
                format!("the parameter `{name}` is not used"),
                "use it in `bind`, `where`, `facts` or `when`, or drop it",
                "params",
                name,
            );
        }
        if definition.bind.contains_key(name) {
            report.error(format!("`{name}` is a parameter and is bound as well"), "rename one of them", "bind", name);
        }
    }
}

/// Compiles what is looked up at a start, and adds it to what a mission knows.
pub(super) fn plan_binds(
    around: &Surroundings<'_>,
    definition: &MissionDefinition,
    params: &BTreeMap<String, Type>,
    mission_type: &mut BTreeMap<String, Field>,
    report: &mut Report<'_>,
) -> Vec<(String, Fact)> {
    let mut parameters: Vec<(String, Type)> = params.iter().map(|(name, ty)| (name.clone(), ty.clone())).collect();
    parameters.push(("person".to_owned(), Type::String));
    let mut bind = Vec::new();
    for (name, sql) in &definition.bind {
        match Fact::compile(sql, around.catalog, &parameters) {
            Ok(fact) => {
                mission_type.insert(name.clone(), Field { ty: fact.result_type().clone(), required: true });
                bind.push((name.clone(), fact));
            }
            Err(error) => report.error(
                format!("`{name}`: {error}"),
                "write one SELECT of one value, with `$` before parameters",
                "bind",
                name,
            ),
        }
    }
    bind
}
