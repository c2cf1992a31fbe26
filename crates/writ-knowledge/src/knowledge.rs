//! All sources of a workspace, opened: what is checked against, and what slices are cut from.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use writ_core::definition::Source;

use crate::barrier::{Slice, SliceSpec, TableHandle};
use crate::catalog::{Catalog, CatalogColumn, CatalogTable};
use crate::clock::Stop;
use crate::error::KnowledgeError;
use crate::session::Engine;
use crate::slices::Slices;
use crate::source::{self, OpenedTable, definition};

/// A workspace's sources.
#[derive(Debug)]
pub struct Knowledge {
    catalog: Catalog,
    tables: BTreeMap<String, Arc<TableHandle>>,
}

impl Knowledge {
    /// Opens every source and discovers its tables and columns. Paths are relative to `workspace`. Blocks.
    ///
    /// # Errors
    /// A [`KnowledgeError`] that names the first source, table or column that is not as it is written.
    pub fn open(workspace: &Path, sources: &[Source]) -> Result<Self, KnowledgeError> {
        // Where nothing is to be read, there is no need of the query engine, which takes some megabytes.
        if !sources.is_empty() {
            Engine::shared().map_err(|error| KnowledgeError::Engine {
                reason: error.operator_detail().unwrap_or("it cannot be built").to_owned(),
            })?;
        }
        let mut tables: BTreeMap<String, Arc<TableHandle>> = BTreeMap::new();
        for source in sources {
            for opened in source::open(workspace, source)? {
                let handle = handle(source, opened);
                let name = handle.entry.full_name();
                if tables.insert(name.clone(), Arc::new(handle)).is_some() {
                    return Err(KnowledgeError::Duplicate { name });
                }
            }
        }
        let catalog = Catalog::collect(tables.values().map(|table| table.entry.clone()))
            .map_err(|name| KnowledgeError::Duplicate { name })?;
        Ok(Self { catalog, tables })
    }

    /// What there is to read.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Cuts the slices of one run. Reads nothing.
    ///
    /// # Errors
    /// A [`KnowledgeError`] where a specification names a table or column that there is not, or a table twice.
    pub fn slices(&self, specs: Vec<SliceSpec>) -> Result<Slices, KnowledgeError> {
        let mut slices: BTreeMap<String, Arc<Slice>> = BTreeMap::new();
        for spec in specs {
            let Some(table) = self.tables.get(&spec.table) else {
                return Err(KnowledgeError::UnknownTable {
                    hint: format!("there is {}", self.catalog.names()),
                    table: spec.table,
                });
            };
            let slice = Slice::new(Arc::clone(table), spec)?;
            let name = slice.name.clone();
            if slices.insert(name.clone(), Arc::new(slice)).is_some() {
                return Err(KnowledgeError::Duplicate { name });
            }
        }
        Ok(Slices::new(slices))
    }

    /// How many rows a table has, whoever may read them: what an unscoped account would reach. Blocks for at
    /// most `duration_max`.
    ///
    /// # Errors
    /// A [`KnowledgeError`] where there is no such table, or it cannot be counted in time.
    pub fn row_count(&self, table: &str, duration_max: Duration) -> Result<u64, KnowledgeError> {
        let Some(handle) = self.tables.get(table) else {
            return Err(KnowledgeError::UnknownTable {
                table: table.to_owned(),
                hint: format!("there is {}", self.catalog.names()),
            });
        };
        handle.reader.count(&Arc::new(Stop::after(duration_max))).map_err(|error| KnowledgeError::SourceUnavailable {
            name: handle.entry.source.clone(),
            reason: format!("`{table}`: {error}"),
        })
    }
}

fn handle(source: &Source, opened: OpenedTable) -> TableHandle {
    let labels =
        source.labels.iter().chain(source.tables.get(&opened.name).into_iter().flat_map(|table| &table.labels));
    let entry = CatalogTable {
        source: source.source.clone(),
        columns: opened
            .columns
            .into_iter()
            .map(|column| CatalogColumn {
                name: column.name,
                ty: column.ty,
                nullable: column.nullable,
                labels: column.labels,
            })
            .collect(),
        labels: definition::sorted(labels.cloned()),
        row_identity: opened.row_identity,
        documents: opened.documents,
        name: opened.name,
    };
    TableHandle { entry, reader: opened.reader }
}
