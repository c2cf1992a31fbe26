//! What a worker is shown of its limits, against what is decided: a call that the set permits is within them.
//!
//! Each round writes a random mission, binds it to random parameters and puts random calls to the bound set and to
//! its narrowing. A permitted call outside is a fault. That a narrowing excludes something at all is counted, and
//! the forms that authors write are held to what they must become.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::sync::Arc;

use writ_core::policy::{
    ActionShape, BoundSet, Constraint, Inputs, Narrowing, PolicySource, Question, SchemaBuilder, SetKind, SetVerdict,
    Shapes, Subject, narrow,
};
use writ_core::value::{EntityName, Field, Type, Value, ValueSet};

const ROUNDS: u64 = 1_500;
const CALLS_PER_ROUND: usize = 40;

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

fn required(ty: Type) -> Field {
    Field { ty, required: true }
}

fn optional(ty: Type) -> Field {
    Field { ty, required: false }
}

fn fields(fields: &[(&str, Field)]) -> BTreeMap<String, Field> {
    fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect()
}

fn schema() -> (Arc<cedar_policy::Schema>, Arc<Shapes>) {
    let strings = || Type::Set(Box::new(Type::String));
    let mut builder = SchemaBuilder::default();
    builder.entity("Worker", fields(&[("id", required(Type::String))]), &[]);
    builder.entity("Tool", BTreeMap::new(), &[]);
    let place = fields(&[("city", required(Type::String)), ("zip", required(Type::Long))]);
    let input = fields(&[
        ("amount", required(Type::Decimal)),
        ("count", required(Type::Long)),
        ("name", required(Type::String)),
        ("dry", required(Type::Bool)),
        ("tags", required(strings())),
        ("place", required(Type::Record(place))),
        ("memo", optional(Type::String)),
    ]);
    let mission = fields(&[
        ("customer", required(Type::String)),
        ("limit", required(Type::Decimal)),
        ("most", required(Type::Long)),
    ]);
    let context = fields(&[
        ("input", required(Type::Record(input))),
        ("mission", required(Type::Record(mission))),
        ("person", required(Type::Record(fields(&[("regions", required(strings()))])))),
        ("facts", required(Type::Record(fields(&[("left", required(Type::Decimal))])))),
    ]);
    builder.action(
        "pay",
        ActionShape {
            principals: vec!["Worker".into()],
            resources: vec!["Tool".into()],
            context: Type::Record(context),
            groups: Vec::new(),
        },
    );
    let (schema, shapes) = builder.build().unwrap();
    (Arc::new(schema), Arc::new(shapes))
}

const NAMES: [&str; 6] = ["a", "b", "ab", "", "a*b", "(a.b)"];

fn text(random: &mut Random) -> &'static str {
    random.pick(&["context.input.name", "context.input.place.city", "context.mission.customer"])
}

fn number(random: &mut Random) -> &'static str {
    random.pick(&["context.input.count", "context.input.place.zip", "context.mission.most", "3", "-1", "7"])
}

fn money(random: &mut Random) -> &'static str {
    random.pick(&["context.input.amount", "context.mission.limit", "context.facts.left", "decimal(\"1.5\")"])
}

fn atom(random: &mut Random) -> String {
    match random.below(12) {
        0 => format!("{} == {:?}", text(random), random.pick(&NAMES)),
        1 => format!("{} == {}", text(random), text(random)),
        2 => format!("[{:?}, {:?}].contains({})", random.pick(&NAMES), random.pick(&NAMES), text(random)),
        3 => format!("context.person.regions.contains({})", text(random)),
        4 => {
            let pattern = random.pick(&["a*", "*b", "*", "a\\*b", "(*)", "*.*"]);
            format!("{} like \"{pattern}\"", text(random))
        }
        5 => format!("{} {} {}", number(random), random.pick(&["<", "<=", ">", ">=", "==", "!="]), number(random)),
        6 => {
            let method = random.pick(&["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"]);
            format!("{}.{method}({})", money(random), money(random))
        }
        7 => format!("{} == {}", money(random), money(random)),
        8 => random.pick(&["context.input.dry", "context.input.dry == false", "context.input.dry == true"]).to_owned(),
        9 => format!("context.input has memo && context.input.memo == {:?}", random.pick(&NAMES)),
        10 => {
            let set = random.pick(&["[\"a\", \"b\"]", "context.person.regions", "[\"ab\"]"]);
            random
                .pick(&[
                    format!("{set}.containsAll(context.input.tags)").as_str(),
                    format!("context.input.tags == {set}").as_str(),
                    format!("context.input.tags.containsAny({set})").as_str(),
                ])
                .to_owned()
        }
        _ => format!("context.input.count + {} < {}", random.below(4), number(random)),
    }
}

fn condition(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.chance(25) {
        return atom(random);
    }
    let (left, right) = (condition(random, depth - 1), condition(random, depth - 1));
    match random.below(6) {
        0 | 1 => format!("({left}) && ({right})"),
        2 | 3 => format!("({left}) || ({right})"),
        4 => format!("!({left})"),
        _ => format!("if ({}) then ({left}) else ({right})", atom(random)),
    }
}

/// A mission: mostly one permit, at times so many that they are found by an index, at times with a forbid.
fn mission(random: &mut Random) -> String {
    let permits = random.pick(&[1, 1, 1, 2, 3, 8]);
    let mut text = String::new();
    for _ in 0..permits {
        let condition = if permits == 8 {
            let rest = atom(random);
            format!("context.input.name == {:?} && ({rest})", random.pick(&NAMES))
        } else {
            condition(random, 3)
        };
        text.push_str(&format!("permit(principal, action == Action::\"pay\", resource) when {{ {condition} }};\n"));
    }
    if random.chance(20) {
        text.push_str(&format!("forbid(principal, action, resource) when {{ {} }};\n", atom(random)));
    }
    text
}

fn record(fields: Vec<(&str, Option<Value>)>) -> Value {
    Value::record(fields.into_iter().filter_map(|(name, value)| Some((Arc::from(name), value?))))
}

fn set(random: &mut Random) -> Value {
    let kept: Vec<Value> = NAMES.iter().filter(|_| random.chance(30)).map(|name| Value::string(name)).collect();
    Value::Set(Arc::new(ValueSet::collect(kept).unwrap()))
}

fn name(random: &mut Random) -> Value {
    Value::string(random.pick(&NAMES))
}

fn long(random: &mut Random) -> Value {
    Value::Long(random.pick(&[-1, 0, 2, 3, 4, 7, 8, i64::MAX, i64::MIN]))
}

fn decimal(random: &mut Random) -> Value {
    Value::Decimal(random.pick(&[0, 14_999, 15_000, 15_001, -5_000, i64::MAX, i64::MIN]))
}

/// What a run knows: parameters and person.
fn run(random: &mut Random) -> (Value, Value) {
    let mission =
        record(vec![("customer", Some(name(random))), ("limit", Some(decimal(random))), ("most", Some(long(random)))]);
    (mission, record(vec![("regions", Some(set(random)))]))
}

fn input(random: &mut Random) -> Value {
    let place = record(vec![("city", Some(name(random))), ("zip", Some(long(random)))]);
    let memo = name(random);
    let memo = random.chance(50).then_some(memo);
    record(vec![
        ("amount", Some(decimal(random))),
        ("count", Some(long(random))),
        ("name", Some(name(random))),
        ("dry", Some(Value::Bool(random.chance(50)))),
        ("tags", Some(set(random))),
        ("place", Some(place)),
        ("memo", memo),
    ])
}

/// A set bound to a run, as a mission's is.
struct Bound {
    set: BoundSet,
    worker: Subject,
    tool: EntityName,
    attributes: Value,
    run: (Value, Value),
}

impl Bound {
    /// Nothing where Cedar does not take the text.
    fn new(schema: &(Arc<cedar_policy::Schema>, Arc<Shapes>), text: &str, run: (Value, Value)) -> Option<Self> {
        let (source, _) = PolicySource::new(SetKind::Mission, schema.0.clone(), schema.1.clone(), text).ok()?;
        let compiled = Arc::new(source.compile(&Question::new("Worker", "pay", "Tool")));
        assert_eq!(compiled.defect(), None, "{text}");
        let worker = Subject::new("Worker", "w").with_attributes(record(vec![("id", Some(Value::string("w")))]));
        let (tool, attributes) = (EntityName::new("Tool", "pay"), Value::record([]));
        let context = record(vec![("mission", Some(run.0.clone())), ("person", Some(run.1.clone()))]);
        let inputs = Inputs { principal: &worker, resource: &tool, attributes: &attributes, context: &context };
        let set = BoundSet::new(&compiled, &inputs);
        Some(Self { set, worker, tool, attributes, run })
    }

    fn permits(&self, input: &Value, left: Value) -> bool {
        let context = record(vec![
            ("input", Some(input.clone())),
            ("mission", Some(self.run.0.clone())),
            ("person", Some(self.run.1.clone())),
            ("facts", Some(record(vec![("left", Some(left))]))),
        ]);
        let inputs =
            Inputs { principal: &self.worker, resource: &self.tool, attributes: &self.attributes, context: &context };
        matches!(self.set.decide(&inputs), SetVerdict::Permitted { .. })
    }
}

#[test]
fn no_permitted_call_is_outside() {
    let schema = schema();
    let (mut permitted, mut narrowed, mut excluded, mut refused, mut invalid) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let (mut rounds, mut seed) = (0, 0);
    while rounds < ROUNDS {
        seed += 1;
        let mut random = Random(seed);
        let text = mission(&mut random);
        let known = run(&mut random);
        let Some(bound) = Bound::new(&schema, &text, known) else {
            invalid += 1;
            assert!(invalid < 20 * ROUNDS, "the generator hardly ever writes a valid policy");
            continue;
        };
        rounds += 1;
        let narrowing = narrow(&bound.set);
        narrowed += u64::from(!narrowing.paths.is_empty());
        for _ in 0..CALLS_PER_ROUND {
            let input = input(&mut random);
            let left = decimal(&mut random);
            if bound.permits(&input, left) {
                permitted += 1;
                let run = (bound.run.0.to_json(), bound.run.1.to_json());
                assert!(narrowing.accepts(&input), "seed {seed}:\n{text}\n{run:?}\n{}", input.to_json());
                let present = narrowing.paths.keys().all(|path| input.at(path).is_some());
                assert!(present, "seed {seed}: a permitted call leaves out what is narrowed:\n{text}");
            } else {
                refused += 1;
                excluded += u64::from(!narrowing.accepts(&input));
            }
        }
    }
    println!(
        "{permitted} calls permitted, {excluded} of {refused} refused ones excluded; {narrowed} of {ROUNDS} narrowed"
    );
    assert!(permitted > 2_000 && narrowed > 200 && excluded > 2_000, "lopsided: {permitted} {narrowed} {excluded}");
}

/// What is made of one condition, for a run whose customer is `c-7`, whose limit is 250.5 and whose most is 9.
fn of(condition: &str) -> Narrowing {
    of_all(&[condition])
}

fn of_all(conditions: &[&str]) -> Narrowing {
    let permit = |condition: &&str| format!("permit(principal, action, resource) when {{ {condition} }};\n");
    let text: String = conditions.iter().map(permit).collect();
    let mission = record(vec![
        ("customer", Some(Value::string("c-7"))),
        ("limit", Some(Value::Decimal(2_505_000))),
        ("most", Some(Value::Long(9))),
    ]);
    let regions = ValueSet::collect([Value::string("eu"), Value::string("us")]).unwrap();
    let person = record(vec![("regions", Some(Value::Set(Arc::new(regions))))]);
    let bound = Bound::new(&schema(), &text, (mission, person)).unwrap_or_else(|| panic!("not valid: {text}"));
    narrow(&bound.set)
}

fn at<'a>(narrowing: &'a Narrowing, path: &str) -> &'a Constraint {
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    narrowing.paths.get(&path).unwrap_or_else(|| panic!("nothing holds of {path:?}"))
}

fn texts(values: &[&str]) -> Option<Vec<Value>> {
    Some(values.iter().map(|text| Value::string(text)).collect())
}

#[test]
fn what_authors_write_becomes_limits() {
    let equal = of("context.input.name == context.mission.customer && context.input.place.city == \"Bonn\"");
    assert_eq!(at(&equal, "name").one_of, texts(&["c-7"]));
    assert_eq!(at(&equal, "place.city").one_of, texts(&["Bonn"]));
    assert_eq!(equal.paths.len(), 2);

    let listed = of("context.input.name == \"b\" || context.input.name == \"a\" || context.input.name == \"b\"");
    assert_eq!(at(&listed, "name").one_of, texts(&["a", "b"]));
    assert_eq!(at(&of("[\"x\", \"y\"].contains(context.input.name)"), "name").one_of, texts(&["x", "y"]));
    assert_eq!(at(&of("context.person.regions.contains(context.input.name)"), "name").one_of, texts(&["eu", "us"]));

    let money = of("context.input.amount.lessThanOrEqual(context.mission.limit)");
    assert_eq!(at(&money, "amount").maximum, Some(Value::Decimal(2_505_000)));
    let money = of("context.input.amount.lessThan(context.mission.limit) && !context.input.dry");
    assert_eq!(at(&money, "amount").maximum, Some(Value::Decimal(2_504_999)));
    assert_eq!(at(&money, "dry").one_of, Some(vec![Value::Bool(false)]));

    let count = of("context.input.count > 2 && context.mission.most > context.input.count && context.input.count < 99");
    assert_eq!(
        (&at(&count, "count").minimum, &at(&count, "count").maximum),
        (&Some(Value::Long(3)), &Some(Value::Long(8)))
    );
    let within = of("[1, 5, 50].contains(context.input.count) && context.input.count < 10");
    assert_eq!(at(&within, "count").one_of, Some(vec![Value::Long(1), Value::Long(5)]));

    let tags = of("context.person.regions.containsAll(context.input.tags)");
    assert_eq!(at(&tags, "tags").each, texts(&["eu", "us"]));

    let like = of("context.input.name like \"*@acme.com\" && context.input.name like \"a+b*\"");
    assert_eq!(at(&like, "name").patterns(), [r"^[\s\S]*@acme\.com$", r"^a\+b[\s\S]*$"]);
    let like = of("context.input.name like \"a*\" || context.input.name == \"b.c\"");
    assert_eq!(at(&like, "name").patterns(), [r"^(?:a[\s\S]*|b\.c)$"]);
}

#[test]
fn several_permits_are_joined_where_all_say_something_of_a_place() {
    let both = of_all(&[
        "context.input.name == \"a\" && context.input.count < 5",
        "context.input.name == \"b\" && context.input.count == 40",
    ]);
    assert_eq!(at(&both, "name").one_of, texts(&["a", "b"]));
    assert_eq!((&at(&both, "count").minimum, &at(&both, "count").maximum), (&None, &Some(Value::Long(40))));
    let one = of_all(&["context.input.name == \"a\" && context.input.count < 5", "context.input.count < 7"]);
    assert_eq!(at(&one, "count").maximum, Some(Value::Long(6)));
    assert_eq!(one.paths.len(), 1);
    // Enough of them that a look-up finds them by the constant.
    let conditions: Vec<String> = (0..20).map(|number| format!("context.input.name == \"c{number}\"")).collect();
    let found = of_all(&conditions.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(at(&found, "name").one_of.as_ref().map(Vec::len), Some(20));
}

#[test]
fn what_is_not_known_before_the_call_says_nothing() {
    for condition in [
        "context.input.amount.lessThanOrEqual(context.facts.left)",
        "context.input.name == context.input.place.city",
        "context.input.count + 1 < 5",
        "context.input has memo",
        "context.input.name == \"a\" || context.input.count < 5",
        "context.input.name != \"a\"",
        "if context.input.dry then context.input.count < 5 else context.input.name == \"a\"",
    ] {
        let narrowing = of(condition);
        assert!(narrowing.paths.is_empty() && !narrowing.permits_nothing, "{condition}");
    }
    let many: Vec<String> = (0..65).map(|number| format!("\"c{number}\"")).collect();
    assert!(of(&format!("[{}].contains(context.input.name)", many.join(", "))).paths.is_empty());
    let never = of("context.input.count < 3 && context.input.count > 3");
    assert!(never.permits_nothing && never.paths.is_empty());
    // A forbid takes calls away; it is never shown as a limit.
    let text =
        "permit(principal, action, resource); forbid(principal, action, resource) when { context.input.count > 5 };";
    let forbidden = Bound::new(&schema(), text, run(&mut Random(1)));
    assert!(narrow(&forbidden.unwrap().set).paths.is_empty());
}

#[test]
fn limits_do_not_show_in_debug_output() {
    let narrowing = of("context.input.name == context.mission.customer");
    assert!(!format!("{narrowing:?} {:?}", at(&narrowing, "name")).contains("c-7"));
}
