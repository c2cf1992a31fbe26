//! Three things that the worker may not do, tried on purpose.
//!
//! A good worker would not try. This one shows that it would not matter: another customer's order, a refund above
//! what was captured, and a tool outside the mission. Each must come to nothing; where one does not, the worker
//! stops and says so.

use serde_json::{Value as Json, json};

use crate::answer::{Answer, Refused};
use crate::error::WorkerError;
use crate::money;
use crate::report::{Report, Step};
use crate::session::Session;

/// An order of somebody else.
const OTHER_ORDER: &str = "#W7449508";
/// Ten times what a refund in the demo comes to.
const TOO_LARGE_CENTS: i64 = 240_000;

/// Tries all three.
pub(crate) async fn try_all(
    session: &Session,
    report: &Report,
    payment_id: &str,
    order_id: &str,
) -> Result<(), WorkerError> {
    other_order(session, report).await?;

    let amount = json!({ "payment_id": payment_id, "amount": money::number(TOO_LARGE_CENTS) });
    let what = format!("a refund of ${}, above what was captured", money::text(TOO_LARGE_CENTS));
    let refused = must_refuse(session.call("shop_refund_payment", amount).await?, &what)?;
    tell(report, Step::TooLarge, &what, &refused, json!({})).await?;

    let what = "a tool outside the mission, shop_cancel_pending_order";
    let arguments = json!({ "order_id": order_id, "reason": "no longer needed" });
    let refused = must_refuse(session.call("shop_cancel_pending_order", arguments).await?, what)?;
    tell(report, Step::Outside, what, &refused, json!({})).await
}

/// Another customer's order by SQL. A slice does not hold it, so a plain query finds nothing; a query for a column
/// that the slice does not have is refused.
async fn other_order(session: &Session, report: &Report) -> Result<(), WorkerError> {
    let what = format!("another customer's order, {OTHER_ORDER}");
    let query = |columns: &str| format!("SELECT {columns} FROM shop.orders WHERE order_id = '{OTHER_ORDER}'");
    let answer = ask(session, &query("*")).await?;
    let rows = answer.rows().len();
    if rows > 0 {
        return Err(WorkerError::NotRefused(format!("{rows} rows were read of {what}")));
    }
    let refused = match answer.refused() {
        Some(refused) => refused,
        None => must_refuse(ask(session, &query("order_id, address1, zip")).await?, &what)?,
    };
    tell(report, Step::OtherOrder, &what, &refused, json!({ "rows": rows })).await
}

async fn ask(session: &Session, sql: &str) -> Result<Answer, WorkerError> {
    let argument = session.main_argument("knowledge_query").unwrap_or("sql").to_owned();
    session.call("knowledge_query", json!({ argument: sql })).await
}

fn must_refuse(answer: Answer, what: &str) -> Result<Refused, WorkerError> {
    answer.refused().ok_or_else(|| WorkerError::NotRefused(format!("{what}: {}", answer.content)))
}

async fn tell(
    report: &Report,
    step: Step,
    what: &str,
    refused: &Refused,
    mut details: Json,
) -> Result<(), WorkerError> {
    if let Json::Object(details) = &mut details {
        details.insert("refused".to_owned(), json!({ "code": refused.code, "message": refused.message }));
    }
    report.done(step, &format!("tried {what}: {} ({})", refused.message, refused.code), details).await
}
