//! Recognizing the SQL that is a look-up, and nothing that is not exactly that.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Query, Select,
    SelectItem, SetExpr, TableFactor, UnaryOperator, Value as SqlValue,
};
use writ_core::value::{Type, Value, parse_decimal};

use super::number::{Arithmetic, Number};
use super::{Lookup, Operand, Selected};
use crate::catalog::CatalogTable;
use crate::statement::normalized;

/// What a shape is recognized against.
struct Shape<'a> {
    table: &'a CatalogTable,
    /// The names by which columns may be qualified.
    qualifier: String,
    parameters: &'a [(String, Type)],
}

impl Lookup {
    /// The look-up that a query is; nothing where it has any other shape.
    pub(in crate::fact) fn detect(query: &Query, table: &CatalogTable, parameters: &[(String, Type)]) -> Option<Self> {
        let plain =
            query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
        let SetExpr::Select(select) = query.body.as_ref() else { return None };
        if !plain || !is_plain(select) {
            return None;
        }
        let ([from], [item]) = (select.from.as_slice(), select.projection.as_slice()) else { return None };
        let TableFactor::Table { alias, .. } = &from.relation else { return None };
        if !from.joins.is_empty() || alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            return None;
        }
        let qualifier = alias.as_ref().map_or_else(|| table.name.clone(), |alias| normalized(&alias.name));
        let shape = Shape { table, qualifier, parameters };
        let selected = match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => shape.selected(expr)?,
            _ => return None,
        };
        let mut conditions = Vec::new();
        if let Some(condition) = &select.selection {
            shape.conditions(condition, &mut conditions)?;
        }
        let named = |key: &String| conditions.iter().any(|(column, _)| column == key);
        let by_key = !table.row_identity.is_empty() && table.row_identity.iter().all(named);
        Some(Self { table: table.full_name(), conditions, selected, by_key })
    }
}

impl Shape<'_> {
    fn selected(&self, expr: &Expr) -> Option<Selected> {
        match expr {
            Expr::Function(function) if is_count(function) => Some(Selected::Count),
            Expr::Nested(inner) => self.selected(inner),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                self.column(expr).map(|(name, _)| Selected::Column(name))
            }
            _ => self.arithmetic(expr).map(Selected::Number),
        }
    }

    fn arithmetic(&self, expr: &Expr) -> Option<Arithmetic> {
        match expr {
            Expr::Nested(inner) => self.arithmetic(inner),
            Expr::BinaryOp { left, op: BinaryOperator::Plus, right } => {
                Some(Arithmetic::Add(Box::new(self.arithmetic(left)?), Box::new(self.arithmetic(right)?)))
            }
            Expr::BinaryOp { left, op: BinaryOperator::Minus, right } => {
                Some(Arithmetic::Subtract(Box::new(self.arithmetic(left)?), Box::new(self.arithmetic(right)?)))
            }
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => match self.column(expr)? {
                (name, Type::Long | Type::Decimal) => Some(Arithmetic::Column(name)),
                _ => None,
            },
            _ => number(expr).map(Arithmetic::Constant),
        }
    }

    fn conditions(&self, expr: &Expr, conditions: &mut Vec<(String, Operand)>) -> Option<()> {
        match expr {
            Expr::Nested(inner) => self.conditions(inner, conditions),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.conditions(left, conditions)?;
                self.conditions(right, conditions)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let (column, ty, operand) = match (self.column(left), self.column(right)) {
                    (Some((column, ty)), None) => (column, ty, right),
                    (None, Some((column, ty))) => (column, ty, left),
                    _ => return None,
                };
                conditions.push((column, self.operand(operand, ty)?));
                Some(())
            }
            _ => None,
        }
    }

    /// The column that an expression is, with its type.
    fn column(&self, expr: &Expr) -> Option<(String, &Type)> {
        let name = match expr {
            Expr::Identifier(ident) => normalized(ident),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, name] if normalized(qualifier) == self.qualifier => normalized(name),
                _ => return None,
            },
            _ => return None,
        };
        let column = self.table.column(&name)?;
        Some((name, &column.ty))
    }

    /// What a column of a type is compared with: a parameter or literal of exactly that type.
    fn operand(&self, expr: &Expr, ty: &Type) -> Option<Operand> {
        if let Expr::Value(value) = expr
            && let SqlValue::Placeholder(name) = &value.value
        {
            let name = name.trim_start_matches('$');
            let at = self.parameters.iter().position(|(known, _)| known == name)?;
            let (_, given) = self.parameters.get(at)?;
            return (given == ty).then_some(Operand::Parameter(at));
        }
        let constant = match (ty, expr) {
            (Type::Long, _) => match number(expr)? {
                Number::Long(value) => Value::Long(value),
                Number::Decimal(_) => return None,
            },
            (Type::Decimal, _) => Value::Decimal(i64::try_from(number(expr)?.decimal()).ok()?),
            (Type::String, Expr::Value(value)) => match &value.value {
                SqlValue::SingleQuotedString(text) => Value::string(text),
                _ => return None,
            },
            (Type::Bool, Expr::Value(value)) => match &value.value {
                SqlValue::Boolean(value) => Value::Bool(*value),
                _ => return None,
            },
            _ => return None,
        };
        Some(Operand::Constant(constant))
    }
}

/// A number in plain form, as a literal or negated.
fn number(expr: &Expr) -> Option<Number> {
    let (expr, negative) = match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => (expr.as_ref(), true),
        other => (other, false),
    };
    let Expr::Value(value) = expr else { return None };
    let SqlValue::Number(text, false) = &value.value else { return None };
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let text = if negative { format!("-{text}") } else { text.clone() };
    if text.contains('.') {
        parse_decimal(&text).map(|value| Number::Decimal(i128::from(value)))
    } else {
        text.parse().ok().map(Number::Long)
    }
}

fn is_plain(select: &Select) -> bool {
    let no_groups = matches!(&select.group_by, GroupByExpr::Expressions(groups, modifiers) if groups.is_empty() && modifiers.is_empty());
    no_groups
        && select.distinct.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && select.named_window.is_empty()
        && select.exclude.is_none()
}

fn is_count(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    let every_row = matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
    function.name.to_string().eq_ignore_ascii_case("count")
        && every_row
        && list.duplicate_treatment.is_none()
        && list.clauses.is_empty()
        && function.filter.is_none()
        && function.over.is_none()
        && function.within_group.is_empty()
        && function.null_treatment.is_none()
}
