//! Tables of an SQLite database, read-only.
//!
//! Reads run on a small pool of connections, each statement prepared once and every constant bound. The
//! policy's predicate and the worker's pruning filters go into the statement as a superset. Columns are always
//! named with their table, because SQLite takes an unknown name in double quotes for a text.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{Value as SqlValue, ValueRef as SqlRef};
use rusqlite::{Connection, params_from_iter};
use writ_core::definition::{Source, Table};
use writ_core::policy::Predicate;
use writ_core::value::{Type, Value, parse_datetime, parse_decimal};

use super::{OpenedTable, ROWS_AT_A_TIME, Reader, Request, ScanError, Sink, definition};
use crate::catalog::listed;
use crate::cell::{Cell, ColumnSpec};
use crate::clock::Stop;
use crate::connection::{GuardedConnection, is_interrupted};
use crate::error::KnowledgeError;
use crate::native_sql::{NativeColumn, NativeFilter, Storage, quoted, storage};

/// The most connections of one database that wait for work.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// A database and its connections that wait for work.
#[derive(Debug)]
struct Database {
    path: PathBuf,
    idle: Mutex<Vec<GuardedConnection>>,
}

/// One table, or view, of a database.
#[derive(Debug)]
pub(crate) struct SqliteTable {
    database: Arc<Database>,
    /// The table's quoted name.
    table: String,
    columns: Vec<SqliteColumn>,
}

#[derive(Debug)]
struct SqliteColumn {
    spec: ColumnSpec,
    /// The column's qualified and quoted name.
    name: String,
    storage: Storage,
}

/// Opens a database and the tables that the definition names.
pub(crate) fn open(path: &Path, source: &Source) -> Result<Vec<OpenedTable>, KnowledgeError> {
    let unavailable = |error: rusqlite::Error| KnowledgeError::SourceUnavailable {
        name: source.source.clone(),
        reason: error.to_string(),
    };
    let database = Arc::new(Database { path: path.to_owned(), idle: Mutex::new(Vec::new()) });
    let stop = Arc::new(Stop::after(std::time::Duration::from_secs(60)));
    let mut connection = GuardedConnection::open_read_only(path).map_err(unavailable)?;
    let opened = connection.until(&stop, |connection| {
        let encoding: String = connection.query_row("PRAGMA encoding", [], |row| row.get(0)).map_err(unavailable)?;
        source
            .tables
            .iter()
            .map(|(name, table)| {
                let full_name = format!("{}.{name}", source.source);
                let stored_as = table.stored_as.as_deref().unwrap_or(name);
                let found = discover(connection, stored_as).map_err(unavailable)?;
                if found.is_empty() {
                    let tables = table_names(connection).map_err(unavailable)?;
                    let hint = format!("the database has {}", listed(tables.iter().map(String::as_str)));
                    return Err(KnowledgeError::UnknownTable { table: full_name, hint });
                }
                opened_table(&database, name, &full_name, stored_as, found, table, encoding == "UTF-8")
            })
            .collect::<Result<Vec<OpenedTable>, KnowledgeError>>()
    })?;
    database.give_back(connection);
    Ok(opened)
}

/// A column as the database declares it.
struct Declared {
    name: String,
    declared: String,
    required: bool,
    key: i64,
}

fn discover(connection: &Connection, table: &str) -> Result<Vec<Declared>, rusqlite::Error> {
    // Hidden columns of virtual tables are kind 1; generated columns, 2 and 3, are columns like others.
    let mut statement = connection
        .prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid")?;
    statement
        .query_map([table], |row| {
            let declared: Option<String> = row.get(1)?;
            Ok(Declared {
                name: row.get(0)?,
                declared: declared.unwrap_or_default(),
                required: row.get(2)?,
                key: row.get(3)?,
            })
        })?
        .collect()
}

fn table_names(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn opened_table(
    database: &Arc<Database>,
    name: &str,
    full_name: &str,
    stored_as: &str,
    found: Vec<Declared>,
    given: &Table,
    text_is_utf8: bool,
) -> Result<OpenedTable, KnowledgeError> {
    let mut key: Vec<(i64, String)> =
        found.iter().filter(|column| column.key > 0).map(|column| (column.key, column.name.clone())).collect();
    key.sort();
    let mut columns: Vec<ColumnSpec> = found
        .iter()
        .map(|column| ColumnSpec {
            name: column.name.clone(),
            ty: declared_type(&column.declared),
            scale: None,
            nullable: !column.required && column.key == 0,
            labels: Vec::new(),
        })
        .collect();
    definition::apply(full_name, &mut columns, given)?;
    let stored = columns
        .iter()
        .zip(&found)
        .map(|(spec, declared)| SqliteColumn {
            name: format!("t.{}", quoted(&spec.name)),
            storage: storage(&spec.ty, spec.scale, &declared.declared, text_is_utf8),
            spec: spec.clone(),
        })
        .collect();
    Ok(OpenedTable {
        name: name.to_owned(),
        columns,
        row_identity: key.into_iter().map(|(_, name)| name).collect(),
        documents: false,
        reader: Reader::Sqlite(SqliteTable {
            database: Arc::clone(database),
            table: quoted(stored_as),
            columns: stored,
        }),
    })
}

fn declared_type(declared: &str) -> Type {
    let declared = declared.to_ascii_uppercase();
    let has = |part: &str| declared.contains(part);
    if has("BOOL") {
        Type::Bool
    } else if has("DATE") || has("TIMESTAMP") {
        Type::Datetime
    } else if has("INT") {
        Type::Long
    } else if has("REAL") || has("FLOA") || has("DOUB") || has("NUMERIC") || has("DECIMAL") {
        Type::Decimal
    } else {
        Type::String
    }
}

impl SqliteTable {
    pub(crate) fn native(&self, predicate: &Predicate) -> NativeFilter {
        NativeFilter::lower(predicate, &|name| {
            let column = self.columns.iter().find(|column| column.spec.name == name)?;
            Some(NativeColumn { name: column.name.clone(), storage: column.storage })
        })
    }

    pub(crate) fn read(&self, request: &Request<'_>, sink: &mut Sink<'_>) -> Result<(), ScanError> {
        let columns: Vec<&SqliteColumn> =
            request.columns.iter().filter_map(|column| self.columns.get(*column)).collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let selected = if names.is_empty() { "1".to_owned() } else { names.join(", ") };
        let prune = self.native(request.prune);
        let (policy, mut parameters): (&str, Vec<&SqlValue>) = match request.policy {
            Some(policy) => (policy.sql.as_str(), policy.parameters.iter().collect()),
            None => ("1", Vec::new()),
        };
        let sql = format!("SELECT {selected} FROM {} AS t WHERE {policy} AND {}", self.table, prune.sql);
        parameters.extend(&prune.parameters);
        self.database.with(request.stop, |connection| {
            let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
            let mut rows = statement.query(params_from_iter(parameters)).map_err(failed)?;
            let mut batch: Vec<Vec<Cell>> = Vec::new();
            while let Some(row) = rows.next().map_err(failed)? {
                let cells = columns
                    .iter()
                    .enumerate()
                    .map(|(at, column)| Ok(cell(row.get_ref(at)?, &column.spec)))
                    .collect::<Result<Vec<Cell>, rusqlite::Error>>()
                    .map_err(failed)?;
                batch.push(cells);
                if batch.len() >= ROWS_AT_A_TIME {
                    if request.stop.is_reached() {
                        return Err(ScanError::Stopped);
                    }
                    sink(&mut batch)?;
                }
            }
            sink(&mut batch)
        })
    }

    pub(crate) fn count(&self, stop: &Arc<Stop>) -> Result<u64, ScanError> {
        let sql = format!("SELECT count(*) FROM {}", self.table);
        let rows: i64 =
            self.database.with(stop, |connection| connection.query_row(&sql, [], |row| row.get(0)).map_err(failed))?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }
}

impl Database {
    fn with<T>(
        &self,
        stop: &Arc<Stop>,
        work: impl FnOnce(&mut Connection) -> Result<T, ScanError>,
    ) -> Result<T, ScanError> {
        let waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match waiting {
            Some(connection) => connection,
            None => GuardedConnection::open_read_only(&self.path).map_err(failed)?,
        };
        let outcome = connection.until(stop, work);
        // A connection on which the source failed is not used again.
        if !matches!(outcome, Err(ScanError::Source(_))) {
            self.give_back(connection);
        }
        outcome
    }

    fn give_back(&self, connection: GuardedConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
    }
}

fn failed(error: rusqlite::Error) -> ScanError {
    if is_interrupted(&error) { ScanError::Stopped } else { ScanError::Source(error.to_string()) }
}

fn cell(stored: SqlRef<'_>, column: &ColumnSpec) -> Cell {
    match (stored, &column.ty) {
        (SqlRef::Null, _) => Cell::Null,
        (SqlRef::Integer(value), Type::Long) => Cell::Value(Value::Long(value)),
        (SqlRef::Integer(value @ (0 | 1)), Type::Bool) => Cell::Value(Value::Bool(value == 1)),
        (SqlRef::Integer(units), Type::Decimal) => Cell::minor_units(units, column.scale.unwrap_or(0)),
        (SqlRef::Real(value), Type::Decimal) if column.scale.is_none() => Cell::double(value),
        (SqlRef::Text(text), ty) => match (std::str::from_utf8(text), ty) {
            (Ok(text), Type::String) => Cell::string(text),
            (Ok(text), Type::Decimal) if column.scale.is_none() => {
                Cell::or_misfit(parse_decimal(text).map(Value::Decimal))
            }
            (Ok(text), Type::Datetime) => Cell::or_misfit(parse_datetime(text).map(Value::Datetime)),
            _ => Cell::Misfit,
        },
        _ => Cell::Misfit,
    }
}
