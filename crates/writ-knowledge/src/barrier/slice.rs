//! What one run may read of one table: the exposed columns, their masks and the policy over its rows.

use std::fmt;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::datatypes::SchemaRef;
use writ_core::definition::Mask;
use writ_core::policy::RowPolicy;
use writ_core::value::Type;

use super::table::arrow_schema;
use crate::catalog::{CatalogTable, listed};
use crate::error::KnowledgeError;
use crate::mask::masked_type;
use crate::native_sql::NativeFilter;
use crate::source::Reader;

/// What the engine asks for: one slice of one run.
#[derive(Debug, Clone)]
pub struct SliceSpec {
    /// The table, as `source.table`.
    pub table: String,
    /// The columns that exist for the run, in this order.
    pub columns: Vec<SliceColumn>,
    /// The policy over the table's rows, bound to the run.
    pub policy: Arc<dyn RowPolicy>,
    /// The key of [`Mask::Hash`] for this run.
    pub hash_key: [u8; 32],
}

/// One exposed column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceColumn {
    /// The column's name.
    pub name: String,
    /// What is shown in place of its values.
    pub mask: Option<Mask>,
}

/// One table of the workspace: what the catalog says, and who reads it.
#[derive(Debug)]
pub(crate) struct TableHandle {
    pub(crate) entry: CatalogTable,
    pub(crate) reader: Reader,
}

/// An exposed column, resolved.
#[derive(Debug)]
pub(crate) struct Exposed {
    pub(crate) name: String,
    pub(crate) mask: Option<Mask>,
    /// The type of what is shown.
    pub(crate) ty: Type,
    /// Whether a row without a value here is a row at all.
    pub(crate) nullable: bool,
    /// Where its cell stands among those that are read; nothing where the mask shows no value.
    pub(crate) at: Option<usize>,
}

/// A column that policy reads.
#[derive(Debug)]
pub(crate) struct Judged {
    /// Where its cell stands among those that are read.
    pub(crate) at: usize,
    pub(crate) nullable: bool,
}

/// A slice, ready to be read.
pub(crate) struct Slice {
    pub(crate) name: String,
    pub(crate) table: Arc<TableHandle>,
    pub(crate) exposed: Vec<Exposed>,
    pub(crate) judged: Vec<Judged>,
    /// Indices of the table's columns that are read: the exposed and the judged, each once.
    pub(crate) read: Vec<usize>,
    pub(crate) policy: Arc<dyn RowPolicy>,
    pub(crate) hash_key: [u8; 32],
    pub(crate) schema: SchemaRef,
    native: OnceLock<NativeFilter>,
}

impl fmt::Debug for Slice {
    /// The name alone: what the query engine prints of a plan must hold no row and no policy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slice").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Slice {
    /// Resolves a specification against its table.
    pub(crate) fn new(table: Arc<TableHandle>, spec: SliceSpec) -> Result<Self, KnowledgeError> {
        let mut read: Vec<usize> = Vec::new();
        let mut place = |column: usize| {
            read.iter().position(|known| *known == column).unwrap_or_else(|| {
                read.push(column);
                read.len().saturating_sub(1)
            })
        };
        let mut exposed: Vec<Exposed> = Vec::with_capacity(spec.columns.len());
        for column in &spec.columns {
            let (index, known) = find(&table.entry, &column.name)?;
            if exposed.iter().any(|other| other.name == column.name) {
                return Err(KnowledgeError::Duplicate { name: format!("{}.{}", spec.table, column.name) });
            }
            exposed.push(Exposed {
                name: column.name.clone(),
                mask: column.mask,
                ty: masked_type(&known.ty, column.mask),
                nullable: known.nullable,
                at: (column.mask != Some(Mask::Null)).then(|| place(index)),
            });
        }
        let mut judged = Vec::with_capacity(spec.policy.columns().len());
        for column in spec.policy.columns() {
            let (index, known) = find(&table.entry, column)?;
            judged.push(Judged { at: place(index), nullable: known.nullable });
        }
        let schema = arrow_schema(exposed.iter().map(|column| (column.name.as_str(), &column.ty)));
        Ok(Self {
            name: spec.table,
            table,
            exposed,
            judged,
            read,
            policy: spec.policy,
            hash_key: spec.hash_key,
            schema,
            native: OnceLock::new(),
        })
    }

    /// The policy's predicate in the source's own terms, worked out once.
    pub(crate) fn native(&self) -> &NativeFilter {
        self.native.get_or_init(|| self.table.reader.native(self.policy.predicate()))
    }

    /// The exposed column of a name, and where it stands.
    pub(crate) fn column(&self, name: &str) -> Option<(usize, &Exposed)> {
        self.exposed.iter().enumerate().find(|(_, column)| column.name == name)
    }
}

fn find<'a>(table: &'a CatalogTable, name: &str) -> Result<(usize, &'a crate::catalog::CatalogColumn), KnowledgeError> {
    table.columns.iter().enumerate().find(|(_, column)| column.name == name).ok_or_else(|| {
        KnowledgeError::UnknownColumn {
            table: table.full_name(),
            column: name.to_owned(),
            known: listed(table.columns.iter().map(|column| column.name.as_str())),
        }
    })
}
