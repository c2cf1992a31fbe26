//! From Cedar's own syntax tree to [`Expr`].
//!
//! The input is what type-aware partial evaluation leaves of a validated policy. What has no lowered form is
//! [`Unsupported`], an error of the definition that `writ check` reports; it is never skipped and never
//! approximated. Constants are folded with the same operators that run later.

use std::sync::Arc;

use cedar_policy::pst;

use super::expr::{Expr, Operator, Pattern, PatternPart, Root, Slot};
use crate::value::{EntityName, Value, ValueSet, parse_datetime, parse_decimal};

/// A form of Cedar that slices do not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be compiled; {instead}")]
pub struct Unsupported {
    /// The form.
    pub what: String,
    /// A way out.
    pub instead: String,
}

fn unsupported(what: impl Into<String>, instead: &str) -> Unsupported {
    Unsupported { what: what.into(), instead: instead.to_owned() }
}

/// Lowers a policy's clauses to one condition.
pub(super) fn clauses(clauses: &[pst::Clause]) -> Result<Expr, Unsupported> {
    let mut condition = Expr::boolean(true);
    for clause in clauses {
        let next = match clause {
            pst::Clause::When(expr) => lower(expr)?,
            pst::Clause::Unless(expr) => Expr::Not(Box::new(lower(expr)?)),
        };
        condition = Expr::And(Box::new(condition), Box::new(next));
    }
    Ok(fold(condition))
}

fn lower(expr: &pst::Expr) -> Result<Expr, Unsupported> {
    match expr {
        pst::Expr::Literal(literal) => lower_literal(literal),
        pst::Expr::Var(var) => slot(*root(var)?, []).map(Expr::Slot),
        pst::Expr::GetAttr { expr, attr } => match lower(expr)? {
            Expr::Slot(slot) => Ok(Expr::Slot(extend(&slot, [attr.as_str()]))),
            _ => Err(unsupported(
                format!("the attribute `{attr}` of an expression"),
                "read attributes of principal, resource or context",
            )),
        },
        pst::Expr::HasAttr { expr, attrs } => {
            let Expr::Slot(slot) = lower(expr)? else {
                return Err(unsupported("`has` on an expression", "use `has` on principal, resource or context"));
            };
            // `a has b.c` is `a has b && a.b has c`.
            let mut condition = Expr::boolean(true);
            for length in 1..=attrs.len() {
                let part = extend(&slot, attrs.iter().take(length).map(|attr| attr.as_str()));
                condition = Expr::And(Box::new(condition), Box::new(Expr::Has(part)));
            }
            Ok(condition)
        }
        pst::Expr::UnaryOp { op, expr } => lower_unary(*op, expr),
        pst::Expr::BinaryOp { op, left, right } => lower_binary(*op, left, right),
        pst::Expr::Like { expr, pattern } => {
            let parts = pattern.iter().map(|part| match part {
                pst::PatternElem::Char(char) => PatternPart::Char(*char),
                pst::PatternElem::Wildcard => PatternPart::Any,
            });
            Ok(Expr::Like(Box::new(lower(expr)?), Pattern(parts.collect())))
        }
        pst::Expr::IfThenElse { cond, then_expr, else_expr } => {
            Ok(Expr::If(Box::new(lower(cond)?), Box::new(lower(then_expr)?), Box::new(lower(else_expr)?)))
        }
        pst::Expr::Set(elements) => {
            let elements: Result<Vec<Expr>, _> = elements.iter().map(|element| lower(element).map(fold)).collect();
            let constants = elements?.into_iter().map(|element| match element {
                Expr::Constant(value) => Some(value),
                _ => None,
            });
            let constants: Option<Vec<Value>> = constants.collect();
            constants.and_then(ValueSet::collect).map(|set| Expr::Constant(Value::Set(Arc::new(set)))).ok_or_else(
                || {
                    unsupported(
                        "a set with elements that are not constants",
                        "compare with each of them, joined by `||`",
                    )
                },
            )
        }
        pst::Expr::ResidualError => Ok(Expr::AlwaysErrs),
        pst::Expr::Is { .. } => {
            Err(unsupported("`is` on something else than the scope's types", "put it into the policy's scope"))
        }
        pst::Expr::Record(_) => Err(unsupported("a record", "compare its fields one by one")),
        _ => Err(unsupported("this form", "write the condition with comparisons, `&&`, `||` and sets")),
    }
}

fn root(var: &pst::Var) -> Result<&'static Root, Unsupported> {
    match var {
        pst::Var::Principal => Ok(&Root::Principal),
        pst::Var::Resource => Ok(&Root::Resource),
        pst::Var::Context => Ok(&Root::Context),
        pst::Var::Action => Err(unsupported("`action` in a condition", "put it into the policy's scope")),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "reads as one chain with `root`")]
fn slot<'a>(root: Root, path: impl IntoIterator<Item = &'a str>) -> Result<Slot, Unsupported> {
    Ok(Slot { root, path: path.into_iter().map(Arc::from).collect() })
}

fn extend<'a>(slot: &Slot, attributes: impl IntoIterator<Item = &'a str>) -> Slot {
    Slot { root: slot.root, path: slot.path.iter().cloned().chain(attributes.into_iter().map(Arc::from)).collect() }
}

fn lower_literal(literal: &pst::Literal) -> Result<Expr, Unsupported> {
    Ok(Expr::Constant(match literal {
        pst::Literal::Bool(value) => Value::Bool(*value),
        pst::Literal::Long(value) => Value::Long(*value),
        pst::Literal::String(text) => Value::string(text),
        pst::Literal::EntityUID(uid) => Value::Entity(Arc::new(entity(uid))),
        _ => return Err(unsupported("this literal", "use a boolean, number, text or entity")),
    }))
}

fn entity(uid: &pst::EntityUID) -> EntityName {
    EntityName::new(&uid.ty.to_string(), &uid.eid)
}

fn lower_unary(op: pst::UnaryOp, inner: &pst::Expr) -> Result<Expr, Unsupported> {
    let inner = lower(inner)?;
    Ok(match op {
        pst::UnaryOp::Not => Expr::Not(Box::new(inner)),
        pst::UnaryOp::Neg => Expr::Negate(Box::new(inner)),
        pst::UnaryOp::IsEmpty => Expr::IsEmpty(Box::new(inner)),
        pst::UnaryOp::Decimal | pst::UnaryOp::Datetime | pst::UnaryOp::Duration => {
            let Expr::Constant(Value::String(text)) = &inner else {
                return Err(unsupported(
                    format!("`{op}` of something else than a literal"),
                    "declare the column or argument with that type",
                ));
            };
            let value = match op {
                pst::UnaryOp::Decimal => text.contains('.').then(|| parse_decimal(text)).flatten().map(Value::Decimal),
                pst::UnaryOp::Datetime => cedar_datetime(text).map(Value::Datetime),
                _ => cedar_duration(text).map(Value::Duration),
            };
            value.map_or(Expr::AlwaysErrs, Expr::Constant)
        }
        other => return Err(unsupported(format!("`{other}`"), "compare the value as it is")),
    })
}

fn lower_binary(op: pst::BinaryOp, left: &pst::Expr, right: &pst::Expr) -> Result<Expr, Unsupported> {
    let (left, right) = (Box::new(lower(left)?), Box::new(lower(right)?));
    let binary = |operator, left, right| Ok(Expr::Binary(operator, left, right));
    match op {
        pst::BinaryOp::And => Ok(Expr::And(left, right)),
        pst::BinaryOp::Or => Ok(Expr::Or(left, right)),
        pst::BinaryOp::Eq => binary(Operator::Equal, left, right),
        pst::BinaryOp::NotEq => Ok(Expr::Not(Box::new(Expr::Binary(Operator::Equal, left, right)))),
        pst::BinaryOp::Less | pst::BinaryOp::DecimalLessThan => binary(Operator::Less, left, right),
        pst::BinaryOp::LessEq | pst::BinaryOp::DecimalLessEq => binary(Operator::LessOrEqual, left, right),
        // Both operands are evaluated either way, and an error refuses whichever comes first.
        pst::BinaryOp::Greater | pst::BinaryOp::DecimalGreater => binary(Operator::Less, right, left),
        pst::BinaryOp::GreaterEq | pst::BinaryOp::DecimalGreaterEq => binary(Operator::LessOrEqual, right, left),
        pst::BinaryOp::Add => binary(Operator::Add, left, right),
        pst::BinaryOp::Sub => binary(Operator::Subtract, left, right),
        pst::BinaryOp::Mul => binary(Operator::Multiply, left, right),
        pst::BinaryOp::Contains => binary(Operator::Contains, left, right),
        pst::BinaryOp::ContainsAll => binary(Operator::ContainsAll, left, right),
        pst::BinaryOp::ContainsAny => binary(Operator::ContainsAny, left, right),
        pst::BinaryOp::Offset => binary(Operator::Offset, left, right),
        pst::BinaryOp::DurationSince => binary(Operator::DurationSince, left, right),
        pst::BinaryOp::In => match *right {
            Expr::Constant(Value::Entity(group)) => Ok(Expr::In(left, group)),
            Expr::Constant(Value::Set(set)) => {
                let ValueSet::Entities(groups) = &*set else { return Ok(Expr::boolean(false)) };
                // `x in [A, B]` is `x in A || x in B`; neither side can err where `x` has a value.
                Ok(groups.iter().fold(Expr::boolean(false), |any, group| {
                    Expr::Or(Box::new(any), Box::new(Expr::In(left.clone(), group.clone())))
                }))
            }
            _ => Err(unsupported("`in` with something else than a named entity", "name the group")),
        },
        other => Err(unsupported(format!("`{other}`"), "use sets or attributes")),
    }
}

/// Folds constants. What errs is kept where Cedar would evaluate it, and dropped where it would not.
pub(super) fn fold(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => match fold(*inner) {
            Expr::Constant(Value::Bool(value)) => Expr::boolean(!value),
            inner => Expr::Not(Box::new(inner)),
        },
        Expr::And(left, right) => match (fold(*left), *right) {
            (left, _) if left.as_boolean() == Some(false) => Expr::boolean(false),
            (left, right) if left.as_boolean() == Some(true) => fold(right),
            (Expr::AlwaysErrs, _) => Expr::AlwaysErrs,
            (left, right) => match fold(right) {
                right if right.as_boolean() == Some(true) => left,
                right => Expr::And(Box::new(left), Box::new(right)),
            },
        },
        Expr::Or(left, right) => match (fold(*left), *right) {
            (left, _) if left.as_boolean() == Some(true) => Expr::boolean(true),
            (left, right) if left.as_boolean() == Some(false) => fold(right),
            (Expr::AlwaysErrs, _) => Expr::AlwaysErrs,
            (left, right) => match fold(right) {
                right if right.as_boolean() == Some(false) => left,
                right => Expr::Or(Box::new(left), Box::new(right)),
            },
        },
        Expr::If(condition, then, otherwise) => match fold(*condition) {
            Expr::Constant(Value::Bool(true)) => fold(*then),
            Expr::Constant(Value::Bool(false)) => fold(*otherwise),
            Expr::AlwaysErrs => Expr::AlwaysErrs,
            condition => Expr::If(Box::new(condition), Box::new(fold(*then)), Box::new(fold(*otherwise))),
        },
        Expr::Binary(operator, left, right) => match (fold(*left), fold(*right)) {
            (Expr::AlwaysErrs, _) | (_, Expr::AlwaysErrs) => Expr::AlwaysErrs,
            (Expr::Constant(left), Expr::Constant(right)) => operator
                .apply(left.borrow(), right.borrow())
                .map_or(Expr::AlwaysErrs, |value| Expr::Constant(value.to_value())),
            (left, right) => Expr::Binary(operator, Box::new(left), Box::new(right)),
        },
        Expr::Negate(inner) => match fold(*inner) {
            Expr::Constant(Value::Long(value)) => {
                value.checked_neg().map_or(Expr::AlwaysErrs, |value| Expr::Constant(Value::Long(value)))
            }
            inner => Expr::Negate(Box::new(inner)),
        },
        Expr::IsEmpty(inner) => match fold(*inner) {
            Expr::Constant(Value::Set(set)) => Expr::boolean(set.is_empty()),
            inner => Expr::IsEmpty(Box::new(inner)),
        },
        Expr::Like(inner, pattern) => match fold(*inner) {
            Expr::Constant(Value::String(text)) => Expr::boolean(pattern.matches(&text)),
            inner => Expr::Like(Box::new(inner), pattern),
        },
        Expr::In(inner, group) => match fold(*inner) {
            Expr::Constant(Value::Entity(entity)) if entity == group => Expr::boolean(true),
            inner => Expr::In(Box::new(inner), group),
        },
        other @ (Expr::Constant(_) | Expr::Slot(_) | Expr::Has(_) | Expr::AlwaysErrs) => other,
    }
}

/// Cedar's datetime literals: RFC 3339, but with offsets written without a colon and milliseconds in full.
fn cedar_datetime(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    match bytes.len().checked_sub(5).and_then(|at| Some((at, bytes.get(at)?))) {
        Some((at, b'+' | b'-')) if at > 10 => {
            let (rest, offset) = text.split_at_checked(at)?;
            let (hours, minutes) = offset.split_at_checked(3)?;
            parse_datetime(&format!("{rest}{hours}:{minutes}"))
        }
        _ => parse_datetime(text),
    }
}

/// Cedar's duration literals, such as `1d2h30m`, in milliseconds.
fn cedar_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut total: i128 = 0;
    for (unit, milliseconds) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let Some(after) = after.strip_prefix(unit) else { continue };
        if number.is_empty() || (unit == "m" && after.starts_with('s')) {
            continue;
        }
        total = total.checked_add(number.parse::<i128>().ok()?.checked_mul(milliseconds)?)?;
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    i64::try_from(if negative { total.checked_neg()? } else { total }).ok()
}
