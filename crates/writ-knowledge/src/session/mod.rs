//! The query engine as a run gets it: its slices as the catalog, an allow-list of functions, and nothing else.
//!
//! There are no files, no object stores, no temporary files, no information schema, no table functions and no
//! statements. What does not depend on a run is set up once for the process ([`Engine::shared`]); a query adds
//! its catalog, its scope and its memory. Plans have one partition throughout, so rows come in one order.

mod arithmetic;
mod catalogs;
mod functions;
mod in_order;
mod operators;
mod text;
mod watched;

use std::sync::{Arc, OnceLock};

use datafusion::catalog::CatalogProviderList;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

pub(crate) use catalogs::{RunCatalog, SchemaOnlyTable};
pub(crate) use functions::FunctionNames;

use crate::barrier::QueryScope;
use crate::error::{QueryError, QueryErrorCode};
use crate::limits::BATCH_ROWS;

/// The name of the one catalog; a table is `source.table` in it.
pub(crate) const CATALOG: &str = "writ";

/// What all queries of the process share.
pub(crate) struct Engine {
    base: SessionState,
    runtime: RuntimeEnv,
    functions: FunctionNames,
}

impl Engine {
    /// The process's engine.
    pub(crate) fn shared() -> Result<&'static Self, QueryError> {
        static SHARED: OnceLock<Result<Engine, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::new().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|reason| QueryError::hidden(QueryErrorCode::ExecutionFailed, reason.clone()))
    }

    fn new() -> datafusion::error::Result<Self> {
        let no_files = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let runtime = RuntimeEnvBuilder::new().with_disk_manager_builder(no_files).build()?;
        runtime.deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())?;
        let mut rules = PhysicalOptimizer::new().rules;
        rules.insert(0, Arc::new(in_order::PartitionsInOrder));
        rules.push(Arc::new(watched::WatchJoins));
        let base = SessionStateBuilder::new()
            .with_session_id(CATALOG.to_owned())
            .with_config(config())
            .with_runtime_env(Arc::new(runtime.clone()))
            .with_catalog_list(Arc::new(RunCatalog::default()))
            .with_expr_planners(operators::planners())
            .with_scalar_functions(functions::scalar())
            .with_aggregate_functions(functions::aggregate())
            .with_window_functions(functions::window())
            .with_physical_optimizer_rules(rules)
            .build();
        let functions = FunctionNames::of(&base);
        Ok(Self { base, runtime, functions })
    }

    /// The functions that SQL may call.
    pub(crate) fn functions(&self) -> &FunctionNames {
        &self.functions
    }

    /// A session over a catalog. Without a scope it can plan, but not read.
    pub(crate) fn session(
        &self,
        catalog: Arc<dyn CatalogProviderList>,
        scope: Option<Arc<QueryScope>>,
        memory_bytes_max: usize,
    ) -> SessionState {
        let memory_pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(memory_bytes_max));
        let runtime = RuntimeEnv { memory_pool, ..self.runtime.clone() };
        let mut config = self.base.config().clone();
        if let Some(scope) = scope {
            config.set_extension(scope);
        }
        SessionStateBuilder::new_from_existing(self.base.clone())
            .with_session_id(CATALOG.to_owned())
            .with_config(config)
            .with_catalog_list(catalog)
            .with_runtime_env(Arc::new(runtime))
            .build()
    }

    /// Refuses a plan that does anything but compute a result from slices with functions of the allow-list.
    /// The statement was inspected before; this looks at what became of it.
    pub(crate) fn verify(&self, plan: &LogicalPlan) -> Result<(), QueryError> {
        self.functions.verify(plan)
    }
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_batch_size(BATCH_ROWS)
        .with_target_partitions(1)
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, "")
        .with_collect_statistics(false)
        .with_round_robin_repartition(false)
        .with_repartition_joins(false)
        .with_repartition_aggregations(false)
        .with_repartition_windows(false)
        .with_repartition_sorts(false)
        .with_enforce_batch_size_in_joins(true);
    let options = config.options_mut();
    // Money written in SQL is compared exactly.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.enable_recursive_ctes = false;
    // A filter made while a query runs would reach a scan that has already read.
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    config
}
