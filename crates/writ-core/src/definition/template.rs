//! Texts with places for values: `refund:{input.payment_id}`.
//!
//! Used for effect keys and for what an approver reads. Places name arguments, facts or mission parameters and
//! nothing else: there is no logic in them. Rendering fails where a value is missing, so that two different
//! effects never share a key because both lack it.

use serde_json::Value as Json;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Vec<String>),
}

/// What is wrong with a template, or why it cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its counterpart.
    #[error("`{{` and `}}` do not match")]
    Braces,
    /// A place that starts with something else than `input`, `facts` or `mission`.
    #[error("`{{{0}}}` names none of `input`, `facts`, `mission`")]
    Root(String),
    /// The value is missing, or is no scalar.
    #[error("`{{{0}}}` has no value")]
    Missing(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError::Braces`] or [`TemplateError::Root`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').ok_or(TemplateError::Braces)?;
            if before.contains('}') || place.contains('{') {
                return Err(TemplateError::Braces);
            }
            let path: Vec<String> = place.split('.').map(str::to_owned).collect();
            if path.len() < 2
                || !["input", "facts", "mission"].iter().any(|root| path.first().is_some_and(|first| first == root))
            {
                return Err(TemplateError::Root(place.to_owned()));
            }
            parts.extend([Part::Text(before.to_owned()), Part::Place(path)]);
            rest = after;
        }
        if rest.contains('}') {
            return Err(TemplateError::Braces);
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The places, as paths.
    pub fn places(&self) -> impl Iterator<Item = &[String]> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(path) => Some(path.as_slice()),
            Part::Text(_) => None,
        })
    }

    /// Fills the places from an object with `input`, `facts` and `mission`.
    ///
    /// # Errors
    /// [`TemplateError::Missing`].
    pub fn render(&self, values: &Json) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Place(path) => {
                    let value = path.iter().try_fold(values, |value, name| value.get(name));
                    match value {
                        Some(Json::String(value)) => text.push_str(value),
                        Some(value @ (Json::Number(_) | Json::Bool(_))) => text.push_str(&value.to_string()),
                        _ => return Err(TemplateError::Missing(path.join("."))),
                    }
                }
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_are_filled_or_refused() {
        let values = serde_json::json!({"input": {"id": "p1", "n": 2}, "facts": {}});
        assert_eq!(Template::parse("refund:{input.id}/{input.n}").unwrap().render(&values).unwrap(), "refund:p1/2");
        assert_eq!(
            Template::parse("{facts.x}").unwrap().render(&values),
            Err(TemplateError::Missing("facts.x".into()))
        );
        for text in ["{input.id", "input.id}", "{{input.id}}", "a}b{input.id}"] {
            assert_eq!(Template::parse(text), Err(TemplateError::Braces), "{text}");
        }
        assert!(matches!(Template::parse("{env.HOME}"), Err(TemplateError::Root(_))));
        assert!(matches!(Template::parse("{input}"), Err(TemplateError::Root(_))));
    }
}
