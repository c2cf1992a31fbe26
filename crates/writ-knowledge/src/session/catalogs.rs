//! The catalog of one run: its slices, by source, and no way to add to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::CATALOG;

/// Tables by source and name. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunCatalog {
    sources: Arc<BTreeMap<String, Arc<SourceTables>>>,
}

#[derive(Debug, Default)]
struct SourceTables {
    tables: BTreeMap<String, Arc<dyn TableProvider>>,
}

impl RunCatalog {
    /// A catalog of tables, each with its source and its name there.
    pub(crate) fn new(tables: impl IntoIterator<Item = (String, String, Arc<dyn TableProvider>)>) -> Self {
        let mut sources: BTreeMap<String, SourceTables> = BTreeMap::new();
        for (source, name, table) in tables {
            sources.entry(source).or_default().tables.insert(name, table);
        }
        Self { sources: Arc::new(sources.into_iter().map(|(name, source)| (name, Arc::new(source))).collect()) }
    }
}

impl CatalogProviderList for RunCatalog {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::new(self.clone()) as Arc<dyn CatalogProvider>)
    }
}

impl CatalogProvider for RunCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.sources.keys().cloned().collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let source = self.sources.get(name)?;
        Some(Arc::clone(source) as Arc<dyn SchemaProvider>)
    }
}

#[async_trait]
impl SchemaProvider for SourceTables {
    fn table_names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        Ok(self.tables.get(name).cloned())
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }
}

/// A table that has columns and cannot be read: what a fact is checked against.
#[derive(Debug)]
pub(crate) struct SchemaOnlyTable {
    schema: SchemaRef,
}

impl SchemaOnlyTable {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self { schema }
    }
}

#[async_trait]
impl TableProvider for SchemaOnlyTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Err(DataFusionError::Internal("a schema has no rows".to_owned()))
    }
}
