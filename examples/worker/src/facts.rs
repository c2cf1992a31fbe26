//! What the worker reads before it acts, and what follows from it.
//!
//! The case, its order and payment, the customer, and what the handbook says. What follows is plain arithmetic and
//! plain sentences: the same facts lead to the same proposals, word for word.

use serde_json::{Map, Value as Json, json};

use crate::answer::{Answer, Row, text};
use crate::error::WorkerError;
use crate::money;
use crate::report::{Report, Step};
use crate::session::Session;

const POLICY_WORDS: &str = "refund torn damaged return window";

/// What the worker knows when it has read.
pub(crate) struct Facts {
    case_id: String,
    subject: String,
    pub(crate) order_id: String,
    order_status: String,
    pub(crate) payment_id: String,
    pub(crate) captured: i64,
    refunded: i64,
    first_name: String,
    pub(crate) email: String,
    policy: String,
}

/// Reads, and announces each reading.
pub(crate) struct Reader<'a> {
    pub(crate) session: &'a Session,
    pub(crate) report: &'a Report,
}

impl Reader<'_> {
    /// Reads what one case needs.
    pub(crate) async fn read(&self, case: &str) -> Result<Facts, WorkerError> {
        let slices = self.session.call("knowledge_describe", json!({})).await?.accepted()?;
        let line = "learned what this run may read";
        self.report.done(Step::Described, line, json!({ "slices": slices.content })).await?;

        let row = self.one("desk.cases", "case_id", case, "what the customer asks for").await?;
        let case_id = column(&row, "desk.cases", "case_id")?;
        let order_id = column(&row, "desk.cases", "order_id")?;
        let customer_id = text(&row, "customer_id");
        let subject = text(&row, "subject").unwrap_or_else(|| "no subject".to_owned());
        self.tell(Step::Case, &format!("case {case_id}: {subject}"), row).await?;

        let row = self.one("shop.orders", "order_id", &order_id, "whether it was delivered").await?;
        let order_status = text(&row, "status").unwrap_or_else(|| "of unknown status".to_owned());
        self.tell(Step::Order, &format!("order {order_id} is {order_status}"), row).await?;

        let row = self.one("shop.payments", "order_id", &order_id, "what can be given back").await?;
        let payment_id = column(&row, "shop.payments", "payment_id")?;
        let captured = cents(&row, "captured")
            .or_else(|| cents(&row, "amount"))
            .ok_or_else(|| WorkerError::Missing("shop.payments.captured".to_owned()))?;
        let refunded = cents(&row, "refunded").unwrap_or(0);
        let (taken, given) = (money::text(captured), money::text(refunded));
        let line = format!("payment {payment_id}: ${taken} captured, ${given} given back");
        self.tell(Step::Payment, &line, row).await?;

        let row = self.customer(customer_id.as_deref()).await?;
        let email = column(&row, "shop.customers", "email")?;
        let first_name = text(&row, "first_name").unwrap_or_else(|| "customer".to_owned());
        self.tell(Step::Customer, &format!("the customer is {first_name}"), row).await?;

        let policy = self.policy().await?;
        Ok(Facts {
            case_id,
            subject,
            order_id,
            order_status,
            payment_id,
            captured,
            refunded,
            first_name,
            email,
            policy,
        })
    }

    async fn customer(&self, customer_id: Option<&str>) -> Result<Row, WorkerError> {
        let why = "whom to write to";
        match customer_id {
            Some(id) => self.one("shop.customers", "customer_id", id, why).await,
            None => first(&self.query("SELECT * FROM shop.customers", why).await?, "shop.customers"),
        }
    }

    async fn policy(&self) -> Result<String, WorkerError> {
        let words = json!({ "collection": "handbook.policies", "text": POLICY_WORDS });
        let titles = self.session.call("knowledge_search", words).await?.accepted()?.texts("title");
        let policy = titles.first().cloned().unwrap_or_else(|| "no policy".to_owned());
        let line = format!("the handbook says: {policy}");
        self.report.done(Step::Policies, &line, json!({ "titles": titles })).await?;
        Ok(policy)
    }

    /// The first row of a table where a column has this value.
    async fn one(&self, table: &str, key: &str, value: &str, why: &str) -> Result<Row, WorkerError> {
        let quoted = value.replace('\'', "''");
        let sql = format!("SELECT * FROM {table} WHERE {key} = '{quoted}'");
        first(&self.query(&sql, why).await?, &format!("{table} with {key} `{value}`"))
    }

    async fn query(&self, sql: &str, why: &str) -> Result<Answer, WorkerError> {
        let argument = self.session.main_argument("knowledge_query").unwrap_or("sql").to_owned();
        let reason = format!("To see {why}.");
        let query = json!({ argument: sql, "writ_reason": reason });
        self.session.call("knowledge_query", query).await?.accepted()
    }

    async fn tell(&self, step: Step, line: &str, row: Row) -> Result<(), WorkerError> {
        self.report.done(step, line, json!({ "row": row })).await
    }
}

impl Facts {
    /// What is due: all that was captured and not yet given back. Where nothing is left, an earlier life may have
    /// got it approved, and the same amount leads to the same decision.
    pub(crate) fn due(&self) -> i64 {
        let left = self.captured.saturating_sub(self.refunded);
        if left > 0 { left } else { self.captured }
    }

    /// Why this amount is due, in plain words.
    pub(crate) fn reasons(&self, amount: i64) -> String {
        let case = &self.case_id;
        let order = format!("{} ({}), which is {}", self.order_id, self.subject, self.order_status);
        let policy = &self.policy;
        let payment = &self.payment_id;
        let captured = money::text(self.captured);
        let before = money::text(self.captured.saturating_sub(amount));
        let due = money::text(amount);
        format!(
            "Case {case} is about order {order}. The handbook covers it in \"{policy}\". Payment {payment} captured \
             ${captured}, of which ${before} was given back before this case, so ${due} is due."
        )
    }

    /// The arguments of the refund.
    pub(crate) fn refund(&self, amount: i64) -> Map<String, Json> {
        let mut arguments = Map::new();
        arguments.insert("payment_id".to_owned(), json!(self.payment_id));
        arguments.insert("amount".to_owned(), money::number(amount));
        arguments
    }

    /// The arguments of the note to the customer.
    pub(crate) fn note(&self, amount: i64) -> Map<String, Json> {
        let (name, order, amount) = (&self.first_name, &self.order_id, money::text(amount));
        let subject = format!("Your refund for order {order}");
        let body = format!(
            "Hello {name},\n\nwe are giving back ${amount} for your order {order}, to the way you paid. It arrives \
             within 5 to 7 business days.\n\nYour support team"
        );
        let mut arguments = Map::new();
        arguments.insert("to".to_owned(), json!(self.email));
        arguments.insert("subject".to_owned(), json!(subject));
        arguments.insert("body".to_owned(), json!(body));
        arguments
    }
}

fn first(answer: &Answer, what: &str) -> Result<Row, WorkerError> {
    let row = answer.rows().into_iter().next();
    row.ok_or_else(|| WorkerError::Missing(what.to_owned()))
}

fn column(row: &Row, table: &str, name: &str) -> Result<String, WorkerError> {
    text(row, name).ok_or_else(|| WorkerError::Missing(format!("{table}.{name}")))
}

fn cents(row: &Row, name: &str) -> Option<i64> {
    row.get(name).and_then(money::cents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(captured: i64, refunded: i64) -> Facts {
        Facts {
            case_id: "C-1044".to_owned(),
            subject: "Torn strap".to_owned(),
            order_id: "#W1".to_owned(),
            order_status: "delivered".to_owned(),
            payment_id: "p-1".to_owned(),
            captured,
            refunded,
            first_name: "Ana".to_owned(),
            email: "ana@example.com".to_owned(),
            policy: "Damaged goods".to_owned(),
        }
    }

    #[test]
    fn the_same_amount_is_due_before_and_after_the_refund_happened() {
        assert_eq!(facts(30_000, 6_000).due(), 24_000);
        assert_eq!(facts(24_000, 0).due(), 24_000);
        assert_eq!(facts(24_000, 24_000).due(), 24_000);
        assert_eq!(facts(24_000, 0).refund(24_000), facts(24_000, 24_000).refund(24_000));
        assert_eq!(facts(24_000, 0).note(24_000), facts(24_000, 24_000).note(24_000));
        assert_eq!(facts(24_000, 0).reasons(24_000), facts(24_000, 24_000).reasons(24_000));
    }
}
