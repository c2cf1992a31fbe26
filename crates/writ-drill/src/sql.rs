//! Names of tables and columns in the SQL that the drill sends.

/// A name as SQL takes it: in quotes, unless it is plain.
pub(crate) fn name(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.bytes().all(is_plain) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A table's name (`source.table`) as SQL takes it.
pub(crate) fn table(table: &str) -> String {
    table.split('.').map(name).collect::<Vec<_>>().join(".")
}

/// Reads a few rows of one column.
pub(crate) fn select(column: &str, of: &str, rows: usize) -> String {
    format!("SELECT {} FROM {} LIMIT {rows}", name(column), table(of))
}
