//! A shop to try things on, with every refusal checked for having left no trace.
//!
//! The small shop is written out in SQL, so that a test's numbers can be read beside it.

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::Value;
use shop::{ToolResult, call, create, dump, entries, seed};
use tempfile::TempDir;

/// Two customers, two products, and an order in each state that the rules tell apart. `cu` pays by card, gift card
/// (50.00) or PayPal; `ot` is somebody else.
const SMALL: &str = r#"
INSERT INTO customers VALUES
  ('cu', 'Ada', 'Birch', 'ada@example.com', '1 Mill Road', '', 'Denver', 'CO', 'USA', '80279'),
  ('ot', 'Igor', 'Novak', 'igor@example.com', '2 Mill Road', '', 'Denver', 'CO', 'USA', '80279');
INSERT INTO payment_methods (payment_method_id, customer_id, source, brand, last_four, balance) VALUES
  ('card', 'cu', 'credit_card', 'visa', '4242', NULL),
  ('gift', 'cu', 'gift_card', NULL, NULL, 5000),
  ('pal', 'cu', 'paypal', NULL, NULL, NULL),
  ('other_card', 'ot', 'credit_card', 'visa', '1111', NULL);
INSERT INTO products VALUES ('mug', 'Mug'), ('lamp', 'Lamp');
INSERT INTO variants (item_id, product_id, options, available, price) VALUES
  ('mug10', 'mug', '{"color":"red"}', 1, 1000),
  ('mug15', 'mug', '{"color":"blue"}', 1, 1500),
  ('mug12', 'mug', '{"color":"grey"}', 0, 1200),
  ('mug8', 'mug', '{"color":"white"}', 1, 800),
  ('mug90', 'mug', '{"color":"gold"}', 1, 9000),
  ('lamp60', 'lamp', '{"base":"clamp"}', 1, 6000);
INSERT INTO orders (order_id, customer_id, status, total, address1, address2, city, state, country, zip) VALUES
  ('#W1', 'cu', 'pending', 2000, '1 Mill Road', '', 'Denver', 'CO', 'USA', '80279'),
  ('#W2', 'cu', 'delivered', 7000, '1 Mill Road', '', 'Denver', 'CO', 'USA', '80279'),
  ('#W3', 'cu', 'pending', 3000, '1 Mill Road', '', 'Denver', 'CO', 'USA', '80279'),
  ('#W4', 'cu', 'pending', 6000, '1 Mill Road', '', 'Denver', 'CO', 'USA', '80279'),
  ('#W5', 'cu', 'processed', 1000, '1 Mill Road', '', 'Denver', 'CO', 'USA', '80279');
INSERT INTO order_items (order_id, line, customer_id, item_id, product_id, name, price, options) VALUES
  ('#W1', 1, 'cu', 'mug10', 'mug', 'Mug', 1000, '{"color":"red"}'),
  ('#W1', 2, 'cu', 'mug10', 'mug', 'Mug', 1000, '{"color":"red"}'),
  ('#W2', 1, 'cu', 'mug10', 'mug', 'Mug', 1000, '{"color":"red"}'),
  ('#W2', 2, 'cu', 'lamp60', 'lamp', 'Lamp', 6000, '{"base":"clamp"}'),
  ('#W3', 1, 'cu', 'mug15', 'mug', 'Mug', 1500, '{"color":"blue"}'),
  ('#W3', 2, 'cu', 'mug15', 'mug', 'Mug', 1500, '{"color":"blue"}'),
  ('#W4', 1, 'cu', 'lamp60', 'lamp', 'Lamp', 6000, '{"base":"clamp"}'),
  ('#W5', 1, 'cu', 'mug10', 'mug', 'Mug', 1000, '{"color":"red"}');
INSERT INTO payments VALUES
  ('pay_1', '#W1', 'cu', 'card', '4242424242424242', 2000, 0),
  ('pay_2', '#W2', 'cu', 'card', '4242424242424242', 7000, 0),
  ('pay_3', '#W3', 'cu', 'gift', NULL, 3000, 0),
  ('pay_4', '#W4', 'cu', 'pal', NULL, 6000, 0),
  ('pay_5', '#W5', 'cu', 'card', '4242424242424242', 1000, 0);
INSERT INTO history VALUES
  ('#W1', 'cu', 1, 'payment', 2000, 'card'),
  ('#W2', 'cu', 1, 'payment', 7000, 'card'),
  ('#W3', 'cu', 1, 'payment', 3000, 'gift'),
  ('#W4', 'cu', 1, 'payment', 6000, 'pal'),
  ('#W5', 'cu', 1, 'payment', 1000, 'card');
"#;

/// A shop in a folder that goes away with it.
pub(crate) struct Bench {
    pub(crate) conn: Connection,
    folder: TempDir,
}

impl Bench {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let conn = create(&folder.path().join("shop.db")).unwrap();
        Self { conn, folder }
    }

    pub(crate) fn small() -> Self {
        let bench = Self::empty();
        bench.conn.execute_batch(SMALL).unwrap();
        bench
    }

    pub(crate) fn seeded() -> Self {
        let mut bench = Self::empty();
        seed(&mut bench.conn).unwrap();
        bench
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> ToolResult {
        call(&mut self.conn, tool, arguments.as_object().unwrap(), None)
    }

    pub(crate) fn call_keyed(&mut self, tool: &str, arguments: Value, key: &str) -> ToolResult {
        call(&mut self.conn, tool, arguments.as_object().unwrap(), Some(key))
    }

    /// Calls a tool that has to succeed, and returns its result.
    pub(crate) fn done(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert!(!result.is_error, "{tool}: {}", result.value);
        result.value
    }

    /// Calls a tool that has to refuse, checks that nothing at all has changed, and returns the reason.
    pub(crate) fn refused(&mut self, tool: &str, arguments: Value) -> String {
        let before = (dump(&self.conn).unwrap(), self.effects());
        let result = self.call(tool, arguments);
        assert!(result.is_error, "{tool} was not refused: {}", result.value);
        assert_eq!(result.fault, None, "{tool} was refused by the database, not by a rule");
        assert_eq!(result.effect_id, None);
        assert_eq!((dump(&self.conn).unwrap(), self.effects()), before, "{tool} left a trace");
        result.value.as_str().unwrap().to_owned()
    }

    pub(crate) fn effects(&self) -> usize {
        entries(&self.conn).unwrap().len()
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.conn.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}
