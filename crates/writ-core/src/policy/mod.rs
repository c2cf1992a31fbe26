//! Three Cedar policy sets, compiled: who may do what, decided without walking policies.
//!
//! Definitions are parsed and strictly validated into a [`PolicySource`], indexed by scope. For each question
//! that can be asked (principal type, action, resource type) the policies that could matter are narrowed by
//! Cedar's type-aware partial evaluation, lowered to [`Expr`]essions over named slots, and indexed by the
//! constants that they compare with: a [`CompiledSet`]. Three of them make a [`Slice`]. The sets are never
//! merged: a call is allowed only where in each set at least one permit holds, no forbid holds and nothing
//! errs ([`Slice::decide`]).
//!
//! Cedar stays the oracle: [`Oracle`] answers the same question with Cedar's own authorizer, property tests
//! compare the two on random input, and a sampled check does so at run time.
//!
//! Architecture invariant: nothing here falls back to allowing. A condition that cannot be lowered, an error,
//! a missing attribute or an unknown action is a refusal.

mod bound;
mod compiled;
mod conjunct;
mod constraint;
mod contradiction;
mod expr;
mod index;
mod lower;
mod narrow;
mod oracle;
mod predicate;
mod pushdown;
mod row;
mod row_slice;
mod schema;
mod source;
mod subject;

pub use bound::{BoundSet, BoundSlice};
pub use compiled::{CompiledSet, Question, SetKind, SetVerdict, Slice, Verdict};
pub use constraint::Constraint;
pub use expr::{Binding, EvalError, Expr, Inputs, Known, Operator, Pattern, Root, Scope, Slot};
pub use lower::Unsupported;
pub use narrow::{Narrowing, narrow};
pub use oracle::{Oracle, OracleAnswer, cedar_request};
pub use predicate::{Comparison, Predicate};
pub use row::{Admission, RowPolicy};
pub use row_slice::RowSlice;
pub use schema::{ActionShape, EntityShape, SchemaBuilder, Shapes};
pub use source::{PolicyError, PolicySource};
pub use subject::Subject;
