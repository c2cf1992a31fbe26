//! Parameters of facts: `$case`, `$input.payment_id`.
//!
//! A dotted name is joined where the tokens touch, so that neither strings nor comments nor quoted names are
//! ever taken for one. Values replace parameters in the parsed statement, as literals of their own type.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::vec::IntoIter;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Query, TimezoneInfo, Value as SqlValue, visit_expressions,
    visit_expressions_mut,
};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use writ_core::value::{Value, format_datetime, format_decimal};

use crate::error::{FactError, QueryError};
use crate::statement;

/// The query of a fact's SQL, with dotted parameters.
pub(super) fn parse(sql: &str, bytes_max: usize) -> Result<Box<Query>, QueryError> {
    statement::parse(joined(statement::tokens(sql, bytes_max)?))
}

/// Joins `$a`, `.` and `b` to one parameter.
fn joined(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut tokens = tokens.into_iter().peekable();
    let mut result = Vec::new();
    while let Some(mut token) = tokens.next() {
        if let Token::Placeholder(name) = &mut token.token {
            while let Some(field) = next_field(&mut tokens) {
                name.push('.');
                name.push_str(&field);
            }
        }
        result.push(token);
    }
    result
}

/// The field that follows at once, taken from the tokens.
fn next_field(tokens: &mut Peekable<IntoIter<TokenWithSpan>>) -> Option<String> {
    let mut ahead = tokens.clone();
    let (dot, field) = (ahead.next()?, ahead.next()?);
    match (dot.token, field.token) {
        (Token::Period, Token::Word(word)) if word.quote_style.is_none() => {
            *tokens = ahead;
            Some(word.value)
        }
        _ => None,
    }
}

/// The names of the parameters that a query uses, without the dollar sign, each once.
pub(super) fn names(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _ = visit_expressions(query, |expr| {
        names.extend(parameter(expr));
        ControlFlow::<()>::Continue(())
    });
    names
}

fn parameter(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            SqlValue::Placeholder(name) => Some(name.trim_start_matches('$').to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// The query with each parameter replaced by its value.
pub(super) fn substitute<'v>(
    query: &Query,
    value: &dyn Fn(&str) -> Option<&'v Value>,
) -> Result<Box<Query>, FactError> {
    let mut query = Box::new(query.clone());
    let outcome = visit_expressions_mut(query.as_mut(), |expr| {
        let Some(name) = parameter(expr) else { return ControlFlow::Continue(()) };
        match value(&name).and_then(literal) {
            Some(literal) => {
                *expr = literal;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(FactError::MissingParameter { name }),
        }
    });
    match outcome {
        ControlFlow::Continue(()) => Ok(query),
        ControlFlow::Break(error) => Err(error),
    }
}

fn literal(value: &Value) -> Option<Expr> {
    match value {
        Value::Bool(value) => Some(Expr::value(SqlValue::Boolean(*value))),
        Value::String(text) => Some(text_literal(text)),
        Value::Long(value) => Some(cast(&value.to_string(), DataType::BigInt(None))),
        Value::Decimal(value) => {
            Some(cast(&format_decimal(*value), DataType::Decimal(ExactNumberInfo::PrecisionAndScale(19, 4))))
        }
        Value::Datetime(value) => {
            Some(cast(&format_datetime(*value), DataType::Timestamp(Some(3), TimezoneInfo::None)))
        }
        Value::Duration(_) | Value::Entity(_) | Value::Set(_) | Value::Record(_) => None,
    }
}

fn text_literal(text: &str) -> Expr {
    Expr::value(SqlValue::SingleQuotedString(text.to_owned()))
}

fn cast(text: &str, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(text_literal(text)), data_type, array: false, format: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parameters_are_found_where_they_are_and_nowhere_else() {
        let sql = "SELECT a /* $no.comment */ FROM s.t WHERE b = $input.payment_id AND c = '$no.string' \
                   AND \"$no.quoted\" = $case AND d < $mission.a.b -- $no.line";
        let query = parse(sql, 10_000).unwrap();
        let names: Vec<String> = names(&query).into_iter().collect();
        assert_eq!(names, ["case", "input.payment_id", "mission.a.b"]);
    }

    #[test]
    fn a_value_is_never_read_as_sql() {
        let query = parse("SELECT a FROM s.t WHERE b = $b", 10_000).unwrap();
        let hostile = Value::string("x' OR 1 = 1 --");
        let bound = substitute(&query, &|_| Some(&hostile)).unwrap();
        assert_eq!(bound.to_string(), "SELECT a FROM s.t WHERE b = 'x'' OR 1 = 1 --'");
        assert!(substitute(&query, &|_| None).is_err());
    }
}
