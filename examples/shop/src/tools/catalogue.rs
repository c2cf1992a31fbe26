//! The list of tools: names, arguments, descriptions and the function behind each.
//!
//! One entry is all there is to a tool, so what a client is told and what a call is checked against cannot differ. The
//! classes are honest: whatever leaves a row in the ledger is an effect.

use super::arguments::{Argument, Kind};
use super::pending::CANCEL_REASONS;
use super::{Hints, Output, Tool, Work, account, delivered, find, pending, refunds};

const CUSTOMER: Output = Output::Object(&[
    ("user_id", "string"),
    ("name", "object"),
    ("address", "object"),
    ("email", "string"),
    ("payment_methods", "object"),
    ("orders", "array"),
]);
const ORDER: Output = Output::Object(&[
    ("order_id", "string"),
    ("user_id", "string"),
    ("status", "string"),
    ("total", "number"),
    ("address", "object"),
    ("items", "array"),
    ("fulfillments", "array"),
    ("payment_history", "array"),
    ("payments", "array"),
]);
const PRODUCT: Output = Output::Object(&[("name", "string"), ("product_id", "string"), ("variants", "object")]);
const REFUND: Output = Output::Object(&[
    ("payment_id", "string"),
    ("order_id", "string"),
    ("payment_method_id", "string"),
    ("amount", "number"),
    ("captured", "number"),
    ("refunded", "number"),
    ("refundable", "number"),
]);
const MESSAGE: Output = Output::Object(&[("message_id", "integer"), ("to", "string"), ("subject", "string")]);

/// Changes nothing.
const READING: Hints = Hints { destructive: false, idempotent: true, open_world: false };
/// Replaces or takes away what was there.
const REPLACING: Hints = Hints { destructive: true, idempotent: false, open_world: false };
/// Replaces what was there by what the arguments say, so that a second time changes nothing more.
const SETTING: Hints = Hints { destructive: true, idempotent: true, open_world: false };
/// Only adds.
const ADDING: Hints = Hints { destructive: false, idempotent: false, open_world: false };
/// Only adds, and outside the shop.
const SENDING: Hints = Hints { destructive: false, idempotent: false, open_world: true };

/// Every tool of the shop.
pub(super) static CATALOGUE: &[Tool] = &[
    Tool {
        name: "find_user_id_by_email",
        description: "Finds the id of the customer with an e-mail address. Capital and small \
                      letters count as the same.",
        arguments: &[text("email", "The e-mail address of the customer's account, such as `name@example.com`.")],
        work: Work::Read(find::find_user_id_by_email),
        output: Output::Text,
        hints: READING,
    },
    Tool {
        name: "find_user_id_by_name_zip",
        description: "Finds the id of the customer with a name and a zip code, where the \
                      e-mail address is not known.",
        arguments: &[
            text("first_name", "The customer's first name."),
            text("last_name", "The customer's last name."),
            text("zip", "The zip code of the customer's default address."),
        ],
        work: Work::Read(find::find_user_id_by_name_zip),
        output: Output::Text,
        hints: READING,
    },
    Tool {
        name: "get_user_details",
        description: "Shows a customer: name, default address, e-mail address, payment methods \
                      and the ids of their orders.",
        arguments: &[text("user_id", "The customer's id.")],
        work: Work::Read(find::get_user_details),
        output: CUSTOMER,
        hints: READING,
    },
    Tool {
        name: "get_order_details",
        description: "Shows an order: status, address, items, parcels, payments and what was \
                      paid and given back.",
        arguments: &[ORDER_ID],
        work: Work::Read(find::get_order_details),
        output: ORDER,
        hints: READING,
    },
    Tool {
        name: "get_product_details",
        description: "Shows a product with its variants: options, price and whether each is \
                      available.",
        arguments: &[text("product_id", "The product's id. An item's id is another thing.")],
        work: Work::Read(find::get_product_details),
        output: PRODUCT,
        hints: READING,
    },
    Tool {
        name: "list_all_product_types",
        description: "Lists the names of all products with their ids.",
        arguments: &[],
        work: Work::Read(find::list_all_product_types),
        output: Output::Object(&[]),
        hints: READING,
    },
    Tool {
        name: "calculate",
        description: "Works out an arithmetic expression and rounds the result to two decimals.",
        arguments: &[text("expression", "Numbers, `+`, `-`, `*`, `/` and parentheses, such as `(12.5 + 3) * 2`.")],
        work: Work::Read(find::calculate),
        output: Output::Text,
        hints: READING,
    },
    Tool {
        name: "cancel_pending_order",
        description: "Cancels a pending order and gives back what was paid: to a gift card at \
                      once, otherwise within 5 to 7 business days.",
        arguments: &[
            ORDER_ID,
            Argument { name: "reason", kind: Kind::OneOf(CANCEL_REASONS), about: "Why the order is cancelled." },
        ],
        work: Work::Effect(pending::cancel_pending_order),
        output: ORDER,
        hints: REPLACING,
    },
    Tool {
        name: "modify_pending_order_address",
        description: "Changes where a pending order is sent.",
        arguments: &[ORDER_ID, ADDRESS1, ADDRESS2, CITY, STATE, COUNTRY, ZIP],
        work: Work::Effect(pending::modify_pending_order_address),
        output: ORDER,
        hints: SETTING,
    },
    Tool {
        name: "modify_pending_order_payment",
        description: "Has a pending order paid by another of the customer's payment methods \
                      and gives back the first payment. A gift card must cover the whole \
                      amount.",
        arguments: &[ORDER_ID, text("payment_method_id", "The new payment method, other than the present one.")],
        work: Work::Effect(pending::modify_pending_order_payment),
        output: ORDER,
        hints: REPLACING,
    },
    Tool {
        name: "modify_pending_order_items",
        description: "Replaces items of a pending order by available variants of the same \
                      products. Possible once an order, so give all items in one call.",
        arguments: &[ORDER_ID, OLD_ITEMS, NEW_ITEMS, DIFFERENCE_METHOD],
        work: Work::Effect(pending::modify_pending_order_items),
        output: ORDER,
        hints: REPLACING,
    },
    Tool {
        name: "modify_user_address",
        description: "Changes a customer's default address. Orders that were placed keep theirs.",
        arguments: &[text("user_id", "The customer's id."), ADDRESS1, ADDRESS2, CITY, STATE, COUNTRY, ZIP],
        work: Work::Effect(account::modify_user_address),
        output: CUSTOMER,
        hints: SETTING,
    },
    Tool {
        name: "return_delivered_order_items",
        description: "Asks for a delivered order's items to be sent back. Possible once an \
                      order, so give all items in one call.",
        arguments: &[
            ORDER_ID,
            Argument {
                name: "item_ids",
                kind: Kind::Texts,
                about: "The items to send back; an item bought twice may stand twice.",
            },
            text(
                "payment_method_id",
                "Where the refund goes: what the order was paid with, or the customer's gift card.",
            ),
        ],
        work: Work::Effect(delivered::return_delivered_order_items),
        output: ORDER,
        hints: REPLACING,
    },
    Tool {
        name: "exchange_delivered_order_items",
        description: "Asks for a delivered order's items to be exchanged for available \
                      variants of the same products. Possible once an order, so give all items \
                      in one call.",
        arguments: &[ORDER_ID, OLD_ITEMS, NEW_ITEMS, DIFFERENCE_METHOD],
        work: Work::Effect(delivered::exchange_delivered_order_items),
        output: ORDER,
        hints: REPLACING,
    },
    Tool {
        name: "refund_payment",
        description: "Gives back an amount of one payment to the method it was made with, up \
                      to what was captured and not yet given back. Cannot be undone.",
        arguments: &[
            text("payment_id", "The payment's id, as an order's details list it."),
            Argument {
                name: "amount",
                kind: Kind::Amount,
                about: "The amount in the shop's currency, with at most two decimals.",
            },
        ],
        work: Work::Effect(refunds::refund_payment),
        output: REFUND,
        hints: REPLACING,
    },
    Tool {
        name: "notify_customer",
        description: "Sends an e-mail. Cannot be undone.",
        arguments: &[
            text("to", "The e-mail address it goes to."),
            text("subject", "One line."),
            text("body", "The message, as plain text."),
        ],
        work: Work::Effect(account::notify_customer),
        output: MESSAGE,
        hints: SENDING,
    },
    Tool {
        name: "transfer_to_human_agents",
        description: "Hands the conversation over to a person, with a summary of what the \
                      customer needs.",
        arguments: &[text("summary", "What the customer wants and why a person is needed.")],
        work: Work::Effect(account::transfer_to_human_agents),
        output: Output::Text,
        hints: ADDING,
    },
];

const ORDER_ID: Argument = text("order_id", "The order's id, such as `#W0000000`, with the `#`.");
const ADDRESS1: Argument = text("address1", "The first line of the new address, such as `600 Oak Street`.");
const ADDRESS2: Argument = text("address2", "The second line, such as `Suite 12`; may be empty.");
const CITY: Argument = text("city", "The city, such as `Denver`.");
const STATE: Argument = text("state", "The state, such as `CO`.");
const COUNTRY: Argument = text("country", "The country, such as `USA`.");
const ZIP: Argument = text("zip", "The zip code, such as `80279`.");
const OLD_ITEMS: Argument = Argument {
    name: "item_ids",
    kind: Kind::Texts,
    about: "The items to replace; an item bought twice may stand twice.",
};
const NEW_ITEMS: Argument = Argument {
    name: "new_item_ids",
    kind: Kind::Texts,
    about: "The items that replace them, one for each and in the same order.",
};
const DIFFERENCE_METHOD: Argument =
    text("payment_method_id", "The customer's payment method that pays or gets the difference in price.");

const fn text(name: &'static str, about: &'static str) -> Argument {
    Argument { name, kind: Kind::Text, about }
}
