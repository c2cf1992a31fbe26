//! What a read came to, and how it is kept shut until its record is durable.
//!
//! A [`Withheld`] tells how many rows there are, what their digest is and what was touched, which is what a
//! record says of a read. The rows come out through [`Withheld::open`] alone, which only the engine calls, once
//! the record is written. The digest is SHA-256 over the compact JSON of [`Rows::to_json`], whose members have
//! one order and whose strings are escaped as RFC 8785 says; integers are written in full.

mod columns;

use std::time::Duration;

use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

pub(crate) use columns::{json_column, type_name};

/// The rows of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The columns, in order.
    pub columns: Vec<ResultColumn>,
    /// The rows; each has a value for every column. Decimals and datetimes are text.
    pub rows: Vec<Vec<Json>>,
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// The name that the SQL gives it.
    pub name: String,
    /// The type: `bool`, `long`, `decimal`, `string`, `datetime`, `double`, `date`, `time`, `interval` or `null`.
    pub ty: &'static str,
}

impl Rows {
    /// `{"columns":[{"name","type"}],"rows":[[...]]}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let rows = self.rows.iter().map(|row| Json::Array(row.clone())).collect();
        Json::Object(Map::from_iter([
            ("columns".to_owned(), self.columns_json()),
            ("rows".to_owned(), Json::Array(rows)),
        ]))
    }

    fn columns_json(&self) -> Json {
        let column = |column: &ResultColumn| {
            Json::Object(Map::from_iter([
                ("name".to_owned(), Json::from(column.name.as_str())),
                ("type".to_owned(), Json::from(column.ty)),
            ]))
        };
        Json::Array(self.columns.iter().map(column).collect())
    }

    /// The text of [`Rows::to_json`], without a copy of every value.
    fn to_text(&self) -> String {
        let mut text = format!("{{\"columns\":{},\"rows\":[", self.columns_json());
        for (at, row) in self.rows.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            // Values made of JSON have a text.
            text.push_str(&serde_json::to_string(row).unwrap_or_default());
        }
        text.push_str("]}");
        text
    }
}

/// Where the time of a read went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// Inspecting, planning and optimizing the SQL.
    pub planning: Duration,
    /// Reading rows from sources and making values of them.
    pub scan: Duration,
    /// Putting rows to policy, and masking them.
    pub policy: Duration,
    /// The query's own work on the rows of its slices, and writing the result.
    pub execution: Duration,
}

/// A finished read whose rows nobody has seen.
#[derive(Debug)]
pub struct Withheld {
    rows: Rows,
    digest: [u8; 32],
    bytes: usize,
    touched: Vec<(String, Vec<String>)>,
    labels: Vec<String>,
    failed_rows: u64,
    timings: Timings,
}

/// What a read touched, beside its rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    /// Tables, and of each the columns that were read, both in order.
    pub(crate) columns: Vec<(String, Vec<String>)>,
    /// Labels of the tables and columns, in order.
    pub(crate) labels: Vec<String>,
}

impl Withheld {
    pub(crate) fn new(rows: Rows, touched: Touched, failed_rows: u64, timings: Timings) -> Self {
        let bytes = rows.to_text().into_bytes();
        Self {
            digest: Sha256::digest(&bytes).into(),
            bytes: bytes.len(),
            rows,
            touched: touched.columns,
            labels: touched.labels,
            failed_rows,
            timings,
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.rows.len()
    }

    /// SHA-256 over the compact JSON of the result.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The length of that JSON in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The tables that were read and the columns of each, without what the query does not need.
    #[must_use]
    pub fn columns_touched(&self) -> &[(String, Vec<String>)] {
        &self.touched
    }

    /// The labels of everything that was read, sorted.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Rows that were left out because policy erred on them or a value does not fit its column. For operators:
    /// it can depend on data outside the slice.
    #[must_use]
    pub fn failed_rows(&self) -> u64 {
        self.failed_rows
    }

    /// Where the time went. For operators: it can depend on data outside the slice.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.timings
    }

    /// The rows. To be called once the record of the read is durable, and not before.
    #[must_use]
    pub fn open(self) -> Rows {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_over_the_json_that_is_shown() {
        let rows = Rows {
            columns: vec![
                ResultColumn { name: "a \"b\"".to_owned(), ty: "string" },
                ResultColumn { name: "n".to_owned(), ty: "long" },
            ],
            rows: vec![vec![Json::from("é\u{1}\n"), Json::from(5)], vec![Json::Null, Json::from(-1)]],
        };
        let text = rows.to_json().to_string();
        assert_eq!(rows.to_text(), text);
        let withheld = Withheld::new(rows, Touched::default(), 0, Timings::default());
        let expected: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        assert_eq!((withheld.digest(), withheld.bytes(), withheld.rows()), (expected, text.len(), 2));
    }
}
