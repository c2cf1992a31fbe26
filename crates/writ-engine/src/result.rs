//! What of an integration's result passes, and what a condition over it reads.
//!
//! A result comes from a party that is not trusted: it may be deep, of another shape than declared, or about somebody
//! else. Everything here is a pure function of it. Nothing here repeats a value of it in a text, since what does not
//! pass must not show in the reason either.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use writ_core::value::{Misfit, Type, Value};

/// How deep a result may be: the levels of objects and arrays. A deeper one does not pass.
const DEPTH_MAX: usize = 64;

/// How long a reason is at most.
const REASON_CHARS_MAX: usize = 200;

/// The part of a result that lies at the named fields. A field is a dotted name, such as `items.name`; it goes through
/// arrays, and what lies below it passes as a whole. An element of an array that is no object has no fields and does
/// not pass.
///
/// Nothing where the result is no object or array, or is too deep.
pub(crate) fn project(value: &Json, fields: &[String]) -> Option<Json> {
    if !(value.is_object() || value.is_array()) || !within_depth(value, DEPTH_MAX) {
        return None;
    }
    let mut wanted = Wanted::default();
    fields.iter().for_each(|field| wanted.add(field));
    wanted.of(value)
}

/// The fields that pass, as a tree.
#[derive(Debug, Default)]
struct Wanted<'a> {
    whole: bool,
    below: BTreeMap<&'a str, Wanted<'a>>,
}

impl<'a> Wanted<'a> {
    fn add(&mut self, field: &'a str) {
        // A result is nowhere deeper, so a longer name would name nothing.
        if field.split('.').count() <= DEPTH_MAX {
            field.split('.').fold(self, |at, name| at.below.entry(name).or_default()).whole = true;
        }
    }

    fn of(&self, value: &Json) -> Option<Json> {
        match value {
            value if self.whole => Some(value.clone()),
            Json::Object(members) => {
                let passing = members.iter().filter_map(|(name, value)| {
                    let value = self.below.get(name.as_str())?.of(value)?;
                    Some((name.clone(), value))
                });
                Some(Json::Object(passing.collect()))
            }
            Json::Array(elements) => {
                Some(Json::Array(elements.iter().filter_map(|element| self.of(element)).collect()))
            }
            _ => None,
        }
    }
}

/// A result as a condition reads it. What its type does not declare is left out; what it requires must be there.
///
/// # Errors
/// A [`Misfit`], which repeats no value.
pub(crate) fn typed(value: &Json, ty: &Type) -> Result<Value, Misfit> {
    if !within_depth(value, DEPTH_MAX) {
        let found = format!("deeper than {DEPTH_MAX} levels");
        return Err(Misfit { path: String::new(), expected: ty.to_string(), found });
    }
    // Reading goes by the type: members that it does not declare are never looked at.
    Value::from_json(value, ty)
}

/// Whether a result fits its schema.
///
/// # Errors
/// Where in the schema it does not, in words that repeat nothing of the result.
pub(crate) fn fits(schema: &jsonschema::Validator, value: &Json) -> Result<(), String> {
    if !within_depth(value, DEPTH_MAX) {
        return Err(format!("the result is deeper than {DEPTH_MAX} levels"));
    }
    let Some(error) = schema.iter_errors(value).next() else { return Ok(()) };
    // The place in the schema is the operator's or the server's; the place in the result may be somebody's name.
    let place: String = error.schema_path().as_str().chars().filter(|character| !character.is_control()).collect();
    let reason = format!("the result does not fit its schema at `{place}`");
    Err(match reason.char_indices().nth(REASON_CHARS_MAX) {
        Some((at, _)) => format!("{}…", reason.get(..at).unwrap_or_default()),
        None => reason,
    })
}

/// A tool's result in the protocol's own form, with nothing in it but the part that passes.
///
/// Structured content that is no object is left to the text, unless the server itself sent such: revisions before
/// 2026-07-28 have objects only.
pub(crate) fn replaced(message: &Map<String, Json>, projected: &Json) -> Map<String, Json> {
    let mut replaced = Map::new();
    replaced.insert("content".to_owned(), json!([{ "type": "text", "text": projected.to_string() }]));
    if projected.is_object() || message.get("structuredContent").is_some_and(|content| !content.is_object()) {
        replaced.insert("structuredContent".to_owned(), projected.clone());
    }
    if let Some(Json::Bool(is_error)) = message.get("isError") {
        replaced.insert("isError".to_owned(), Json::Bool(*is_error));
    }
    replaced
}

/// Whether a value has at most so many levels of objects and arrays. Looks no deeper than that.
fn within_depth(value: &Json, levels: usize) -> bool {
    match value {
        Json::Object(members) => {
            levels.checked_sub(1).is_some_and(|levels| members.values().all(|value| within_depth(value, levels)))
        }
        Json::Array(elements) => {
            levels.checked_sub(1).is_some_and(|levels| elements.iter().all(|value| within_depth(value, levels)))
        }
        _ => true,
    }
}

/// What of a value its type declares, in the value's own form.
pub(crate) fn declared(value: &Json, ty: &Type) -> Json {
    match (value, ty) {
        (Json::Object(members), Type::Record(fields)) => {
            let kept = members.iter().filter_map(|(name, member)| {
                let field = fields.get(name)?;
                Some((name.clone(), declared(member, &field.ty)))
            });
            Json::Object(kept.collect())
        }
        (Json::Array(items), Type::Set(of)) => Json::Array(items.iter().map(|item| declared(item, of)).collect()),
        (other, _) => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use writ_core::value::{Field, ValueSet};

    use super::*;

    fn names(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    /// `[[[…]]]` or `{"a": {"a": …}}`.
    fn deep(levels: usize, object: bool) -> Json {
        (0..levels).fold(json!(1), |inner, _| if object { json!({ "a": inner }) } else { json!([inner]) })
    }

    #[test]
    fn only_named_fields_pass() {
        let order = json!({
            "id": 7, "card": "4242424242424242",
            "items": [{ "name": "lamp", "cost": 3 }, "stray", [{ "name": "bulb", "cost": 1 }]],
            "to": { "name": "Ana", "street": "x" },
        });
        let project = |fields: &[&str]| project(&order, &names(fields)).unwrap();
        assert_eq!(project(&["id"]), json!({ "id": 7 }));
        assert_eq!(project(&["items.name"]), json!({ "items": [{ "name": "lamp" }, [{ "name": "bulb" }]] }));
        assert_eq!(project(&["to", "to.name", "id"]), json!({ "id": 7, "to": { "name": "Ana", "street": "x" } }));
        assert_eq!(project(&["to.name"]), json!({ "to": { "name": "Ana" } }));
        // What is not there, goes through a scalar or is only the beginning of a name passes nothing.
        assert_eq!(project(&["card.number", "none", "i", ""]), json!({}));
        assert_eq!(project(&[]), json!({}));
    }

    #[test]
    fn a_projection_is_of_objects_and_arrays() {
        let list = json!([{ "a": 1, "b": 2 }, { "b": 3 }, 4]);
        assert_eq!(project(&list, &names(&["a"])), Some(json!([{ "a": 1 }, {}])));
        for scalar in [json!("4242"), json!(7), json!(true), Json::Null] {
            assert_eq!(project(&scalar, &names(&["a"])), None);
        }
    }

    #[test]
    fn what_is_too_deep_does_not_pass() {
        let (any, record) = (jsonschema::validator_for(&json!(true)).unwrap(), Type::Record(BTreeMap::new()));
        let fields = names(&["a"]);
        for object in [true, false] {
            let (fine, deeper) = (deep(DEPTH_MAX, object), deep(DEPTH_MAX + 1, object));
            assert!(project(&fine, &fields).is_some() && fits(&any, &fine).is_ok());
            assert!(project(&deeper, &fields).is_none() && fits(&any, &deeper).is_err());
            assert!(typed(&deeper, &record).is_err());
        }
        assert!(typed(&deep(DEPTH_MAX, true), &record).is_ok());
        let long = vec!["a"; DEPTH_MAX + 1].join(".");
        assert_eq!(project(&json!({ "a": { "a": 1 } }), &[long]), Some(json!({})));
    }

    fn order_type() -> Type {
        let field = |ty, required| Field { ty, required };
        let buyer = BTreeMap::from([("id".to_owned(), field(Type::String, true))]);
        Type::Record(BTreeMap::from([
            ("total".to_owned(), field(Type::Decimal, true)),
            ("note".to_owned(), field(Type::String, false)),
            ("buyer".to_owned(), field(Type::Record(buyer), true)),
            ("tags".to_owned(), field(Type::Set(Box::new(Type::String)), false)),
        ]))
    }

    #[test]
    fn members_that_are_not_declared_are_left_out() {
        let result = json!({
            "total": 240.5, "buyer": { "id": "c-7", "card": { "number": [1] } }, "tags": ["a", "a"], "more": [{ "x": null }],
        });
        let value = typed(&result, &order_type()).unwrap();
        assert_eq!(value.at(&["total"]), Some(&Value::Decimal(2_405_000)));
        assert_eq!(value.at(&["buyer", "id"]), Some(&Value::string("c-7")));
        assert_eq!(value.at(&["buyer", "card"]), None);
        assert_eq!(value.at(&["more"]), None);
        let tags = ValueSet::collect([Value::string("a")]).unwrap();
        assert_eq!(value.at(&["tags"]), Some(&Value::Set(tags.into())));
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_a_misfit_without_its_value() {
        for (result, path) in [
            (json!({ "buyer": { "id": "c-7" } }), "total"),
            (json!({ "total": 1, "buyer": {} }), "buyer.id"),
            (json!({ "total": "canary", "buyer": { "id": "c-7" } }), "total"),
            (json!({ "total": 1.000_01, "buyer": { "id": "c-7" } }), "total"),
            (json!({ "total": 1, "buyer": { "id": ["canary"] } }), "buyer.id"),
            (json!(["canary"]), ""),
        ] {
            let misfit = typed(&result, &order_type()).unwrap_err();
            assert_eq!(misfit.path, path);
            assert!(!misfit.to_string().contains("canary"), "{misfit}");
        }
    }

    #[test]
    fn a_reason_repeats_nothing_of_the_result() {
        let schema = json!({
            "type": "object", "required": ["id"], "additionalProperties": { "type": "integer" },
            "properties": { "id": { "type": "string", "maxLength": 3 }, "state": { "enum": ["open", "shut"] } },
        });
        let schema = jsonschema::validator_for(&schema).unwrap();
        assert_eq!(fits(&schema, &json!({ "id": "c-7", "more": 1 })), Ok(()));
        for (result, place) in [
            (json!({}), "/required"),
            (json!({ "id": "canary-7" }), "/properties/id/maxLength"),
            (json!({ "id": "a", "state": "canary-7" }), "/properties/state/enum"),
            (json!({ "id": "a", "canary-7": "canary-7" }), "/additionalProperties/type"),
            (json!("canary-7"), "/type"),
        ] {
            let reason = fits(&schema, &result).unwrap_err();
            assert!(reason.contains(&format!("`{place}`")) && !reason.contains("canary"), "{reason}");
        }
        let long = "n".repeat(4_000);
        let schema = jsonschema::validator_for(&json!({ "properties": { long.as_str(): false } })).unwrap();
        let reason = fits(&schema, &json!({ long.as_str(): 1 })).unwrap_err();
        assert!(reason.chars().count() <= REASON_CHARS_MAX + 1, "{reason}");
    }

    #[test]
    fn a_message_is_left_with_what_passes_alone() {
        let message = json!({
            "content": [{ "type": "text", "text": "canary" }, { "type": "image", "data": "canary", "mimeType": "image/png" }],
            "structuredContent": { "id": 7, "card": "canary" }, "isError": false, "_meta": { "x": "canary" }, "y": "canary",
        });
        let replaced = replaced(message.as_object().unwrap(), &json!({ "id": 7 }));
        let whole = json!({
            "content": [{ "type": "text", "text": "{\"id\":7}" }], "structuredContent": { "id": 7 }, "isError": false,
        });
        assert_eq!(Json::Object(replaced), whole);
    }

    #[test]
    fn structured_content_that_is_no_object_is_sent_only_where_the_server_did() {
        let (list, text) = (json!([{ "id": 7 }]), json!([{ "type": "text", "text": "[{\"id\":7}]" }]));
        let plain = json!({ "content": [{ "type": "text", "text": "[]" }] });
        assert_eq!(Json::Object(replaced(plain.as_object().unwrap(), &list)), json!({ "content": text }));
        let structured = json!({ "content": [], "structuredContent": [] });
        let both = json!({ "content": text, "structuredContent": list });
        assert_eq!(Json::Object(replaced(structured.as_object().unwrap(), &list)), both);
    }
}
