//! What is done for a customer rather than to an order: a new default address, a message, a hand-over to a person.
//!
//! A message goes to whatever address the call names. The shop sends none itself: the row is what was sent. Never asks
//! whether the address is that of a customer.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::{Outcome, refuse, views};

pub(super) fn modify_user_address(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let user_id = arguments.text("user_id")?;
    conn.prepare_cached(
        "UPDATE customers
         SET address1 = ?2, address2 = ?3, city = ?4, state = ?5, country = ?6, zip = ?7
         WHERE customer_id = ?1",
    )?
    .execute([
        user_id,
        arguments.text("address1")?,
        arguments.text("address2")?,
        arguments.text("city")?,
        arguments.text("state")?,
        arguments.text("country")?,
        arguments.text("zip")?,
    ])?;
    // Says so itself where no such customer exists, and then nothing was updated.
    views::customer(conn, user_id)
}

pub(super) fn notify_customer(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let (to, subject) = (arguments.text("to")?, arguments.text("subject")?);
    if !is_address(to) {
        return refuse(format!("`{to}` is no e-mail address; give one, such as `name@example.com`"));
    }
    if subject.chars().any(char::is_control) {
        return refuse("the subject must be a single line; put the rest into the body");
    }
    let message_id = conn
        .prepare_cached("INSERT INTO messages (to_address, subject, body) VALUES (?1, ?2, ?3)")?
        .insert([to, subject, arguments.text("body")?])?;
    Ok(json!({ "message_id": message_id, "to": to, "subject": subject }))
}

pub(super) fn transfer_to_human_agents(_: &Connection, _: &Arguments<'_>) -> Outcome {
    Ok(Value::from("Transfer successful"))
}

/// One `@` with something on both sides, and nothing that could end a header line.
fn is_address(text: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty() && part.chars().all(|next| next != '@' && !next.is_whitespace() && !next.is_control())
    };
    text.split_once('@').is_some_and(|(name, host)| fits(name) && fits(host))
}
