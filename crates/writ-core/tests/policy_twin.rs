//! The compiled form against Cedar itself, on random policies and random inputs.
//!
//! Each round writes a random policy set, compiles it and puts random requests to both. On input that fits
//! the schema, which is all that can be put together from typed values, the two must agree exactly. The same
//! rounds hold the form that is bound to a table, and its predicate, to Cedar: a row that is admitted must pass
//! the predicate that a database would filter by.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::sync::Arc;

use writ_core::policy::{
    ActionShape, Admission, BoundSlice, Comparison, Inputs, Oracle, PolicySource, Predicate, Question, RowPolicy,
    RowSlice, SchemaBuilder, SetKind, SetVerdict, Slice, Subject,
};
use writ_core::value::{EntityName, Field, Type, Value, ValueRef, ValueSet};

/// Cases compared with Cedar: the issue asks for 100,000.
const ROUNDS: u64 = 2_000;
const INPUTS_PER_ROUND: usize = 50;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // splitmix64 (Steele, Lea, Flood 2014)
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let index = self.below(items.len());
        items[index]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn field(ty: Type) -> Field {
    Field { ty, required: true }
}

fn record(fields: &[(&str, Field)]) -> BTreeMap<String, Field> {
    fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect()
}

fn schema() -> SchemaBuilder {
    let strings = || Type::Set(Box::new(Type::String));
    let mut builder = SchemaBuilder::default();
    builder.entity("Group", BTreeMap::new(), &[]);
    builder.entity(
        "User",
        record(&[("role", field(Type::String)), ("level", field(Type::Long)), ("customers", field(strings()))]),
        &["Group"],
    );
    let row = record(&[
        ("n", field(Type::Long)),
        ("owner", field(Type::String)),
        ("price", field(Type::Decimal)),
        ("open", field(Type::Bool)),
        ("at", field(Type::Datetime)),
        ("extra", Field { ty: Type::Long, required: false }),
        ("note", Field { ty: Type::String, required: false }),
    ]);
    builder.entity("shop::orders", row, &[]);
    let input = record(&[
        ("amount", field(Type::Decimal)),
        ("count", field(Type::Long)),
        ("name", field(Type::String)),
        ("tags", field(strings())),
        ("memo", Field { ty: Type::String, required: false }),
    ]);
    let mission = record(&[("customer", field(Type::String)), ("limit", field(Type::Decimal))]);
    let context = record(&[
        ("input", field(Type::Record(input))),
        ("mission", field(Type::Record(mission))),
        ("now", field(Type::Datetime)),
    ]);
    builder.action_group("all");
    for action in ["read", "write"] {
        builder.action(
            action,
            ActionShape {
                principals: vec!["User".into()],
                resources: vec!["shop::orders".into()],
                context: Type::Record(context.clone()),
                groups: vec!["all".into()],
            },
        );
    }
    builder
}

const NAMES: [&str; 5] = ["a", "b", "c", "", "a*b"];

fn long(random: &mut Random, depth: usize) -> String {
    if depth > 0 && random.chance(40) {
        let operator = random.pick(&["+", "-", "*"]);
        return format!("({} {operator} {})", long(random, depth - 1), long(random, depth - 1));
    }
    match random.below(6) {
        0 => "resource.n".to_owned(),
        1 => "context.input.count".to_owned(),
        2 => "principal.level".to_owned(),
        3 => "9223372036854775807".to_owned(),
        4 => format!("-{}", random.below(4)),
        _ => random.below(4).to_string(),
    }
}

fn text(random: &mut Random) -> String {
    match random.below(5) {
        0 => "resource.owner".to_owned(),
        1 => "context.input.name".to_owned(),
        2 => "context.mission.customer".to_owned(),
        3 => "principal.role".to_owned(),
        _ => format!("{:?}", random.pick(&NAMES)),
    }
}

fn decimal(random: &mut Random) -> String {
    match random.below(4) {
        0 => "resource.price".to_owned(),
        1 => "context.input.amount".to_owned(),
        2 => "context.mission.limit".to_owned(),
        _ => format!("decimal(\"{}.5\")", random.below(3)),
    }
}

fn condition(random: &mut Random, depth: usize) -> String {
    if depth > 0 && random.chance(60) {
        let (left, right) = (condition(random, depth - 1), condition(random, depth - 1));
        return match random.below(4) {
            0 => format!("({left} && {right})"),
            1 => format!("({left} || {right})"),
            2 => format!("!({left})"),
            _ => format!("(if {left} then {right} else {})", condition(random, depth - 1)),
        };
    }
    let compare = random.pick(&["==", "!=", "<", "<=", ">", ">="]);
    match random.below(14) {
        0 | 1 => format!("{} {compare} {}", long(random, 2), long(random, 2)),
        2 => format!("{} {} {}", text(random), random.pick(&["==", "!="]), text(random)),
        3 => format!("resource.owner == {:?}", random.pick(&NAMES)),
        4 => format!(
            "{}.{}({})",
            decimal(random),
            random.pick(&["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"]),
            decimal(random)
        ),
        5 => format!("principal.customers.contains({})", text(random)),
        6 => format!("[\"a\", \"b\"].contains({})", text(random)),
        7 => format!(
            "context.input.tags.{}([\"a\", {:?}])",
            random.pick(&["containsAny", "containsAll"]),
            random.pick(&NAMES)
        ),
        8 => format!("(resource has extra && resource.extra {compare} {})", long(random, 1)),
        9 => format!("{} like \"a*{}\"", text(random), random.pick(&["", "b", "*c"])),
        10 => "resource.open".to_owned(),
        11 => format!("(context.input has memo && context.input.memo == {})", text(random)),
        12 => format!(
            "resource.at {compare} {}",
            random.pick(&[
                "datetime(\"1970-01-01\")",
                "context.now",
                "datetime(\"2026-01-01T10:00:00+0130\").offset(duration(\"-1d2h\"))"
            ])
        ),
        _ => format!("principal in Group::\"{}\"", random.pick(&["a", "b"])),
    }
}

fn policies(random: &mut Random) -> String {
    let mut all = String::new();
    for _ in 0..=random.below(8) {
        let effect = if random.chance(70) { "permit" } else { "forbid" };
        let principal = random.pick(&[
            "principal",
            "principal",
            "principal == User::\"ana\"",
            "principal in Group::\"a\"",
            "principal is User",
        ]);
        let action = random.pick(&[
            "action",
            "action == Action::\"read\"",
            "action == Action::\"write\"",
            "action in Action::\"all\"",
            "action in [Action::\"read\"]",
        ]);
        let resource = random.pick(&["resource", "resource is shop::orders"]);
        let keyword = random.pick(&["when", "when", "unless"]);
        all.push_str(&format!(
            "{effect}({principal}, {action}, {resource}) {keyword} {{ {} }};\n",
            condition(random, 3)
        ));
    }
    all
}

fn set(random: &mut Random) -> Value {
    let mut names = Vec::new();
    for name in NAMES {
        if random.chance(40) {
            names.push(Value::string(name));
        }
    }
    Value::Set(Arc::new(ValueSet::collect(names).unwrap()))
}

fn number(random: &mut Random) -> i64 {
    random.pick(&[0, 1, 2, 3, -1, i64::MAX, i64::MIN, 1 << 62])
}

struct Case {
    person: Subject,
    row: Value,
    context: Value,
}

fn case(random: &mut Random) -> Case {
    let mut person = Subject::new("User", random.pick(&["ana", "ben"]));
    for group in ["a", "b"] {
        if random.chance(40) {
            person = person.in_group("Group", group);
        }
    }
    let name = |random: &mut Random| Value::string(random.pick(&NAMES));
    let amount = |random: &mut Random| Value::Decimal(random.pick(&[0, 5_000, 15_000, 25_000, -5_000]));
    let record = |fields: Vec<(&str, Option<Value>)>| {
        let kept = fields.into_iter().filter_map(|(name, value)| Some((Arc::from(name), value?)));
        Value::record(kept)
    };
    let attributes = vec![
        ("role", Some(name(random))),
        ("level", Some(Value::Long(number(random)))),
        ("customers", Some(set(random))),
    ];
    person.attributes = record(attributes);
    let optional = |random: &mut Random, value: Value| random.chance(50).then_some(value);
    let extra = Value::Long(number(random));
    let note = name(random);
    let row = vec![
        ("n", Some(Value::Long(number(random)))),
        ("owner", Some(name(random))),
        ("price", Some(amount(random))),
        ("open", Some(Value::Bool(random.chance(50)))),
        ("at", Some(Value::Datetime(random.pick(&[0, 1_767_254_400_000, 1_767_000_000_000, -5])))),
        ("extra", optional(random, extra)),
        ("note", optional(random, note)),
    ];
    let row = record(row);
    let memo = name(random);
    let input = vec![
        ("amount", Some(amount(random))),
        ("count", Some(Value::Long(number(random)))),
        ("name", Some(name(random))),
        ("tags", Some(set(random))),
        ("memo", optional(random, memo)),
    ];
    let input = record(input);
    let mission = record(vec![("customer", Some(name(random))), ("limit", Some(amount(random)))]);
    let context =
        vec![("input", Some(input)), ("mission", Some(mission)), ("now", Some(Value::Datetime(1_767_254_400_000)))];
    Case { person, row, context: record(context) }
}

/// SQL's three-valued answer: `None` is NULL.
fn predicate_holds(predicate: &Predicate, row: &Value) -> Option<bool> {
    let at = |column: &str| row.at(&[column]);
    match predicate {
        Predicate::Any => Some(true),
        Predicate::Nothing => Some(false),
        Predicate::All(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| predicate_holds(part, row)).collect();
            if parts.contains(&Some(false)) {
                Some(false)
            } else {
                parts.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
            }
        }
        Predicate::Either(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| predicate_holds(part, row)).collect();
            if parts.contains(&Some(true)) {
                Some(true)
            } else {
                parts.into_iter().collect::<Option<Vec<_>>>().map(|_| false)
            }
        }
        Predicate::Not(inner) => predicate_holds(inner, row).map(|holds| !holds),
        Predicate::Present { column } => Some(at(column).is_some()),
        Predicate::Among { column, set } => at(column).map(|value| set.contains(value.borrow())),
        Predicate::Compare { column, comparison, value } => {
            let found = at(column)?;
            Some(match (comparison, found, value) {
                (Comparison::Equal, found, value) => found == value,
                (comparison, Value::Long(left), Value::Long(right))
                | (comparison, Value::Decimal(left), Value::Decimal(right))
                | (comparison, Value::Datetime(left), Value::Datetime(right)) => match comparison {
                    Comparison::Less => left < right,
                    Comparison::LessOrEqual => left <= right,
                    Comparison::Greater => left > right,
                    _ => left >= right,
                },
                other => panic!("types: {other:?}"),
            })
        }
    }
}

#[test]
fn compiled_sets_answer_as_cedar_does() {
    let (schema, shapes) = schema().build().unwrap();
    let (schema, shapes) = (Arc::new(schema), Arc::new(shapes));
    let question = Question::new("User", "read", "shop::orders");
    let resource = EntityName::new("shop::orders", "o1");
    let everything =
        PolicySource::new(SetKind::Mission, schema.clone(), shapes.clone(), "permit(principal, action, resource);");
    let everything = Arc::new(everything.unwrap().0.compile(&question));
    let oracle = Oracle::default();
    let (mut compared, mut allowed, mut erred, mut admitted, mut invalid) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let mut seed = 0;
    while compared < ROUNDS * u64::try_from(INPUTS_PER_ROUND).unwrap() {
        seed += 1;
        let mut random = Random(seed);
        let text = policies(&mut random);
        let Ok((source, _)) = PolicySource::new(SetKind::Entitlements, schema.clone(), shapes.clone(), &text) else {
            invalid += 1;
            assert!(invalid < 20 * ROUNDS, "the generator hardly ever writes a valid policy");
            continue;
        };
        let compiled = Arc::new(source.compile(&question));
        assert_eq!(compiled.defect(), None, "seed {seed}:\n{text}");
        let slice =
            Slice { mission: everything.clone(), entitlements: compiled.clone(), guardrails: everything.clone() };
        for _ in 0..INPUTS_PER_ROUND {
            let case = case(&mut random);
            let inputs =
                Inputs { principal: &case.person, resource: &resource, attributes: &case.row, context: &case.context };
            let ours = compiled.decide(&inputs);
            let ours_allowed = matches!(ours, SetVerdict::Permitted { .. });
            let cedar = oracle.ask(&source, "read", &inputs);
            assert_eq!(
                ours_allowed, cedar.allowed,
                "seed {seed}: {ours:?} {cedar:?}\n{text}\n{:?}\n{:?}\n{:?}",
                case.person, case.row, case.context
            );
            // A forbid that holds ends the matter before a later error is met.
            let ours_erred = matches!(ours, SetVerdict::Erred { .. });
            assert!(!ours_erred || cedar.erred, "seed {seed}: {ours:?} {cedar:?}\n{text}");
            erred += u64::from(cedar.erred);
            let bound = BoundSlice::new(&slice, &inputs, &inputs);
            assert_eq!(bound.allows(&inputs, &inputs), ours_allowed, "seed {seed}: {ours:?}\n{text}");
            assert_eq!(bound.decide(&inputs, &inputs).is_allowed(), ours_allowed, "seed {seed}: {ours:?}\n{text}");
            let bound = RowSlice::new(&slice, true, &case.person, &case.person, &case.context);
            let values: Vec<Option<ValueRef<'_>>> =
                bound.columns().iter().map(|column| case.row.at(&[column]).map(Value::borrow)).collect();
            let admission = bound.admits(&values);
            assert_eq!(
                admission == Admission::Admitted,
                cedar.allowed,
                "seed {seed}: {admission:?} {cedar:?}\n{text}\n{:?}",
                case.row
            );
            if admission == Admission::Admitted {
                let passes = predicate_holds(bound.predicate(), &case.row);
                assert_eq!(passes, Some(true), "seed {seed}: {:?}\n{text}\n{:?}", bound.predicate(), case.row);
                admitted += 1;
            }
            allowed += u64::from(ours_allowed);
            compared += 1;
        }
    }
    println!(
        "{compared} cases compared, {allowed} allowed, {erred} with errors, {admitted} rows admitted; {invalid} sets were not valid Cedar"
    );
    assert!(
        allowed > 10_000 && erred > 1_000 && admitted > 10_000,
        "the cases are lopsided: {allowed} {erred} {admitted}"
    );
}
