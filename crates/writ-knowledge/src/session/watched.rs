//! Joins that stop when their query must.
//!
//! A join can make rows without end from inputs that are long read. The query engine would not look up from
//! that by itself, so each batch of a join lets others run and looks whether the query is still wanted.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties, ReplaceChildrenOptions,
    SendableRecordBatchStream,
};
use futures::StreamExt as _;

use crate::barrier::QueryScope;

/// Puts a [`WatchedExec`] on every join. The last of the rules, so that no other has to know the node.
#[derive(Debug)]
pub(super) struct WatchJoins;

impl PhysicalOptimizerRule for WatchJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if node.name().ends_with("JoinExec") {
                Ok(Transformed::yes(Arc::new(WatchedExec { input: node }) as Arc<dyn ExecutionPlan>))
            } else {
                Ok(Transformed::no(node))
            }
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "watch_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Its input, batch by batch, for as long as the query is wanted.
#[derive(Debug)]
struct WatchedExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for WatchedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedExec")
    }
}

impl ExecutionPlan for WatchedExec {
    fn name(&self) -> &'static str {
        "WatchedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        only_input(children)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        only_input(children)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let scope = QueryScope::of(&context)?;
        let rows = self.input.execute(partition, context)?;
        let watched = rows.then(move |batch| {
            let scope = Arc::clone(&scope);
            async move {
                tokio::task::yield_now().await;
                if scope.stop.is_reached() { Err(scope.stopped()) } else { batch }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), watched)))
    }
}

fn only_input(children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    match <[Arc<dyn ExecutionPlan>; 1]>::try_from(children) {
        Ok([input]) => Ok(Arc::new(WatchedExec { input })),
        Err(_) => Err(DataFusionError::Internal("a watched node has one input".to_owned())),
    }
}
