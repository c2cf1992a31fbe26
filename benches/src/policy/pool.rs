//! More than a thousand different requests, some to be allowed and some not, made before anything is measured.

use std::sync::Arc;

use writ_core::policy::{Inputs, Slice, Subject};
use writ_core::value::{EntityName, Value};

use crate::company::{Company, ORDERS, POLICIES_PER_TEAM, REFUND, WORKER};
use crate::random::Random;

/// How many requests there are: a power of two, so that going round costs nothing.
pub const POOL_CALLS: usize = 1024;

const PEOPLE: usize = 64;
const TEAMS_PER_PERSON: usize = 2;
const NOW: i64 = 1_767_254_400_000;

/// One request, as both principals make it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What was compiled for this kind of request.
    pub slice: &'a Slice,
    /// The action.
    pub action: &'static str,
    /// The request with the worker as principal.
    pub worker: Inputs<'a>,
    /// The request with the person as principal.
    pub person: Inputs<'a>,
}

/// The requests, with everything that they refer to.
#[derive(Debug)]
pub struct Pool {
    worker: Subject,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    action: &'static str,
    person: Arc<Subject>,
    resource: EntityName,
    attributes: Value,
    context: Value,
}

/// A person, and the numbers of the teams that they are in.
struct Member {
    person: Arc<Subject>,
    teams: Vec<u64>,
}

impl Pool {
    /// Requests to a company with this many entitlements.
    #[must_use]
    pub fn new(policies: usize) -> Self {
        let mut random = Random::new(policies as u64);
        let teams = policies.div_ceil(POLICIES_PER_TEAM).max(1) as u64;
        let members: Vec<Member> = (0..PEOPLE).map(|number| member(number, teams, &mut random)).collect();
        let calls = members.iter().cycle().take(POOL_CALLS).map(|member| call(member, teams, &mut random));
        Self { calls: calls.collect(), worker: Subject::new("Worker", WORKER) }
    }

    /// The requests, put to a company.
    #[must_use]
    pub fn asked<'a>(&'a self, company: &'a Company) -> Vec<Asked<'a>> {
        let asked = |call: &'a Call| {
            let inputs = |principal: &'a Subject| Inputs {
                principal,
                resource: &call.resource,
                attributes: &call.attributes,
                context: &call.context,
            };
            let slice = if call.action == REFUND { company.refund() } else { company.read() };
            Asked { slice, action: call.action, worker: inputs(&self.worker), person: inputs(&call.person) }
        };
        self.calls.iter().map(asked).collect()
    }
}

fn member(number: usize, teams: u64, random: &mut Random) -> Member {
    let teams: Vec<u64> = (0..TEAMS_PER_PERSON).map(|_| random.below(teams)).collect();
    let nobody = Subject::new("User", &format!("u{number}"));
    let person = teams.iter().fold(nobody, |person, team| person.in_group("Group", &format!("g{team}")));
    Member { person: Arc::new(person), teams }
}

/// A request about one of the person's own teams mostly, and about any other sometimes.
fn call(member: &Member, teams: u64, random: &mut Random) -> Call {
    let own = member.teams.get(usize::from(random.chance(50))).copied();
    let team = own.filter(|_| random.chance(85)).unwrap_or_else(|| random.below(teams));
    let first = team * POLICIES_PER_TEAM as u64;
    let action = if random.chance(50) { "read" } else { REFUND };
    let place = if action == REFUND { 6 + random.below(2) } else { random.below(5) };
    let customer = format!("c{}", first + place);
    let of_the_mission = if random.chance(90) { customer.clone() } else { format!("c{}", first + 9) };
    let mut context = vec![
        ("mission", record(vec![("customer", Value::string(&of_the_mission))])),
        ("run", record(vec![("reads", long(random.below(200))), ("proposals", long(random.below(11)))])),
        ("now", Value::Datetime(NOW)),
    ];
    let order = random.below(1_000_000);
    let (resource, attributes) = if action == REFUND {
        let input = vec![
            ("customer_id", Value::string(&customer)),
            ("order_id", long(order)),
            ("amount", money(random.below(220))),
        ];
        context.push(("input", record(input)));
        context.push(("facts", record(vec![("refundable", money(100 + random.below(200)))])));
        (entity("Tool", REFUND), record(Vec::new()))
    } else {
        let row = vec![
            ("order_id", long(order)),
            ("customer_id", Value::string(&customer)),
            ("region", Value::string(&format!("r{team}"))),
            ("status", Value::string("delivered")),
            ("total", money(random.below(1_200))),
            ("frozen", Value::Bool(random.chance(10))),
            ("placed_at", Value::Datetime(NOW)),
        ];
        (entity(ORDERS, &order.to_string()), record(row))
    };
    Call { action, person: Arc::clone(&member.person), resource, attributes, context: record(context) }
}

fn entity(kind: &str, id: &str) -> EntityName {
    EntityName { kind: kind.into(), id: id.into() }
}

fn record(fields: Vec<(&str, Value)>) -> Value {
    Value::record(fields.into_iter().map(|(name, value)| (Arc::from(name), value)))
}

fn long(number: u64) -> Value {
    Value::Long(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Whole units of money, in ten-thousandths.
fn money(units: u64) -> Value {
    Value::Decimal(i64::try_from(units).unwrap_or(0).saturating_mul(10_000))
}
