//! What there is to read: the tables and columns of a workspace's sources, as policies are checked against.
//!
//! The catalog is discovered when the sources are opened and does not change afterwards. It relies on the
//! definitions in `sources/*.yaml` for what a database does not tell, and it never holds a row.

use std::collections::BTreeMap;

use writ_core::value::Type;

/// All tables of all sources.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tables: BTreeMap<String, CatalogTable>,
}

/// One table, or one collection of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogTable {
    /// The source that it belongs to.
    pub source: String,
    /// Its name within the source.
    pub name: String,
    /// Its columns, in the source's order.
    pub columns: Vec<CatalogColumn>,
    /// Labels of every row: the source's and the table's, sorted.
    pub labels: Vec<String>,
    /// The columns that identify a row, in key order; empty where the source does not say.
    pub row_identity: Vec<String>,
    /// Whether the rows are documents with the columns `path`, `title` and `body`.
    pub documents: bool,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogColumn {
    /// Its name.
    pub name: String,
    /// The type of its values: always a scalar.
    pub ty: Type,
    /// Whether a row may lack a value here. Where it may not, a row that does is in no slice.
    pub nullable: bool,
    /// Labels of this column beside the table's, sorted.
    pub labels: Vec<String>,
}

impl Catalog {
    /// A catalog of tables; nothing where two have one name, which is given back.
    pub(crate) fn collect(tables: impl IntoIterator<Item = CatalogTable>) -> Result<Self, String> {
        let mut catalog = Self::default();
        for table in tables {
            let name = table.full_name();
            if catalog.tables.insert(name.clone(), table).is_some() {
                return Err(name);
            }
        }
        Ok(catalog)
    }

    /// The tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &CatalogTable> {
        self.tables.values()
    }

    /// The table `source.table`.
    #[must_use]
    pub fn table(&self, full_name: &str) -> Option<&CatalogTable> {
        self.tables.get(full_name)
    }

    /// The names of all tables, for a hint.
    pub(crate) fn names(&self) -> String {
        listed(self.tables.keys().map(String::as_str))
    }
}

impl CatalogTable {
    /// The name by which missions and SQL speak of the table: `source.table`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.source, self.name)
    }

    /// The column of a name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&CatalogColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Names in backticks, for a message.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for name in names {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push('`');
        text.push_str(name);
        text.push('`');
    }
    if text.is_empty() { "nothing".to_owned() } else { text }
}
