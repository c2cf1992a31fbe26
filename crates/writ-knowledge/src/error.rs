//! What can go wrong, told twice: to whoever asked, and to whoever runs the server.
//!
//! A [`QueryError`] reaches a worker that is assumed to be hostile. Its text is made of fixed words, of the
//! worker's own SQL and of the names of its slices; it never carries a value, a count or a name from outside
//! them. What an operator needs beside that is kept apart, in [`QueryError::operator_detail`].

use std::fmt;

/// A workspace's sources cannot be used as they are written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// The file or folder cannot be read, or is not what the definition says.
    #[error("source `{name}` cannot be read: {reason}")]
    SourceUnavailable {
        /// The source's name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A table that the source, or the workspace, does not have.
    #[error("there is no table `{table}`: {hint}")]
    UnknownTable {
        /// The table, as `source.table`.
        table: String,
        /// What there is instead, or where to look.
        hint: String,
    },
    /// A column that the table does not have.
    #[error("table `{table}` has no column `{column}`: it has {known}")]
    UnknownColumn {
        /// The table, as `source.table`.
        table: String,
        /// The column that was named.
        column: String,
        /// The columns that there are.
        known: String,
    },
    /// A column's definition contradicts itself or the file.
    #[error("column `{column}` of `{table}` {reason}")]
    BadColumn {
        /// The table, as `source.table`.
        table: String,
        /// The column.
        column: String,
        /// What is wrong.
        reason: String,
    },
    /// Two sources, tables, columns or slices of one name.
    #[error("`{name}` is there twice: names are unique")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A file that exceeds a fixed limit.
    #[error("table `{table}` is too large: {limit}")]
    TooLarge {
        /// The table, as `source.table`.
        table: String,
        /// The limit that it exceeds.
        limit: String,
    },
    /// A kind of source that this build leaves out.
    #[error("source `{name}` needs the cargo feature `{feature}`, which this build leaves out")]
    NotBuiltIn {
        /// The source's name.
        name: String,
        /// The feature.
        feature: String,
    },
    /// The query engine cannot be set up.
    #[error("the query engine cannot be set up: {reason}")]
    Engine {
        /// Why.
        reason: String,
    },
}

/// Why a read was refused: a fixed code, the same in every release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueryErrorCode {
    /// The text is not SQL.
    SqlSyntax,
    /// A statement, clause or operator that is not open to a run.
    SqlNotAllowed,
    /// A table, column or function that the run does not have.
    SqlUnknownName,
    /// Types that do not go together.
    SqlType,
    /// The SQL text is too long, too deep or too wide.
    SqlTooLarge,
    /// The query failed on the slice's own rows: a division by zero, a text that is no number.
    ExecutionFailed,
    /// The read took longer than it may.
    TimeExceeded,
    /// The read needed more memory than it may.
    MemoryExceeded,
    /// The result has more rows than it may.
    TooManyRows,
    /// A slice has more rows than a read may take in.
    SliceTooLarge,
    /// The result is longer than it may be.
    ResultTooLarge,
    /// The source could not be read.
    SourceUnavailable,
}

impl QueryErrorCode {
    /// The code as it is written in answers, records and documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SqlSyntax => "sql_syntax",
            Self::SqlNotAllowed => "sql_not_allowed",
            Self::SqlUnknownName => "sql_unknown_name",
            Self::SqlType => "sql_type",
            Self::SqlTooLarge => "sql_too_large",
            Self::ExecutionFailed => "execution_failed",
            Self::TimeExceeded => "time_exceeded",
            Self::MemoryExceeded => "memory_exceeded",
            Self::TooManyRows => "too_many_rows",
            Self::SliceTooLarge => "slice_too_large",
            Self::ResultTooLarge => "result_too_large",
            Self::SourceUnavailable => "source_unavailable",
        }
    }
}

impl fmt::Display for QueryErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refused read. [`fmt::Display`] is what the worker may see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    code: QueryErrorCode,
    message: String,
    operator_detail: Option<String>,
}

impl QueryError {
    pub(crate) fn new(code: QueryErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), operator_detail: None }
    }

    /// A failure whose cause only an operator may see.
    pub(crate) fn hidden(code: QueryErrorCode, detail: impl Into<String>) -> Self {
        let message = match code {
            QueryErrorCode::SourceUnavailable => "the source cannot be read now: try again later",
            QueryErrorCode::TimeExceeded => "the read took too long: ask for less, or filter by a key",
            QueryErrorCode::MemoryExceeded => "the read needs too much memory: ask for fewer rows or columns",
            QueryErrorCode::SliceTooLarge => {
                "the slice has too many rows for one read: filter by a column of the slice"
            }
            _ => "the query failed on the slice's rows: check divisions, casts and subqueries that must give one row",
        };
        Self { code, message: message.to_owned(), operator_detail: Some(detail.into()) }
    }

    /// The fixed code.
    #[must_use]
    pub fn code(&self) -> QueryErrorCode {
        self.code
    }

    /// What an operator may see beside the message. It can quote data: it must not reach the worker.
    #[must_use]
    pub fn operator_detail(&self) -> Option<&str> {
        self.operator_detail.as_deref()
    }
}

/// A fact that cannot be compiled, or that has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactError {
    /// The SQL is not one `SELECT` of one expression.
    #[error("a fact is one `SELECT` of one expression: {reason}")]
    NotOneExpression {
        /// What it is instead.
        reason: String,
    },
    /// A parameter that the action or mission does not have.
    #[error("there is no parameter `${name}`: there is {known}")]
    UnknownParameter {
        /// The name, without the dollar sign.
        name: String,
        /// The parameters that there are.
        known: String,
    },
    /// A parameter that SQL cannot take, or a value that is not of the declared type.
    #[error("parameter `${name}` is not a {expected}")]
    ParameterType {
        /// The name, without the dollar sign.
        name: String,
        /// The type that it must have.
        expected: String,
    },
    /// No value was given for a parameter.
    #[error("parameter `${name}` has no value")]
    MissingParameter {
        /// The name, without the dollar sign.
        name: String,
    },
    /// A result of a type that no condition can compare.
    #[error("a fact cannot be {found}: cast it to `bigint`, `decimal(19, 4)`, `varchar`, `boolean` or `timestamp`")]
    ResultType {
        /// The type of the expression.
        found: String,
    },
    /// No row.
    #[error("the fact has no row")]
    Missing,
    /// More than one row.
    #[error("the fact has more than one row")]
    Several,
    /// One row, without a value.
    #[error("the fact has no value")]
    Null,
    /// A value that does not fit 64 bits or four decimal places.
    #[error("the fact's value does not fit its type")]
    Overflow,
    /// The SQL or the read was refused.
    #[error(transparent)]
    Query(#[from] QueryError),
}
