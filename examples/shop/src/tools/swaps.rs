//! Which lines of an order a call means, and which variants take their place.
//!
//! The same for an order that is changed before it leaves and for one that is exchanged after it came. Only plans: the
//! caller decides what a swap does to the order.

use rusqlite::{Connection, OptionalExtension};

use super::arguments::Arguments;
use super::payments::{Method, Order};
use super::{ToolError, refuse};

/// One line of an order.
pub(super) struct Line {
    line: i64,
    item_id: String,
    product_id: String,
    price: i64,
}

/// A line and the variant that replaces its item.
pub(super) struct Swap {
    pub(super) line: i64,
    pub(super) new_item_id: String,
    pub(super) new_options: String,
    pub(super) new_price: i64,
    old_price: i64,
}

/// All swaps of one call, with who pays or gets the difference.
pub(super) struct Plan {
    pub(super) swaps: Vec<Swap>,
    pub(super) method: Method,
    /// What the new items cost more than the old ones, in cents; negative where they cost less.
    pub(super) difference: i64,
}

impl Plan {
    /// Reads `item_ids`, `new_item_ids` and `payment_method_id` of a call, and refuses what cannot be.
    pub(super) fn of_call(conn: &Connection, order: &Order, arguments: &Arguments<'_>) -> Result<Self, ToolError> {
        let (old, new) = (arguments.texts("item_ids")?, arguments.texts("new_item_ids")?);
        if old.len() != new.len() {
            return refuse(format!(
                "{} items cannot be replaced by {}; give one new item for each, in the same order",
                old.len(),
                new.len()
            ));
        }
        let lines = claim(conn, order, &old)?;
        let swaps = lines
            .iter()
            .zip(new)
            .map(|(line, new_item_id)| swap(conn, line, new_item_id))
            .collect::<Result<Vec<_>, _>>()?;
        let method = Method::find(conn, order, arguments.text("payment_method_id")?)?;
        let difference: i64 = swaps.iter().map(|swap| swap.new_price - swap.old_price).sum();
        method.require_cover(difference)?;
        Ok(Self { swaps, method, difference })
    }
}

/// Finds a line for each of the items, so that an item that was bought once cannot be named twice.
pub(super) fn claim(conn: &Connection, order: &Order, item_ids: &[&str]) -> Result<Vec<Line>, ToolError> {
    let mut statement = conn.prepare_cached(
        "SELECT line, item_id, product_id, price FROM order_items
         WHERE order_id = ?1 ORDER BY line",
    )?;
    let mut free = statement
        .query_map([order.order_id.as_str()], |row| {
            Ok(Line { line: row.get(0)?, item_id: row.get(1)?, product_id: row.get(2)?, price: row.get(3)? })
        })?
        .collect::<rusqlite::Result<Vec<Line>>>()?;
    let mut claimed = Vec::with_capacity(item_ids.len());
    for item_id in item_ids {
        let Some(position) = free.iter().position(|line| line.item_id == *item_id) else {
            return refuse(format!(
                "order `{}` has no (further) item `{item_id}`; look at the items of the order",
                order.order_id
            ));
        };
        claimed.push(free.remove(position));
    }
    Ok(claimed)
}

fn swap(conn: &Connection, line: &Line, new_item_id: &str) -> Result<Swap, ToolError> {
    let found = conn
        .prepare_cached("SELECT options, price, available FROM variants WHERE item_id = ?1 AND product_id = ?2")?
        .query_row([new_item_id, line.product_id.as_str()], |row| {
            let available: bool = row.get(2)?;
            let swap = Swap {
                line: line.line,
                new_item_id: new_item_id.to_owned(),
                new_options: row.get(0)?,
                new_price: row.get(1)?,
                old_price: line.price,
            };
            Ok((swap, available))
        })
        .optional()?;
    match found {
        Some((swap, true)) => Ok(swap),
        Some((_, false)) => {
            refuse(format!("item `{new_item_id}` is not available; choose an available one of the same product"))
        }
        None => refuse(format!(
            "item `{new_item_id}` is no variant of product `{}`; an item is replaced by \
             one of the same product",
            line.product_id
        )),
    }
}
