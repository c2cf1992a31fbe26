//! The arguments of a tool: their JSON Schema and the check of a call against it, from one declaration.
//!
//! A tool reads its arguments only through [`Arguments`], which exists only for a call that fits. Never coerces: a
//! number that comes as text is refused.

use serde_json::{Map, Value, json};

use super::{Tool, ToolError, refuse};
use crate::money;

/// The longest text, in characters.
const TEXT_CHARACTERS_MAX: usize = 4_000;
/// The longest list, in items.
const LIST_ITEMS_MAX: usize = 50;

/// One argument of a tool; all are required.
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
}

/// What an argument may be.
pub(super) enum Kind {
    Text,
    Texts,
    Amount,
    OneOf(&'static [&'static str]),
}

/// The arguments of one call, checked.
pub(super) struct Arguments<'a> {
    tool: &'static str,
    given: &'a Map<String, Value>,
}

/// The JSON Schema of a list of arguments.
pub(super) fn schema(arguments: &[Argument]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        arguments.iter().map(|argument| (argument.name.to_owned(), argument.schema())).collect();
    let required: Vec<Value> = arguments.iter().map(|argument| Value::from(argument.name)).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), Value::from("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), Value::Array(required));
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    schema
}

impl Argument {
    fn schema(&self) -> Value {
        let about = self.about;
        match self.kind {
            Kind::Text => {
                json!({ "type": "string", "maxLength": TEXT_CHARACTERS_MAX, "description": about })
            }
            Kind::Texts => json!({
                "type": "array",
                "items": { "type": "string", "maxLength": TEXT_CHARACTERS_MAX },
                "minItems": 1,
                "maxItems": LIST_ITEMS_MAX,
                "description": about
            }),
            Kind::Amount => json!({
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": money::AMOUNT_CENTS_MAX / 100,
                "description": about
            }),
            Kind::OneOf(values) => {
                json!({ "type": "string", "enum": values, "description": about })
            }
        }
    }

    /// Says what is wrong with a value, if anything is.
    fn problem(&self, value: &Value) -> Option<String> {
        match self.kind {
            Kind::Text => {
                (!is_text(value)).then(|| format!("must be text of at most {TEXT_CHARACTERS_MAX} characters"))
            }
            Kind::Texts => {
                let fits = value
                    .as_array()
                    .is_some_and(|items| (1..=LIST_ITEMS_MAX).contains(&items.len()) && items.iter().all(is_text));
                (!fits).then(|| format!("must be a list of 1 to {LIST_ITEMS_MAX} texts"))
            }
            Kind::Amount => match amount(value) {
                Ok(cents) if cents > 0 => None,
                Ok(_) => Some("must be more than 0".to_owned()),
                Err(problem) => Some(problem),
            },
            Kind::OneOf(values) => {
                let fits = value.as_str().is_some_and(|text| values.contains(&text));
                (!fits).then(|| format!("must be one of {}", quoted(values.iter().copied())))
            }
        }
    }
}

impl<'a> Arguments<'a> {
    /// Checks what a call brought against what its tool takes.
    pub(super) fn check(tool: &Tool, given: &'a Map<String, Value>) -> Result<Self, ToolError> {
        let takes = || match tool.arguments {
            [] => "it takes no arguments".to_owned(),
            some => format!("it takes {}", quoted(some.iter().map(|argument| argument.name))),
        };
        if let Some(extra) = given.keys().find(|key| tool.arguments.iter().all(|argument| argument.name != **key)) {
            return refuse(format!("`{extra}` is no argument of `{}`; {}", tool.name, takes()));
        }
        for argument in tool.arguments {
            let Some(value) = given.get(argument.name) else {
                return refuse(format!("`{}` is missing in the call of `{}`; {}", argument.name, tool.name, takes()));
            };
            if let Some(problem) = argument.problem(value) {
                return refuse(format!("`{}` of `{}` {problem}", argument.name, tool.name));
            }
        }
        Ok(Self { tool: tool.name, given })
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, ToolError> {
        self.given.get(name).and_then(Value::as_str).ok_or_else(|| self.undeclared(name))
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, ToolError> {
        let items = self.given.get(name).and_then(Value::as_array).ok_or_else(|| self.undeclared(name))?;
        Ok(items.iter().filter_map(Value::as_str).collect())
    }

    /// An amount, in cents.
    pub(super) fn amount(&self, name: &str) -> Result<i64, ToolError> {
        let value = self.given.get(name).ok_or_else(|| self.undeclared(name))?;
        amount(value).map_err(ToolError::Refused)
    }

    /// Reached only if a tool reads an argument that its entry in the catalogue does not declare.
    fn undeclared(&self, name: &str) -> ToolError {
        ToolError::Refused(format!("`{}` needs `{name}`", self.tool))
    }
}

fn amount(value: &Value) -> Result<i64, String> {
    match value {
        Value::Number(number) => money::from_number(number).map_err(|error| format!("must be an amount: {error}")),
        _ => Err("must be a number with at most two decimals".to_owned()),
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.chars().count() <= TEXT_CHARACTERS_MAX)
}

fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
