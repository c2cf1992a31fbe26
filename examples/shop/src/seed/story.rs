//! The demo's story, fixed to the letter: a torn jacket, the case about it, and another customer's order.
//!
//! Support agent Ana owns case `C-1044` of one customer. Whatever a worker does for her in that case must stay with that
//! customer; order `#W7449508` belongs to somebody else, whose case is Ben's. Tests and the guide rely on these ids.

use std::collections::BTreeMap;

use super::{Person, item, pay};
use crate::records::{Address, Case, Customer, Fulfillment, Order, PaymentMethod, Product, Variant};

/// Numbers of the story's own ids, which the generator must not give out again.
pub(super) const RESERVED_NUMBERS: &[u64] = &[
    4_821,
    5_306,
    2_611_340,
    7_449_508,
    4_110_242,
    5_220_817,
    7_310_028_841,
    5_520_194_731,
    5_520_194_732,
    5_520_194_733,
    748_110_265_317,
];

const CUSTOMER: &str = "noor_haddad_4821";
const OTHER_CUSTOMER: &str = "elias_brandt_5306";
const CARD: &str = "credit_card_4110242";
const OTHER_CARD: &str = "credit_card_5220817";
/// Test numbers that payment providers publish; no card has them.
const CARD_NUMBER: &str = "4242424242424242";
const OTHER_CARD_NUMBER: &str = "5555555555554444";

/// Case, whose it is by place in the list of people, agent, subject, and when it was opened.
const CASES: &[(&str, usize, &str, &str, &str)] = &[
    ("C-1041", 4, "ben", "Parcel marked as delivered but not found", "2026-11-10T08:12:00Z"),
    ("C-1042", 7, "ana", "Another size was sent than ordered", "2026-11-11T13:05:00Z"),
    ("C-1043", 12, "ben", "Asks for an invoice in a company's name", "2026-11-11T15:47:00Z"),
    ("C-1044", 0, "ana", "Jacket arrived with a torn lining and was returned", "2026-11-12T09:41:00Z"),
    ("C-1045", 1, "ben", "Has moved and asks for delivery to the new address", "2026-11-12T10:20:00Z"),
];

pub(super) fn jacket() -> Product {
    let variant = |item_id: &str, color: &str, price: i64| Variant {
        item_id: item_id.to_owned(),
        options: format!(r#"{{"color":"{color}","size":"M"}}"#),
        available: true,
        price,
    };
    Product {
        product_id: "7310028841".to_owned(),
        name: "Lined Rain Jacket".to_owned(),
        variants: vec![
            variant("5520194731", "moss", 24_000),
            variant("5520194732", "navy", 24_000),
            variant("5520194733", "copper", 25_500),
        ],
    }
}

pub(super) fn people() -> Vec<Person> {
    let home = Address {
        address1: "48 Chandler Street".to_owned(),
        address2: "Apartment 3".to_owned(),
        city: "Portland".to_owned(),
        country: "USA".to_owned(),
        state: "OR".to_owned(),
        zip: "97214".to_owned(),
    };
    let other_home = Address {
        address1: "917 Foundry Row".to_owned(),
        address2: "Suite 210".to_owned(),
        city: "Chicago".to_owned(),
        country: "USA".to_owned(),
        state: "IL".to_owned(),
        zip: "60614".to_owned(),
    };
    vec![
        person((CUSTOMER, "Noor", "Haddad"), home, (CARD, "visa", CARD_NUMBER)),
        person((OTHER_CUSTOMER, "Elias", "Brandt"), other_home, (OTHER_CARD, "mastercard", OTHER_CARD_NUMBER)),
    ]
}

fn person(
    (customer_id, first_name, last_name): (&str, &str, &str),
    address: Address,
    (card, brand, card_number): (&str, &str, &str),
) -> Person {
    let method = PaymentMethod {
        payment_method_id: card.to_owned(),
        source: "credit_card".to_owned(),
        brand: Some(brand.to_owned()),
        last_four: Some(card_number.chars().skip(12).collect()),
        balance: None,
    };
    let customer = Customer {
        customer_id: customer_id.to_owned(),
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        email: format!("{}.{}@example.com", first_name.to_lowercase(), last_name.to_lowercase()),
        address,
        payment_methods: vec![method],
    };
    Person { customer, card_numbers: BTreeMap::from([(card.to_owned(), card_number.to_owned())]) }
}

/// The jacket's order, and the other customer's.
pub(super) fn orders() -> Vec<Order> {
    let product = jacket();
    let mut addresses = people().into_iter().map(|person| person.customer.address);
    let mut bought = product.variants.iter().map(|variant| item(&product, variant));
    let jacket: Vec<_> = bought.next().into_iter().collect();
    let other_jacket: Vec<_> = bought.next_back().into_iter().collect();

    let mut delivered = Order {
        order_id: "#W2611340".to_owned(),
        customer_id: CUSTOMER.to_owned(),
        status: "delivered".to_owned(),
        placed_at: Some("2026-11-04T16:22:00Z".to_owned()),
        delivered_at: Some("2026-11-09T11:36:00Z".to_owned()),
        address: addresses.next().unwrap_or_default(),
        items: jacket,
        fulfillments: vec![Fulfillment {
            tracking_id: "748110265317".to_owned(),
            item_ids: r#"["5520194731"]"#.to_owned(),
        }],
        ..Order::default()
    };
    pay(&mut delivered, CARD, Some(CARD_NUMBER.to_owned()), "pay_88213".to_owned());

    let mut pending = Order {
        order_id: "#W7449508".to_owned(),
        customer_id: OTHER_CUSTOMER.to_owned(),
        status: "pending".to_owned(),
        placed_at: Some("2026-11-11T19:03:00Z".to_owned()),
        address: addresses.next().unwrap_or_default(),
        items: other_jacket,
        ..Order::default()
    };
    pay(&mut pending, OTHER_CARD, Some(OTHER_CARD_NUMBER.to_owned()), "pay_88240".to_owned());
    vec![delivered, pending]
}

/// Each case is about the first order of its customer.
pub(super) fn cases(people: &[Person], orders: &[Order]) -> Vec<Case> {
    CASES
        .iter()
        .filter_map(|(case_id, place, agent, subject, opened_at)| {
            let customer_id = &people.get(*place)?.customer.customer_id;
            let order = orders.iter().find(|order| order.customer_id == *customer_id)?;
            Some(Case {
                case_id: (*case_id).to_owned(),
                customer_id: customer_id.clone(),
                order_id: order.order_id.clone(),
                agent: (*agent).to_owned(),
                subject: (*subject).to_owned(),
                status: "open".to_owned(),
                opened_at: (*opened_at).to_owned(),
            })
        })
        .collect()
}
