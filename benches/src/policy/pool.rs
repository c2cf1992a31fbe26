//! Hundreds of different requests, some to be allowed and some not, made before anything is measured.

use std::collections::HashMap;
use std::sync::Arc;

use writ_core::policy::{BoundSlice, Inputs, Slice, Subject};
use writ_core::value::{EntityName, Value};

use crate::company::{Company, ORDERS, POLICIES_PER_TEAM, REFUND, WORKER};
use crate::random::Random;

/// How many requests there are: a power of two, so that going round costs nothing. A server's request was read a moment
/// ago and is in the processor's cache; so many are kept that all of theirs still fit there.
pub const POOL_CALLS: usize = 256;

const PEOPLE: usize = 64;
const TEAMS_PER_PERSON: usize = 2;
const NOW: i64 = 1_767_254_400_000;

/// One request, as both principals make it.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// What was compiled for this kind of request.
    pub slice: &'a Slice,
    /// The same, bound to the run that makes the request.
    pub bound: Arc<BoundSlice>,
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
    run: usize,
    person: Arc<Subject>,
    resource: EntityName,
    attributes: Value,
    context: Value,
}

/// A person with two runs of theirs: one reads, one calls, each for one customer of one of their teams.
struct Member {
    number: usize,
    person: Arc<Subject>,
    read_customer: String,
    refund_customer: String,
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
        let mut runs: HashMap<(usize, &str), Arc<BoundSlice>> = HashMap::new();
        let asked = |call: &'a Call| {
            let inputs = |principal: &'a Subject| Inputs {
                principal,
                resource: &call.resource,
                attributes: &call.attributes,
                context: &call.context,
            };
            let slice = if call.action == REFUND { company.refund() } else { company.read() };
            let (worker, person) = (inputs(&self.worker), inputs(&call.person));
            let bound = runs
                .entry((call.run, call.action))
                .or_insert_with(|| Arc::new(BoundSlice::new(slice, &worker, &person)));
            Asked { slice, bound: bound.clone(), action: call.action, worker, person }
        };
        self.calls.iter().map(asked).collect()
    }
}

fn member(number: usize, teams: u64, random: &mut Random) -> Member {
    let own: Vec<u64> = (0..TEAMS_PER_PERSON).map(|_| random.below(teams)).collect();
    let nobody = Subject::new("User", &format!("u{number}"));
    let person = own.iter().fold(nobody, |person, team| person.in_group("Group", &format!("g{team}")));
    let mut customer = |place: u64| {
        let team = own.get(usize::from(random.chance(50))).copied().unwrap_or_default();
        format!("c{}", team * POLICIES_PER_TEAM as u64 + place)
    };
    let (read, refund) = (number as u64 % 5, 6 + number as u64 % 2);
    let (read_customer, refund_customer) = (customer(read), customer(refund));
    Member { number, person: Arc::new(person), read_customer, refund_customer }
}

/// A request about the run's own customer mostly, and about any other sometimes.
fn call(member: &Member, teams: u64, random: &mut Random) -> Call {
    let action = if random.chance(50) { "read" } else { REFUND };
    let of_the_mission = if action == REFUND { &member.refund_customer } else { &member.read_customer };
    let anybody = format!("c{}", random.below(teams * POLICIES_PER_TEAM as u64));
    let customer = if random.chance(85) { of_the_mission.clone() } else { anybody };
    let team = of_the_mission.trim_start_matches('c').parse::<u64>().unwrap_or_default() / POLICIES_PER_TEAM as u64;
    let mut context = vec![
        ("mission", record(vec![("customer", Value::string(of_the_mission))])),
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
    Call {
        action,
        run: member.number,
        person: Arc::clone(&member.person),
        resource,
        attributes,
        context: record(context),
    }
}

fn entity(kind: &str, id: &str) -> EntityName {
    EntityName::new(kind, id)
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
