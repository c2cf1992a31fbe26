//! The Cedar schema, made from the real tables and the real tools.
//!
//! Nobody writes a schema by hand: entity types come from the sources' columns, actions and their `input`
//! from the tools' JSON Schemas, `principal`'s attributes from people.yaml. Because every attribute is typed,
//! strict validation finds a misspelt column, a comparison of money with text, or a condition that can never
//! hold before any worker starts. Numbers become `decimal`, since Cedar has no floats.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json, json};

use super::expr::{Root, Slot};
use crate::value::{Field, Type};

/// The attributes of an entity type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityShape {
    /// Always a [`Type::Record`].
    pub attributes: Type,
    /// The entity types that its entities can be in.
    pub member_of: Vec<String>,
}

/// What an action applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionShape {
    /// The principal types.
    pub principals: Vec<String>,
    /// The resource types.
    pub resources: Vec<String>,
    /// The context: always a [`Type::Record`].
    pub context: Type,
    /// The action groups that it is in.
    pub groups: Vec<String>,
}

/// The types of everything that a condition can read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shapes {
    entities: HashMap<String, EntityShape>,
    actions: HashMap<String, ActionShape>,
}

impl Shapes {
    /// An action's shape.
    #[must_use]
    pub fn action(&self, action: &str) -> Option<&ActionShape> {
        self.actions.get(action)
    }

    /// An entity type's shape.
    #[must_use]
    pub fn entity(&self, kind: &str) -> Option<&EntityShape> {
        self.entities.get(kind)
    }

    /// The type of a slot in a question, and whether the slot can never be missing.
    #[must_use]
    pub fn slot(&self, principal: &str, action: &str, resource: &str, slot: &Slot) -> Option<(&Type, bool)> {
        let root = match slot.root {
            Root::Principal => &self.entities.get(principal)?.attributes,
            Root::Resource => &self.entities.get(resource)?.attributes,
            Root::Context => &self.actions.get(action)?.context,
        };
        slot.path.iter().try_fold((root, true), |(ty, present), name| match ty {
            Type::Record(fields) => fields.get(&**name).map(|field| (&field.ty, present && field.required)),
            _ => None,
        })
    }
}

/// Collects entity types and actions, and makes the schema.
#[derive(Debug, Clone, Default)]
pub struct SchemaBuilder {
    shapes: Shapes,
    action_groups: Vec<String>,
}

impl SchemaBuilder {
    /// Adds an entity type, such as `User` or `shop::orders`.
    pub fn entity(&mut self, kind: &str, attributes: BTreeMap<String, Field>, member_of: &[&str]) {
        let shape = EntityShape {
            attributes: Type::Record(attributes),
            member_of: member_of.iter().map(|kind| (*kind).to_owned()).collect(),
        };
        self.shapes.entities.insert(kind.to_owned(), shape);
    }

    /// Adds an action.
    pub fn action(&mut self, name: &str, shape: ActionShape) {
        self.shapes.actions.insert(name.to_owned(), shape);
    }

    /// Adds an action that only groups others.
    pub fn action_group(&mut self, name: &str) {
        self.action_groups.push(name.to_owned());
    }

    /// Makes the schema.
    ///
    /// # Errors
    /// Cedar's own message, where a name is no Cedar identifier or a type does not exist.
    pub fn build(self) -> Result<(cedar_policy::Schema, Shapes), String> {
        let mut namespaces: BTreeMap<&str, Map<String, Json>> = BTreeMap::new();
        for (kind, shape) in &self.shapes.entities {
            let (namespace, name) = kind.rsplit_once("::").unwrap_or(("", kind));
            let entity = json!({ "memberOfTypes": shape.member_of, "shape": cedar_type(&shape.attributes) });
            namespaces.entry(namespace).or_default().insert(name.to_owned(), entity);
        }
        let mut actions = Map::new();
        for group in &self.action_groups {
            actions.insert(group.clone(), json!({}));
        }
        for (name, shape) in &self.shapes.actions {
            let groups: Vec<Json> = shape.groups.iter().map(|group| json!({ "id": group })).collect();
            actions.insert(
                name.clone(),
                json!({
                    "memberOf": groups,
                    "appliesTo": {
                        "principalTypes": shape.principals,
                        "resourceTypes": shape.resources,
                        "context": cedar_type(&shape.context),
                    },
                }),
            );
        }
        namespaces.entry("").or_default();
        let mut schema = Map::new();
        for (namespace, entities) in namespaces {
            let actions = if namespace.is_empty() { std::mem::take(&mut actions) } else { Map::new() };
            schema.insert(namespace.to_owned(), json!({ "entityTypes": entities, "actions": actions }));
        }
        let schema = cedar_policy::Schema::from_json_value(Json::Object(schema)).map_err(|error| error.to_string())?;
        Ok((schema, self.shapes))
    }
}

fn cedar_type(ty: &Type) -> Json {
    match ty {
        Type::Bool => json!({ "type": "Boolean" }),
        Type::Long => json!({ "type": "Long" }),
        Type::String => json!({ "type": "String" }),
        Type::Decimal => json!({ "type": "Extension", "name": "decimal" }),
        Type::Datetime => json!({ "type": "Extension", "name": "datetime" }),
        Type::Set(of) => json!({ "type": "Set", "element": cedar_type(of) }),
        Type::Record(fields) => {
            let mut attributes = Map::new();
            for (name, field) in fields {
                let mut attribute = cedar_type(&field.ty);
                if let Json::Object(attribute) = &mut attribute {
                    attribute.insert("required".to_owned(), Json::Bool(field.required));
                }
                attributes.insert(name.clone(), attribute);
            }
            json!({ "type": "Record", "attributes": attributes })
        }
    }
}

impl Type {
    /// The type of a tool's arguments, from their JSON Schema: what conditions can speak of.
    ///
    /// Parts that Cedar has no type for (arrays of objects, unions, free-form objects) are left out: a
    /// condition cannot read them, and they are compared and approved as bytes all the same.
    #[must_use]
    pub fn from_json_schema(schema: &Json) -> Option<Self> {
        if schema.get("enum").is_some() && schema.get("type").is_none() {
            let all_text = schema.get("enum")?.as_array()?.iter().all(Json::is_string);
            return all_text.then_some(Self::String);
        }
        match schema.get("type")?.as_str()? {
            "boolean" => Some(Self::Bool),
            "integer" => Some(Self::Long),
            "number" => Some(Self::Decimal),
            "string" => Some(Self::String),
            "array" => {
                let of = Self::from_json_schema(schema.get("items")?)?;
                of.is_scalar().then(|| Self::Set(Box::new(of)))
            }
            "object" => {
                let required: Vec<&str> = schema
                    .get("required")
                    .and_then(Json::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Json::as_str)
                    .collect();
                let properties = schema.get("properties").and_then(Json::as_object)?;
                let fields = properties.iter().filter_map(|(name, property)| {
                    let ty = Self::from_json_schema(property)?;
                    Some((name.clone(), Field { ty, required: required.contains(&name.as_str()) }))
                });
                Some(Self::Record(fields.collect()))
            }
            _ => None,
        }
    }
}
