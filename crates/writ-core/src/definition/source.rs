//! `sources/*.yaml`: where enterprise knowledge lives, and what its columns mean.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Type;

/// One source. Its name is the first part of `source.table` wherever a table is named.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The source's name: a Cedar identifier.
    pub source: String,
    /// Where the data is.
    pub from: Origin,
    /// The tables that missions and entitlements may speak of. A table that is not named here does not exist.
    #[serde(default)]
    pub tables: BTreeMap<String, Table>,
    /// Labels of everything in this source, such as `pii` or `untrusted`.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// Where a source's data is. Paths are relative to the workspace folder.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Origin {
    /// An SQLite database file. It is opened read-only.
    Sqlite(PathBuf),
    /// A folder of CSV files with a header line, one table a file: `orders` is `orders.csv`.
    Csv(PathBuf),
    /// A folder of JSON Lines files, one table a file: `orders` is `orders.jsonl`.
    Json(PathBuf),
    /// A folder of Parquet files, one table a file (cargo feature `parquet`).
    Parquet(PathBuf),
    /// A folder of Markdown files: each table is a collection of documents, a sub-folder of the same name or,
    /// where there is none, the folder itself. Columns: `path`, `title`, `body`.
    Documents(PathBuf),
}

/// One table of a source.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The table's name in the database, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_as: Option<String>,
    /// Columns whose type or labels the database does not tell. Columns that are not named here keep the type
    /// that the database declares.
    #[serde(default)]
    pub columns: BTreeMap<String, Column>,
    /// Labels of every row, beside the source's.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// What a column holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The column's type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<ColumnType>,
    /// For a `decimal` that the database keeps as an integer of minor units: how many decimal places that is
    /// (2 for cents).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
    /// Labels of this column, beside the table's.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// `true` or `false`; in SQLite 0 or 1.
    Bool,
    /// A signed 64-bit integer.
    Long,
    /// A decimal number of at most four places: money.
    Decimal,
    /// Text.
    String,
    /// An RFC 3339 time or date, kept as text.
    Datetime,
}

impl From<ColumnType> for Type {
    fn from(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Bool => Self::Bool,
            ColumnType::Long => Self::Long,
            ColumnType::Decimal => Self::Decimal,
            ColumnType::String => Self::String,
            ColumnType::Datetime => Self::Datetime,
        }
    }
}

/// How a column's values are shown instead of as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// The last four characters, the rest replaced by `*`.
    Last4,
    /// The first character and, of an e-mail address, the domain; the rest replaced by `*`.
    Partial,
    /// A keyed digest, the same for the same value within one run.
    Hash,
    /// No value at all.
    Null,
}
