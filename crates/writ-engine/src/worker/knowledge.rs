//! Reads of knowledge: recorded first, released after.

use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Reason, Refusal};
use writ_core::digest::Digest;
use writ_core::event::{Event, Read};
use writ_knowledge::{QueryError, QueryLimits, Withheld};

use super::Call;
use crate::engine::Engine;
use crate::permit::release;

const SEARCH_RESULTS_DEFAULT: u64 = 10;
const SEARCH_RESULTS_MAX: u64 = 50;

impl Engine {
    pub(super) async fn query(&self, call: &Call, arguments: &Map<String, Json>) -> Result<Json, Refusal> {
        let sql = arguments.get("sql").and_then(Json::as_str).unwrap_or_default();
        let claim = arguments.get("reason").and_then(Json::as_str).map(str::to_owned).or_else(|| call.claim.clone());
        self.may_read(call)?;
        let withheld = call.scope.slices.query(sql, &QueryLimits::default()).await.map_err(|error| refusal(&error))?;
        self.release_read(call, sql, withheld, claim).await
    }

    pub(super) async fn search(&self, call: &Call, arguments: &Map<String, Json>) -> Result<Json, Refusal> {
        let text = |name: &str| arguments.get(name).and_then(Json::as_str).unwrap_or_default();
        let limit =
            arguments.get("limit").and_then(Json::as_u64).unwrap_or(SEARCH_RESULTS_DEFAULT).min(SEARCH_RESULTS_MAX);
        self.may_read(call)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let found = call.scope.slices.search(text("collection"), text("text"), limit, &QueryLimits::default()).await;
        let withheld = found.map_err(|error| refusal(&error))?;
        let statement = format!("search {} for {}", text("collection"), text("text"));
        self.release_read(call, &statement, withheld, call.claim.clone()).await
    }

    pub(super) fn describe(&self, call: &Call) -> Json {
        let tables = call.scope.slices.describe();
        let tables: Vec<Json> = tables
            .iter()
            .map(|table| {
                let columns = table
                    .columns
                    .iter()
                    .map(|column| json!({ "name": column.name, "type": column.ty.to_string(), "mask": column.mask }));
                json!({ "table": table.table, "documents": table.documents, "columns": columns.collect::<Vec<_>>() })
            })
            .collect();
        json!({ "tables": tables })
    }

    /// A run whose reads are used up is not even asked; the record below counts again, in the transaction.
    pub(super) fn may_read(&self, call: &Call) -> Result<(), Refusal> {
        let limit = call.run.start.limits.reads_max;
        if call.run.reads >= limit {
            return Err(Refusal::new(
                Code::LimitReached,
                format!("the run's limit of {limit} reads is used up; conclude, or ask for a new run"),
            ));
        }
        Ok(())
    }

    async fn release_read(
        &self,
        call: &Call,
        statement: &str,
        withheld: Withheld,
        claim: Option<String>,
    ) -> Result<Json, Refusal> {
        if withheld.failed_rows() > 0 {
            tracing::warn!(
                run = call.run.id,
                rows = withheld.failed_rows(),
                "rows on which a policy erred, or whose values do not fit their columns, were left out"
            );
        }
        let read = Read {
            statement: statement.to_owned(),
            columns: withheld.columns_touched().iter().cloned().collect(),
            rows: withheld.rows() as u64,
            result: Digest(withheld.digest()),
            labels: withheld.labels().to_vec(),
            claim,
        };
        let durable = self.record(&call.run.id, vec![Event::Read(Box::new(read))]).await?;
        Ok(release(withheld, &durable).to_json())
    }
}

fn refusal(error: &QueryError) -> Refusal {
    let code =
        Code::ALL.iter().copied().find(|code| code.name() == error.code().as_str()).unwrap_or(Code::ExecutionFailed);
    let detail = error.operator_detail().map_or_else(|| error.to_string(), |detail| format!("{error}: {detail}"));
    Refusal::new(code, error.to_string()).because([Reason { set: "knowledge".to_owned(), policy: None, detail }])
}
