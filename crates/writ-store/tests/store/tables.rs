//! A store's tables as a test sees them, in either database.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::fixture::postgres_name;
use crate::postgres::{self, Postgres};

const SQLITE: &str = "writ.db";

/// The tables of one store.
pub(crate) enum Tables {
    Sqlite(Connection),
    Postgres(String),
}

impl Tables {
    pub(crate) fn of(folder: &Path) -> Self {
        if postgres::is_chosen() {
            return Self::Postgres(postgres_name(folder));
        }
        Self::Sqlite(Connection::open_with_flags(folder.join(SQLITE), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap())
    }

    /// Changes rows, and tells how many. The statement is SQLite's.
    pub(crate) fn execute(&self, sql: &str) -> usize {
        match self {
            Self::Sqlite(connection) => connection.execute(sql, []).unwrap(),
            Self::Postgres(database) => {
                let said = Postgres::shared().sql(database, &in_postgres(sql));
                said.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("`{said}`"))
            }
        }
    }

    /// Runs statements, one text for each database.
    pub(crate) fn batch(&self, sqlite: &str, postgres: &str) {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(sqlite).unwrap(),
            Self::Postgres(database) => _ = Postgres::shared().sql(database, postgres),
        }
    }

    /// The bodies of all events, in order.
    pub(crate) fn bodies(&self) -> Vec<String> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare("SELECT CAST(body AS TEXT) FROM events ORDER BY seq").unwrap();
                let bodies = statement.query_map([], |row| row.get(0)).unwrap();
                bodies.map(Result::unwrap).collect()
            }
            Self::Postgres(database) => {
                let sql = "SELECT coalesce(json_agg(convert_from(body, 'UTF8') ORDER BY seq), '[]') FROM events";
                serde_json::from_str(&Postgres::shared().sql(database, sql)).unwrap()
            }
        }
    }

    /// The salt and the body of each event, in order.
    pub(crate) fn salted(&self) -> Vec<([u8; 32], Vec<u8>)> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare("SELECT salt, body FROM events ORDER BY seq").unwrap();
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Self::Postgres(database) => {
                let columns = "json_build_array(encode(salt, 'hex'), encode(body, 'hex'))";
                let sql = format!("SELECT coalesce(json_agg({columns} ORDER BY seq), '[]') FROM events");
                let rows: Vec<(String, String)> =
                    serde_json::from_str(&Postgres::shared().sql(database, &sql)).unwrap();
                rows.iter().map(|(salt, body)| (of_hex(salt).try_into().unwrap(), of_hex(body))).collect()
            }
        }
    }

    /// Two columns of a table.
    pub(crate) fn pairs(&self, table: &str, key: &str, value: &str) -> Vec<(String, String)> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(&format!("SELECT {key}, {value} FROM {table}")).unwrap();
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Self::Postgres(database) => {
                // An effect key is kept as its bytes.
                let key = if table == "effect_keys" { format!("convert_from({key}, 'UTF8')") } else { key.to_owned() };
                let sql = format!("SELECT coalesce(json_agg(json_build_array({key}, {value})), '[]') FROM {table}");
                serde_json::from_str(&Postgres::shared().sql(database, &sql)).unwrap()
            }
        }
    }

    /// The version of the tables.
    pub(crate) fn version(&self) -> i64 {
        match self {
            Self::Sqlite(connection) => connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap(),
            Self::Postgres(database) => {
                let sql = "SELECT max(version) FROM schema_versions";
                Postgres::shared().sql(database, sql).parse().unwrap()
            }
        }
    }

    /// Makes the tables seem to be of another version.
    pub(crate) fn set_version(&self, version: i64) {
        match self {
            Self::Sqlite(connection) => connection.pragma_update(None, "user_version", version).unwrap(),
            Self::Postgres(database) => {
                let sql = format!(
                    "DELETE FROM schema_versions WHERE version > {version};
                     INSERT INTO schema_versions (version) VALUES ({version}) ON CONFLICT DO NOTHING"
                );
                _ = Postgres::shared().sql(database, &sql);
            }
        }
    }
}

fn of_hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|start| u8::from_str_radix(&digits[start..start + 2], 16).unwrap()).collect()
}

/// The database of a closed store, kept under the name of another folder.
pub(crate) fn back_up(folder: &Path, backup: &Path) {
    if postgres::is_chosen() {
        Postgres::shared().replace(&postgres_name(backup), &postgres_name(folder));
    } else {
        fs::copy(folder.join(SQLITE), backup.join(SQLITE)).unwrap();
    }
}

/// Puts what was kept in the place of a closed store's database.
pub(crate) fn restore(backup: &Path, folder: &Path) {
    if postgres::is_chosen() {
        return Postgres::shared().replace(&postgres_name(folder), &postgres_name(backup));
    }
    for name in ["writ.db-wal", "writ.db-shm"] {
        _ = fs::remove_file(folder.join(name));
    }
    fs::copy(backup.join(SQLITE), folder.join(SQLITE)).unwrap();
}

/// A statement of SQLite's in PostgreSQL's words.
fn in_postgres(sql: &str) -> String {
    let words = [
        ("zeroblob(32)", "decode(repeat('00', 32), 'hex')"),
        ("x'00'", "decode('00', 'hex')"),
        ("x'7b7d'", "decode('7b7d', 'hex')"),
        (
            "CAST(replace(CAST(body AS TEXT), 'refunded', 'declined') AS BLOB)",
            "convert_to(replace(convert_from(body, 'UTF8'), 'refunded', 'declined'), 'UTF8')",
        ),
    ];
    words.iter().fold(sql.to_owned(), |sql, (sqlite, postgres)| sql.replace(sqlite, postgres))
}
