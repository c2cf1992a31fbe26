//! The story that the bundled shop tells: a torn jacket, the case about it, and whose business it is.
//!
//! Ana works on case C-1044 of one customer; Ben's cases and their customers are none of hers. Lea decides.

use serde_json::{Value as Json, json};

/// Ana's case.
pub const CASE: &str = "C-1044";
/// Another case of Ana's, of another customer.
pub const OTHER_CASE: &str = "C-1042";
/// The customer of Ana's case.
pub const CUSTOMER: &str = "noor_haddad_4821";
/// That customer's address.
pub const EMAIL: &str = "noor.haddad@example.com";
/// That customer's only order.
pub const ORDER: &str = "#W2611340";
/// The order's payment, of 240.00, nothing of it given back yet.
pub const PAYMENT: &str = "pay_88213";
/// A customer of Ben's.
pub const OTHER_CUSTOMER: &str = "elias_brandt_5306";
/// That customer's order.
pub const OTHER_ORDER: &str = "#W7449508";
/// The payment of that order.
pub const OTHER_PAYMENT: &str = "pay_88240";

/// The tool that gives money back, as workers call it.
pub const REFUND: &str = "shop_refund_payment";
/// The tool that writes to a customer, as workers call it.
pub const NOTE: &str = "shop_notify_customer";

/// The arguments of a refund of the case's payment.
#[must_use]
pub fn refund(amount: u64) -> Json {
    json!({ "payment_id": PAYMENT, "amount": amount })
}

/// The arguments of a note to the case's customer.
#[must_use]
pub fn note(body: &str) -> Json {
    json!({ "to": EMAIL, "subject": "Your refund", "body": body })
}

/// The verdict on a refund that happened.
#[must_use]
pub fn refunded(amount: u64) -> Json {
    json!({ "outcome": "refunded", "amount": amount, "reason": "given back as approved" })
}
