//! The mission itself: settle one case.
//!
//! The steps are the same in every life of the worker. What was read before is read again; what was proposed before
//! is proposed in the same words and leads to the same decision.

use serde_json::{Value as Json, json};

use crate::decisions::{Ending, Proposed, earlier_arguments, ending, propose};
use crate::error::WorkerError;
use crate::facts::Reader;
use crate::forbidden;
use crate::money;
use crate::report::{Report, Step};
use crate::session::Session;

const REFUND: &str = "shop_refund_payment";
const NOTIFY: &str = "shop_notify_customer";
const WHY_NOTIFY: &str = "The customer should hear what was decided about their case, and when the money arrives.";

/// Settles the case and returns the verdict.
pub(crate) async fn settle(session: &Session, report: &Report, case: &str) -> Result<Json, WorkerError> {
    let tools = session.tools();
    let line = format!("connected; {} tools", tools.len());
    report.done(Step::Connected, &line, json!({ "tools": tools })).await?;
    let status = status(session, report).await?;
    let facts = Reader { session, report }.read(case).await?;

    let amounts = earlier_amounts(&status);
    let earlier = amounts.into_iter().find(|amount| *amount <= facts.captured);
    let amount = earlier.unwrap_or_else(|| facts.due());
    let reasons = facts.reasons(amount);
    let argument = session.main_argument("observe").unwrap_or("text").to_owned();
    session.call("observe", json!({ argument: reasons })).await?.accepted()?;
    report.done(Step::Observed, &reasons, json!({ "amount": money::text(amount) })).await?;

    forbidden::try_all(session, report, &facts.payment_id, &facts.order_id).await?;

    let refund = propose(session, REFUND, facts.refund(amount), &reasons).await?;
    tell(report, Step::Refund, &format!("a refund of ${}", money::text(amount)), &refund).await?;
    let note = propose(session, NOTIFY, facts.note(amount), WHY_NOTIFY).await?;
    tell(report, Step::Note, &format!("a note to {}", facts.email), &note).await?;

    let refund = ending(session, report, REFUND, &refund).await?;
    ending(session, report, NOTIFY, &note).await?;
    conclude(session, report, &refund, amount).await
}

/// Where the run stands, in case this is not the worker's first life.
async fn status(session: &Session, report: &Report) -> Result<Json, WorkerError> {
    if !session.offers("run_status") {
        return Ok(Json::Null);
    }
    let status = session.call("run_status", json!({})).await?.accepted()?.content;
    let resumed = !earlier_amounts(&status).is_empty();
    let line = if resumed { "the run has begun before; continuing" } else { "the run is new" };
    report.done(Step::Status, line, json!({ "resumed": resumed })).await?;
    Ok(status)
}

fn earlier_amounts(status: &Json) -> Vec<i64> {
    let calls = earlier_arguments(status, REFUND).into_iter();
    calls.filter_map(|arguments| money::cents(arguments.get("amount")?)).collect()
}

async fn tell(report: &Report, step: Step, what: &str, proposed: &Proposed) -> Result<(), WorkerError> {
    let (line, details) = match proposed {
        Proposed::Decision(id) => (format!("proposed {what}: decision {id}"), json!({ "decision": id })),
        Proposed::Refused(refused) => (
            format!("proposed {what}, which was refused: {}", refused.message),
            json!({ "refused": { "code": refused.code, "message": refused.message } }),
        ),
    };
    report.done(step, &line, details).await
}

async fn conclude(session: &Session, report: &Report, refund: &Ending, amount: i64) -> Result<Json, WorkerError> {
    let verdict = if refund.succeeded() {
        let reason = format!("${} was given back as approved.", money::text(amount));
        json!({ "outcome": "refunded", "amount": money::number(amount), "reason": reason })
    } else {
        let why = refund.note.as_deref().unwrap_or("no reason was given");
        let reason = format!("The refund did not happen ({}): {why}", refund.status);
        json!({ "outcome": "declined", "amount": 0, "reason": reason })
    };
    session.call("conclude", json!({ "verdict": verdict })).await?.accepted()?;
    let line = format!("concluded: {verdict}");
    report.done(Step::Concluded, &line, json!({ "verdict": verdict })).await?;
    Ok(verdict)
}
