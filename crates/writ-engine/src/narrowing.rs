//! A tool's schema as one run sees it: with the limits that the run's mission sets to its arguments.
//!
//! A model that reads the schema meets its limits before it makes a call. The schema decides nothing: a call is
//! checked against the tool's own schema and then decided.
//!
//! Invariants: what comes out is a JSON Schema of draft 2020-12 if what went in was one; it accepts every call that
//! the tool's own schema and the [`Narrowing`] both accept; nothing but the narrowed properties is touched.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value as Json, json};
use writ_core::policy::{Constraint, Narrowing, narrow};
use writ_core::value::{Type, Value, format_decimal};

use crate::scope::RunScope;

/// The limits that the run's mission sets to calls of one action.
pub(crate) fn of_call(scope: &RunScope, action: &str) -> Narrowing {
    scope.calls.get(action).map(|(_, bound)| narrow(bound.mission())).unwrap_or_default()
}

/// The schema with the limits in it. A limit on a property that the schema does not have is left out.
pub(crate) fn apply(schema: &Map<String, Json>, narrowing: &Narrowing) -> Map<String, Json> {
    let mut narrowed = schema.clone();
    for (path, constraint) in &narrowing.paths {
        if let Some(property) = property(&mut narrowed, path) {
            constrain(property, constraint);
        }
    }
    narrowed
}

/// The schema of a property, where it stands written out.
fn property<'a>(schema: &'a mut Map<String, Json>, path: &[String]) -> Option<&'a mut Map<String, Json>> {
    path.iter().try_fold(schema, |schema, name| schema.get_mut("properties")?.get_mut(name)?.as_object_mut())
}

fn constrain(property: &mut Map<String, Json>, constraint: &Constraint) {
    if let Some(values) = &constraint.one_of {
        list(property, values);
    }
    if let Some(least) = constraint.minimum.as_ref().and_then(number) {
        bound(property, ["minimum", "exclusiveMinimum"], least, Ordering::Greater);
    }
    if let Some(most) = constraint.maximum.as_ref().and_then(number) {
        bound(property, ["maximum", "exclusiveMaximum"], most, Ordering::Less);
    }
    if let Some(each) = &constraint.each
        && let Some(Json::Object(items)) = property.get_mut("items")
    {
        list(items, each);
    }
    for pattern in constraint.patterns() {
        match property.get("pattern") {
            None => _ = property.insert("pattern".to_owned(), Json::String(pattern)),
            Some(there) if *there == pattern => {}
            Some(_) => also(property, json!({ "pattern": pattern })),
        }
    }
}

/// One of these values, and one of those that the schema lists already.
fn list(schema: &mut Map<String, Json>, values: &[Value]) {
    let Some(listed) = values.iter().map(json_of).collect::<Option<Vec<Json>>>().filter(|listed| !listed.is_empty())
    else {
        return;
    };
    let is_listed = |there: &Json| values.iter().any(|value| same(value, there));
    let (name, limit) =
        if let [one] = listed.as_slice() { ("const", one.clone()) } else { ("enum", Json::Array(listed)) };
    let fixed = schema.get("const").map(is_listed);
    let shared = schema.get("enum").map(|there| there.as_array().is_some_and(|there| there.iter().any(is_listed)));
    match (fixed, shared) {
        (Some(true), _) => {}
        (None, None) => _ = schema.insert(name.to_owned(), limit),
        (None, Some(true)) => {
            if let Some(Json::Array(there)) = schema.get_mut("enum") {
                there.retain(is_listed);
            }
        }
        _ => also(schema, json!({ name: limit })),
    }
}

/// A bound, where the schema has none that is as tight. `names` are those of the bound and of its strict form.
fn bound(property: &mut Map<String, Json>, names: [&str; 2], limit: Number, tighter: Ordering) {
    let [name, strict] = names;
    // In draft 4 the strict form is a flag, which would make the new bound a strict one.
    if property.get(strict).is_some_and(Json::is_boolean) {
        return;
    }
    let is_tighter = match property.get(name) {
        None => true,
        Some(Json::Number(there)) => order(&limit, there) == Some(tighter),
        Some(_) => false,
    };
    if is_tighter {
        property.insert(name.to_owned(), Json::Number(limit));
    }
}

/// Adds a schema that must hold as well.
fn also(schema: &mut Map<String, Json>, limit: Json) {
    if let Json::Array(all) = schema.entry("allOf").or_insert_with(|| json!([])) {
        all.push(limit);
    }
}

fn order(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Whether a value in a schema is this one.
fn same(value: &Value, there: &Json) -> bool {
    let ty = match (value, there) {
        (Value::Bool(_), Json::Bool(_)) => Type::Bool,
        (Value::String(_), Json::String(_)) => Type::String,
        (Value::Long(_), Json::Number(_)) => Type::Long,
        (Value::Decimal(_), Json::Number(_)) => Type::Decimal,
        _ => return false,
    };
    Value::from_json(there, &ty).is_ok_and(|there| there == *value)
}

/// A value as it stands in a call.
fn json_of(value: &Value) -> Option<Json> {
    match value {
        Value::Bool(value) => Some(Json::Bool(*value)),
        Value::String(text) => Some(Json::String(text.to_string())),
        value => number(value).map(Json::Number),
    }
}

/// A number as it stands in a call: the double next to a decimal, which is what a call's own text becomes as well.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Long(number) => Some(Number::from(*number)),
        Value::Decimal(number) => {
            let text = format_decimal(*number);
            match text.strip_suffix(".0") {
                Some(whole) => whole.parse::<i64>().ok().map(Number::from),
                None => Number::from_f64(text.parse().ok()?),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use writ_core::policy::{ActionShape, BoundSet, Inputs, PolicySource, Question, SchemaBuilder, SetKind, Subject};
    use writ_core::value::{EntityName, Field};

    use super::*;

    fn tool() -> Json {
        json!({
            "type": "object",
            "properties": {
                "amount": { "type": "number", "description": "how much", "maximum": 1000, "exclusiveMinimum": 0 },
                "count": { "type": "integer" },
                "size": { "type": "string", "enum": ["s", "m", "l"] },
                "to": { "type": "string", "pattern": "@" },
                "dry": { "type": "boolean" },
                "tags": { "type": "array", "items": { "type": "string" } },
                "place": { "type": "object", "properties": { "zip": { "type": "integer" } }, "required": ["zip"] },
                "hidden": true,
            },
            "required": ["amount", "count", "size", "to", "dry", "tags", "place"],
            "additionalProperties": false,
        })
    }

    fn required(ty: Type) -> Field {
        Field { ty, required: true }
    }

    /// What a mission's condition makes of the tool, for the customer `c@x.org`.
    fn narrowing(condition: &str) -> Narrowing {
        let mut builder = SchemaBuilder::default();
        builder.entity("Worker", BTreeMap::new(), &[]);
        builder.entity("Tool", BTreeMap::new(), &[]);
        let input = Type::from_json_schema(&tool()).unwrap();
        let mission = Type::Record(BTreeMap::from([("to".to_owned(), required(Type::String))]));
        let context =
            BTreeMap::from([("input".to_owned(), required(input)), ("mission".to_owned(), required(mission))]);
        let shape = ActionShape {
            principals: vec!["Worker".into()],
            resources: vec!["Tool".into()],
            context: Type::Record(context),
            groups: Vec::new(),
        };
        builder.action("pay", shape);
        let (schema, shapes) = builder.build().unwrap();
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        let (source, _) = PolicySource::new(SetKind::Mission, Arc::new(schema), Arc::new(shapes), &text)
            .unwrap_or_else(|_| panic!("{text}"));
        let set = Arc::new(source.compile(&Question::new("Worker", "pay", "Tool")));
        let mission = Value::record([(Arc::from("to"), Value::string("c@x.org"))]);
        let context = Value::record([(Arc::from("mission"), mission)]);
        let (principal, tool, attributes) =
            (Subject::new("Worker", "w"), EntityName::new("Tool", "pay"), Value::record([]));
        let inputs = Inputs { principal: &principal, resource: &tool, attributes: &attributes, context: &context };
        narrow(&BoundSet::new(&set, &inputs))
    }

    fn applied(condition: &str) -> Json {
        let tool = tool();
        let schema = Json::Object(apply(tool.as_object().unwrap(), &narrowing(condition)));
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{schema}");
        schema
    }

    fn call() -> Json {
        json!({ "amount": 20.5, "count": 3, "size": "m", "to": "c@x.org", "dry": true, "tags": ["a"], "place": { "zip": 7 } })
    }

    #[test]
    fn limits_stand_in_the_properties_that_they_are_about() {
        let schema = applied(
            "context.input.amount.lessThan(decimal(\"250.5\")) && context.input.to == context.mission.to \
             && context.input.count >= 2 && context.input.place.zip == 7 && context.input.dry \
             && [\"m\", \"l\", \"xl\"].contains(context.input.size) && [\"a\", \"b\"].containsAll(context.input.tags)",
        );
        let at = |path: &str| schema.pointer(&format!("/properties/{path}")).unwrap().clone();
        assert_eq!(
            at("amount"),
            json!({ "type": "number", "description": "how much", "maximum": 250.4999, "exclusiveMinimum": 0 })
        );
        assert_eq!(at("to"), json!({ "type": "string", "pattern": "@", "const": "c@x.org" }));
        assert_eq!(at("count"), json!({ "type": "integer", "minimum": 2 }));
        assert_eq!(at("place/properties/zip"), json!({ "type": "integer", "const": 7 }));
        assert_eq!(at("dry"), json!({ "type": "boolean", "const": true }));
        assert_eq!(at("size"), json!({ "type": "string", "enum": ["m", "l"] }));
        assert_eq!(at("tags"), json!({ "type": "array", "items": { "type": "string", "enum": ["a", "b"] } }));
        assert_eq!((&schema["required"], at("hidden")), (&tool()["required"], json!(true)));
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&call()));
    }

    #[test]
    fn what_the_tool_itself_says_stays() {
        let schema = applied("context.input.amount.lessThan(decimal(\"5000.0\")) && context.input.to like \"*.org\"");
        assert_eq!(schema["properties"]["amount"]["maximum"], 1000);
        let to = &schema["properties"]["to"];
        assert_eq!((&to["pattern"], &to["allOf"]), (&json!("@"), &json!([{ "pattern": r"^[\s\S]*\.org$" }])));
        // A list that has nothing in common with the tool's own leaves no call, in a schema that is still one.
        let schema = applied("context.input.size == \"xl\"");
        assert!(!jsonschema::validator_for(&schema).unwrap().is_valid(&call()));
        assert_eq!(schema["properties"]["size"]["enum"], json!(["s", "m", "l"]));
        // Without a limit nothing changes.
        assert_eq!(applied("context.input.count + 1 < 5"), tool());
    }

    #[test]
    fn a_limit_on_what_the_schema_does_not_have_is_left_out() {
        let narrowing = narrowing("context.input.count == 3 && context.input.place.zip == 7");
        for schema in [
            json!({ "type": "object" }),
            json!({ "properties": { "count": true, "place": { "$ref": "#/$defs/place" } } }),
            json!({ "properties": { "count": false, "place": { "properties": [] } } }),
            json!({ "properties": 7 }),
        ] {
            let schema = schema.as_object().unwrap();
            assert_eq!(apply(schema, &narrowing), *schema);
        }
    }

    #[test]
    fn the_schema_accepts_exactly_what_is_within_the_limits() {
        let conditions = [
            "context.input.amount.lessThanOrEqual(decimal(\"20.5\"))",
            "context.input.amount.greaterThan(decimal(\"20.5\")) || context.input.amount == decimal(\"3.0\")",
            "context.input.amount == decimal(\"240.0\") || context.input.amount == decimal(\"0.1\")",
            "context.input.count < 3",
            "context.input.count == 3 || context.input.count == -4",
            "!(context.input.count <= 3)",
            "context.input.to like \"c@*\"",
            "context.input.to like \"*(a|b)+\\*@*\" || context.input.to == context.mission.to",
            "[\"s\", \"l\"].contains(context.input.size)",
            "!context.input.dry",
            "[\"a\"].containsAll(context.input.tags)",
        ];
        let mut calls = Vec::new();
        for (name, values) in [
            ("amount", json!([20.5, 20.4999, 20.5001, 3, 3.0, 240, 240.0, 2.4e2, 0.1, 999.9999])),
            ("count", json!([2, 3, 3.0, 4, -4])),
            ("to", json!(["c@x.org", "c@", "x(a|b)+*@y", "xab*@y", "x@\n", "c@\n\u{2028}x"])),
            ("size", json!(["s", "m", "l"])),
            ("dry", json!([true, false])),
            ("tags", json!([[], ["a"], ["a", "b"]])),
        ] {
            calls.extend(values.as_array().unwrap().iter().map(|value| {
                let mut call = call();
                call[name] = value.clone();
                call
            }));
        }
        let own = jsonschema::validator_for(&tool()).unwrap();
        let ty = Type::from_json_schema(&tool()).unwrap();
        for condition in conditions {
            let (narrowing, validator) =
                (narrowing(condition), jsonschema::validator_for(&applied(condition)).unwrap());
            let mut accepted = 0;
            for call in &calls {
                assert!(own.is_valid(call), "{call}");
                let within = narrowing.accepts(&Value::from_json(call, &ty).unwrap());
                assert_eq!(validator.is_valid(call), within, "{condition}: {call}");
                accepted += usize::from(within);
            }
            assert!(accepted > 0 && accepted < calls.len(), "{condition} tells no calls apart");
        }
    }

    #[test]
    fn a_strict_flag_of_draft_4_is_left_alone() {
        let schema = json!({ "properties": { "count": { "minimum": 0, "exclusiveMinimum": true } } });
        let narrowed = apply(schema.as_object().unwrap(), &narrowing("context.input.count >= 2"));
        assert_eq!(Json::Object(narrowed), schema);
    }
}
