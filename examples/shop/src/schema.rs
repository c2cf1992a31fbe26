//! The tables, and how the file is opened.
//!
//! Plain names and plain types, because other programs read this file too: money is whole cents, a list or a set of
//! options is JSON text, a moment is RFC 3339 in UTC. Write-ahead logging lets them read while the shop writes. Never
//! alters an existing file: a new shop needs a new file.
//!
//! Rows belong together by the names of their columns. No foreign keys are declared, as in many a shop that has grown:
//! a reader that is tested against this file may add and remove rows as it likes.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::ShopError;

/// Kept in the file's header, so that another database is not taken for a shop.
const SCHEMA_VERSION: i64 = 1;
/// How long a statement waits for another program's lock.
const BUSY_WAIT_MILLISECONDS: u64 = 10_000;
/// Enough for every statement of every tool to stay prepared.
const STATEMENTS_CACHED_MAX: usize = 128;

const TABLES: &str = "
CREATE TABLE customers (
  customer_id TEXT PRIMARY KEY NOT NULL,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  email TEXT NOT NULL,
  address1 TEXT NOT NULL,
  address2 TEXT NOT NULL,
  city TEXT NOT NULL,
  state TEXT NOT NULL,
  country TEXT NOT NULL,
  zip TEXT NOT NULL
) STRICT;
CREATE INDEX customers_by_email ON customers (email);
CREATE INDEX customers_by_email_in_any_case ON customers (email COLLATE NOCASE);
CREATE INDEX customers_by_zip ON customers (zip, last_name COLLATE NOCASE, first_name COLLATE NOCASE);

CREATE TABLE payment_methods (
  payment_method_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('credit_card', 'paypal', 'gift_card')),
  brand TEXT,
  last_four TEXT,
  balance INTEGER CHECK (balance >= 0),
  PRIMARY KEY (customer_id, payment_method_id)
) STRICT;
CREATE UNIQUE INDEX payment_methods_by_id ON payment_methods (payment_method_id);

CREATE TABLE products (
  product_id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL
) STRICT;
CREATE INDEX products_by_name ON products (name);

CREATE TABLE variants (
  item_id TEXT PRIMARY KEY NOT NULL,
  product_id TEXT NOT NULL,
  options TEXT NOT NULL,
  available INTEGER NOT NULL CHECK (available IN (0, 1)),
  price INTEGER NOT NULL CHECK (price >= 0)
) STRICT;
CREATE INDEX variants_by_product ON variants (product_id);

CREATE TABLE orders (
  order_id TEXT PRIMARY KEY NOT NULL,
  customer_id TEXT NOT NULL,
  status TEXT NOT NULL,
  total INTEGER NOT NULL,
  placed_at TEXT,
  delivered_at TEXT,
  address1 TEXT NOT NULL,
  address2 TEXT NOT NULL,
  city TEXT NOT NULL,
  state TEXT NOT NULL,
  country TEXT NOT NULL,
  zip TEXT NOT NULL,
  cancel_reason TEXT,
  exchange_items TEXT,
  exchange_new_items TEXT,
  exchange_payment_method_id TEXT,
  exchange_price_difference INTEGER,
  return_items TEXT,
  return_payment_method_id TEXT
) STRICT;
CREATE INDEX orders_by_customer ON orders (customer_id);
CREATE INDEX orders_by_status ON orders (status);

CREATE TABLE order_items (
  order_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  customer_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  product_id TEXT NOT NULL,
  name TEXT NOT NULL,
  price INTEGER NOT NULL,
  options TEXT NOT NULL,
  PRIMARY KEY (order_id, line)
) STRICT;
CREATE INDEX order_items_by_customer ON order_items (customer_id);
CREATE INDEX order_items_by_item ON order_items (item_id);

CREATE TABLE fulfillments (
  order_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  tracking_id TEXT NOT NULL,
  item_ids TEXT NOT NULL,
  PRIMARY KEY (order_id, tracking_id)
) STRICT;
CREATE INDEX fulfillments_by_customer ON fulfillments (customer_id);
CREATE INDEX fulfillments_by_tracking ON fulfillments (tracking_id);

CREATE TABLE payments (
  payment_id TEXT PRIMARY KEY NOT NULL,
  order_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  payment_method_id TEXT NOT NULL,
  card_number TEXT,
  captured INTEGER NOT NULL CHECK (captured >= 0),
  refunded INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND captured)
) STRICT;
CREATE INDEX payments_by_order ON payments (order_id);
CREATE INDEX payments_by_customer ON payments (customer_id);
CREATE INDEX payments_by_method ON payments (payment_method_id);

CREATE TABLE history (
  order_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  transaction_type TEXT NOT NULL CHECK (transaction_type IN ('payment', 'refund')),
  amount INTEGER NOT NULL CHECK (amount >= 0),
  payment_method_id TEXT NOT NULL,
  PRIMARY KEY (order_id, n)
) STRICT;
CREATE INDEX history_by_customer ON history (customer_id);

CREATE TABLE cases (
  case_id TEXT PRIMARY KEY NOT NULL,
  customer_id TEXT NOT NULL,
  order_id TEXT NOT NULL,
  agent TEXT NOT NULL,
  subject TEXT NOT NULL,
  status TEXT NOT NULL,
  opened_at TEXT NOT NULL
) STRICT;
CREATE INDEX cases_by_customer ON cases (customer_id);
CREATE INDEX cases_by_order ON cases (order_id);
CREATE INDEX cases_by_agent ON cases (agent);

CREATE TABLE messages (
  message_id INTEGER PRIMARY KEY NOT NULL,
  to_address TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX messages_by_address ON messages (to_address);

CREATE TABLE effects (
  effect_id INTEGER PRIMARY KEY NOT NULL,
  tool TEXT NOT NULL,
  arguments TEXT NOT NULL,
  idempotency_key TEXT UNIQUE,
  result TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
";

/// Opens the shop in an existing file.
///
/// # Errors
///
/// When the file is missing, or is not a shop of this version.
pub fn open(path: &Path) -> Result<Connection, ShopError> {
    let name = path.display().to_string();
    if !path.exists() {
        return Err(ShopError::NoShop(name));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    prepare(&conn)?;
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != SCHEMA_VERSION {
        return Err(ShopError::NoShop(name));
    }
    Ok(conn)
}

/// Makes a file with a shop's empty tables.
///
/// # Errors
///
/// When the file already has tables in it, or cannot be written.
pub fn create(path: &Path) -> Result<Connection, ShopError> {
    let conn = Connection::open(path)?;
    prepare(&conn)?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(ShopError::AlreadyThere(path.display().to_string()));
    }
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.execute_batch(TABLES)?;
    conn.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(conn)
}

/// Sets what a connection forgets when it closes; the journal mode stays in the file.
fn prepare(conn: &Connection) -> Result<(), ShopError> {
    conn.busy_timeout(Duration::from_millis(BUSY_WAIT_MILLISECONDS))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(())
}
