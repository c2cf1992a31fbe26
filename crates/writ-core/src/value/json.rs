//! JSON as typed values: what arguments become before a policy sees them.

use std::sync::Arc;

use serde_json::Value as Json;

use super::decimal::DECIMAL_SCALE;
use super::{Type, Value, ValueSet, parse_datetime, parse_decimal};

/// A value that does not fit the type it must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a {expected}: {found}")]
pub struct Misfit {
    /// Where the value stands, as field names joined with dots.
    pub path: String,
    /// The type that it must have.
    pub expected: String,
    /// What was found, in words, without the value itself.
    pub found: String,
}

pub(super) fn from_json(json: &Json, ty: &Type, path: &mut Vec<String>) -> Result<Value, Misfit> {
    let misfit = |found: &str, path: &[String]| Misfit {
        path: path.join("."),
        expected: ty.to_string(),
        found: found.to_owned(),
    };
    match (ty, json) {
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Long, Json::Number(number)) => match number.as_i64() {
            Some(value) => Ok(Value::Long(value)),
            None => whole(number).map(Value::Long).ok_or_else(|| misfit("a number that is no 64-bit integer", path)),
        },
        (Type::Decimal, Json::Number(number)) => parse_decimal(&number.to_string())
            .map(Value::Decimal)
            .ok_or_else(|| misfit("a number that does not fit four decimal places", path)),
        (Type::Decimal, Json::String(text)) => {
            parse_decimal(text).map(Value::Decimal).ok_or_else(|| misfit("text that is no decimal number", path))
        }
        (Type::String, Json::String(text)) => Ok(Value::string(text)),
        (Type::Datetime, Json::String(text)) => {
            parse_datetime(text).map(Value::Datetime).ok_or_else(|| misfit("text that is no RFC 3339 time", path))
        }
        (Type::Set(of), Json::Array(items)) => {
            let mut values = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                values.push(from_json(item, of, path)?);
                path.pop();
            }
            ValueSet::collect(values)
                .map(|set| Value::Set(Arc::new(set)))
                .ok_or_else(|| misfit("an array of something else than scalars", path))
        }
        (Type::Record(fields), Json::Object(object)) => {
            let mut values = Vec::with_capacity(fields.len());
            for (name, field) in fields {
                path.push(name.clone());
                match object.get(name) {
                    Some(value) => values.push((Arc::from(name.as_str()), from_json(value, &field.ty, path)?)),
                    None if field.required => return Err(misfit("missing", path)),
                    None => {}
                }
                path.pop();
            }
            Ok(Value::record(values))
        }
        (_, Json::Null) => Err(misfit("null", path)),
        (_, Json::Bool(_)) => Err(misfit("a boolean", path)),
        (_, Json::Number(_)) => Err(misfit("a number", path)),
        (_, Json::String(_)) => Err(misfit("text", path)),
        (_, Json::Array(_)) => Err(misfit("an array", path)),
        (_, Json::Object(_)) => Err(misfit("an object", path)),
    }
}

/// An integer written as a double (`3.0`), which JSON does not tell from `3`.
fn whole(number: &serde_json::Number) -> Option<i64> {
    let scaled = parse_decimal(&number.to_string())?;
    let scale = i64::try_from(DECIMAL_SCALE).ok()?;
    (scaled.checked_rem(scale)? == 0).then(|| scaled.checked_div(scale)).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::value::Field;

    #[test]
    fn a_misfit_names_its_path() {
        let amount = Field { ty: Type::Decimal, required: true };
        let ty = Type::Record(BTreeMap::from([("amount".to_owned(), amount)]));
        let error = Value::from_json(&serde_json::json!({"amount": 1.000_01}), &ty).unwrap_err();
        assert_eq!(error.path, "amount");
        assert!(Value::from_json(&serde_json::json!({}), &ty).is_err());
        assert!(Value::from_json(&serde_json::json!({"amount": null}), &ty).is_err());
    }
}
