//! A company with any number of entitlements: its schema, its three policy sets, and what is compiled of them.
//!
//! The policies are of the kinds that companies write: single customers, teams with a region, limits on the amount by
//! team and tool, and what is forbidden all the same. Every ten of them belong to one team, so that a larger company
//! has more teams, not larger ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use writ_core::policy::{ActionShape, PolicyError, PolicySource, Question, SchemaBuilder, SetKind, Shapes, Slice};
use writ_core::value::{Field, Type};

/// The worker that carries every mission here.
pub const WORKER: &str = "support-desk";
/// The table whose rows are read.
pub const ORDERS: &str = "shop::orders";
/// The tool that is called.
pub const REFUND: &str = "shop.refund_payment";
/// How many entitlements a team has.
pub const POLICIES_PER_TEAM: usize = 10;

const MISSION: &str = r#"
permit(principal == Worker::"support-desk", action == Action::"read", resource is shop::orders)
when { resource.customer_id == context.mission.customer };
permit(principal == Worker::"support-desk", action == Action::"read", resource is shop::payments)
when { resource.customer_id == context.mission.customer };
permit(principal == Worker::"support-desk", action == Action::"shop.refund_payment", resource is Tool)
when {
  context.input.customer_id == context.mission.customer &&
  context.input.amount.lessThanOrEqual(context.facts.refundable)
};
permit(principal == Worker::"support-desk", action == Action::"shop.cancel_order", resource is Tool)
when { context.input.customer_id == context.mission.customer };
permit(principal == Worker::"support-desk", action == Action::"mail.notify_customer", resource is Tool)
when { context.input.customer_id == context.mission.customer };
"#;

const GUARDRAILS: &str = r#"
permit(principal, action, resource);
forbid(principal, action == Action::"read", resource is shop::orders) when { resource.region == "embargoed" };
forbid(principal, action in Action::"call", resource is Tool)
when { context.input.amount.greaterThan(decimal("5000.00")) };
forbid(principal, action in Action::"call", resource is Tool) when { context.run.proposals >= 10 };
"#;

/// The policy sets of a company, and the two slices that are asked for here.
#[derive(Debug)]
pub struct Company {
    mission: PolicySource,
    entitlements: PolicySource,
    guardrails: PolicySource,
    read: Slice,
    refund: Slice,
}

impl Company {
    /// A company with this many entitlements.
    ///
    /// # Errors
    /// What is wrong with a policy; that would be a fault of this module.
    pub fn with_policies(policies: usize) -> Result<Self, String> {
        Self::with_entitlements(&entitlements(policies))
    }

    /// A company with these entitlements.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn with_entitlements(entitlements: &str) -> Result<Self, String> {
        let (schema, shapes) = schema().build()?;
        let (schema, shapes) = (Arc::new(schema), Arc::new(shapes));
        let set = |kind, text: &str| -> Result<PolicySource, String> {
            let made = PolicySource::new(kind, Arc::clone(&schema), Arc::<Shapes>::clone(&shapes), text);
            made.map(|(source, _)| source).map_err(|errors| messages(&errors))
        };
        let mission = set(SetKind::Mission, MISSION)?;
        let entitlements = set(SetKind::Entitlements, entitlements)?;
        let guardrails = set(SetKind::Guardrails, GUARDRAILS)?;
        let slice = |action: &str, resource: &str| -> Result<Slice, String> {
            let compiled = |source: &PolicySource, principal: &str| {
                let compiled = source.compile(&Question::new(principal, action, resource));
                compiled.defect().map_or(Ok(()), |defect| Err(defect.to_owned()))?;
                Ok::<_, String>(Arc::new(compiled))
            };
            Ok(Slice {
                mission: compiled(&mission, "Worker")?,
                entitlements: compiled(&entitlements, "User")?,
                guardrails: compiled(&guardrails, "Worker")?,
            })
        };
        let (read, refund) = (slice("read", ORDERS)?, slice(REFUND, "Tool")?);
        Ok(Self { mission, entitlements, guardrails, read, refund })
    }

    /// Mission, entitlements and guardrails as Cedar knows them.
    #[must_use]
    pub fn sets(&self) -> [&PolicySource; 3] {
        [&self.mission, &self.entitlements, &self.guardrails]
    }

    /// What is compiled for reading rows of [`ORDERS`].
    #[must_use]
    pub fn read(&self) -> &Slice {
        &self.read
    }

    /// What is compiled for calls of [`REFUND`].
    #[must_use]
    pub fn refund(&self) -> &Slice {
        &self.refund
    }
}

fn messages(errors: &[PolicyError]) -> String {
    errors.iter().map(PolicyError::to_string).collect::<Vec<_>>().join("; ")
}

/// So many entitlements, in order: ten of each team, then those of the next.
fn entitlements(policies: usize) -> String {
    let mut text = String::new();
    for number in 0..policies {
        let (team, place) = (number / POLICIES_PER_TEAM, number % POLICIES_PER_TEAM);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", entitlement(team, place, number));
    }
    text
}

fn entitlement(team: usize, place: usize, customer: usize) -> String {
    let orders = r#"action == Action::"read", resource is shop::orders"#;
    let first = team * POLICIES_PER_TEAM;
    let odd = team % 2 == 1;
    match place {
        0..=3 => format!(r#"permit(principal, {orders}) when {{ resource.customer_id == "c{customer}" }};"#),
        4 | 5 => {
            let total = 400 * (place - 3);
            format!(
                r#"permit(principal in Group::"g{team}", {orders})
                when {{ resource.region == "r{team}" && resource.total.lessThan(decimal("{total}.00")) }};"#
            )
        }
        6 | 7 => {
            let amount = 100 * (place - 5);
            format!(
                r#"permit(principal in Group::"g{team}", action == Action::"shop.refund_payment", resource is Tool)
                when {{
                  context.input.customer_id == "c{customer}" &&
                  context.input.amount.lessThanOrEqual(decimal("{amount}.00"))
                }};"#
            )
        }
        8 => {
            let tool = if odd { "mail.notify_customer" } else { "shop.cancel_order" };
            format!(
                r#"permit(principal in Group::"g{team}", action == Action::"{tool}", resource is Tool)
                when {{ context.input.amount.lessThanOrEqual(decimal("50.00")) }};"#
            )
        }
        _ if odd => format!(
            r#"forbid(principal in Group::"g{team}", action in Action::"call", resource is Tool)
            when {{ context.input.amount.greaterThan(decimal("150.00")) }};"#
        ),
        _ => {
            format!(r#"forbid(principal, {orders}) when {{ resource.customer_id == "c{first}" && resource.frozen }};"#)
        }
    }
}

fn schema() -> SchemaBuilder {
    let mut builder = SchemaBuilder::default();
    builder.entity("Group", BTreeMap::new(), &[]);
    builder.entity("User", BTreeMap::new(), &["Group"]);
    builder.entity("Worker", BTreeMap::new(), &[]);
    builder.entity("Tool", BTreeMap::new(), &[]);
    let orders = [
        ("order_id", Type::Long),
        ("customer_id", Type::String),
        ("region", Type::String),
        ("status", Type::String),
        ("total", Type::Decimal),
        ("frozen", Type::Bool),
        ("placed_at", Type::Datetime),
    ];
    builder.entity(ORDERS, fields(orders), &[]);
    builder.entity("shop::payments", fields([("customer_id", Type::String), ("amount", Type::Decimal)]), &[]);
    let mission = ("mission", Type::Record(fields([("customer", Type::String)])));
    let run = ("run", Type::Record(fields([("reads", Type::Long), ("proposals", Type::Long)])));
    let now = ("now", Type::Datetime);
    let facts = ("facts", Type::Record(fields([("refundable", Type::Decimal)])));
    let input = [("customer_id", Type::String), ("order_id", Type::Long), ("amount", Type::Decimal)];
    let input = ("input", Type::Record(fields(input)));
    let reading = Type::Record(fields([mission.clone(), run.clone(), now.clone()]));
    let calling = Type::Record(fields([mission, run, now, facts, input]));
    builder.action("read", action(&[ORDERS, "shop::payments"], reading, None));
    builder.action_group("call");
    for tool in [REFUND, "shop.cancel_order", "mail.notify_customer"] {
        builder.action(tool, action(&["Tool"], calling.clone(), Some("call")));
    }
    builder
}

fn fields<const N: usize>(fields: [(&str, Type); N]) -> BTreeMap<String, Field> {
    fields.into_iter().map(|(name, ty)| (name.to_owned(), Field { ty, required: true })).collect()
}

fn action(resources: &[&str], context: Type, group: Option<&str>) -> ActionShape {
    ActionShape {
        principals: vec!["Worker".to_owned(), "User".to_owned()],
        resources: resources.iter().map(|kind| (*kind).to_owned()).collect(),
        context,
        groups: group.map(str::to_owned).into_iter().collect(),
    }
}
