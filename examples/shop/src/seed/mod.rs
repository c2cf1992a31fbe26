//! The bundled shop: forty customers, a hundred orders, five cases, the same ones on every machine and every day.
//!
//! The demo's story is fixed to the letter; everything around it is drawn from word lists by a small generator that
//! starts from a constant. Never looks at a clock and never asks for randomness.

mod generator;
mod story;
mod words;

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::{Map, Value};

use crate::ShopError;
use crate::records::{
    Address, Customer, Fulfillment, Item, Order, Payment, PaymentMethod, Product, Transaction, Variant,
};
use generator::{Generator, moment};
use words::{BRANDS, CITIES, FIRST_NAMES, GOODS, LAST_NAMES, STREETS};

/// Orders drawn in addition to the story's two.
const ORDERS_DRAWN: i64 = 98;
/// The number of the first drawn payment; the story's payments stand outside this range.
const FIRST_PAYMENT: i64 = 88_301;
/// Orders are placed on one of this many days from 1 October 2026.
const DAYS: u64 = 42;

/// A customer with what the shop alone knows of their cards: the full numbers, by payment method.
struct Person {
    customer: Customer,
    card_numbers: BTreeMap<String, String>,
}

/// Fills an empty shop with the bundled data.
///
/// # Errors
///
/// When the database refuses a row.
pub fn seed(conn: &mut Connection) -> Result<(), ShopError> {
    let mut generator = Generator::new(story::RESERVED_NUMBERS);
    let products = products(&mut generator)?;
    let people = people(&mut generator);
    let mut orders = story::orders();
    orders.extend(drawn_orders(&mut generator, &people, &products)?);
    let cases = story::cases(&people, &orders);

    let change = conn.transaction()?;
    for product in &products {
        product.insert(&change)?;
    }
    for person in &people {
        person.customer.insert(&change)?;
    }
    for order in &orders {
        order.insert(&change)?;
    }
    for case in &cases {
        case.insert(&change)?;
    }
    change.commit()?;
    Ok(())
}

fn products(generator: &mut Generator) -> Result<Vec<Product>, ShopError> {
    let mut products = vec![story::jacket()];
    for goods in GOODS {
        let product_id = generator.number(10);
        let (first_name, first_values) = goods.options;
        let (second_name, second_values) = goods.more_options;
        let mut variants = Vec::new();
        for first in first_values {
            for second in second_values {
                let options: Map<String, Value> =
                    [(first_name, *first), (second_name, *second)].into_iter().map(option).collect();
                variants.push(Variant {
                    item_id: generator.number(10),
                    options: serde_json::to_string(&options)?,
                    available: generator.below(6) > 0,
                    price: goods.price + generator.below(goods.price.unsigned_abs() / 5),
                });
            }
        }
        products.push(Product { product_id, name: goods.name.to_owned(), variants });
    }
    Ok(products)
}

fn option((name, value): (&str, &str)) -> (String, Value) {
    (name.to_owned(), Value::from(value))
}

fn people(generator: &mut Generator) -> Vec<Person> {
    let mut people = story::people();
    // Each first name comes once, so no two people are called the same.
    for (first_name, last_name) in FIRST_NAMES.iter().zip(LAST_NAMES.iter().cycle()) {
        let number = generator.number(4);
        let handle = format!("{}_{}", first_name.to_lowercase(), last_name.to_lowercase());
        let (city, state, zip_start) = generator.pick(CITIES);
        let address = Address {
            address1: format!("{} {}", 100 + generator.below(900), generator.pick(STREETS)),
            address2: format!("Suite {}", 100 + generator.below(900)),
            city: city.to_owned(),
            country: "USA".to_owned(),
            state: state.to_owned(),
            zip: format!("{zip_start}{:02}", generator.below(100)),
        };
        let mut card_numbers = BTreeMap::new();
        let mut payment_methods = vec![card(generator, &mut card_numbers)];
        if generator.below(2) == 0 {
            payment_methods.push(gift_card(generator));
        }
        if generator.below(3) == 0 {
            payment_methods.push(paypal(generator));
        }
        let customer = Customer {
            customer_id: format!("{handle}_{number}"),
            first_name: (*first_name).to_owned(),
            last_name: (*last_name).to_owned(),
            email: format!("{}{number}@example.com", handle.replace('_', ".")),
            address,
            payment_methods,
        };
        people.push(Person { customer, card_numbers });
    }
    people
}

fn card(generator: &mut Generator, card_numbers: &mut BTreeMap<String, String>) -> PaymentMethod {
    let payment_method_id = format!("credit_card_{}", generator.number(7));
    let number = generator.card_number();
    let last_four: String = number.chars().skip(12).collect();
    card_numbers.insert(payment_method_id.clone(), number);
    PaymentMethod {
        payment_method_id,
        source: "credit_card".to_owned(),
        brand: Some(generator.pick(BRANDS).to_owned()),
        last_four: Some(last_four),
        balance: None,
    }
}

fn gift_card(generator: &mut Generator) -> PaymentMethod {
    PaymentMethod {
        payment_method_id: format!("gift_card_{}", generator.number(7)),
        source: "gift_card".to_owned(),
        brand: None,
        last_four: None,
        balance: Some(100 * generator.below(101)),
    }
}

fn paypal(generator: &mut Generator) -> PaymentMethod {
    PaymentMethod {
        payment_method_id: format!("paypal_{}", generator.number(7)),
        source: "paypal".to_owned(),
        brand: None,
        last_four: None,
        balance: None,
    }
}

fn drawn_orders(generator: &mut Generator, people: &[Person], products: &[Product]) -> Result<Vec<Order>, ShopError> {
    // The story's customer keeps the one order that the story is about.
    let buyers = people.iter().skip(1).cycle();
    (0..ORDERS_DRAWN).zip(buyers).map(|(n, person)| drawn_order(generator, person, products, n)).collect()
}

fn drawn_order(generator: &mut Generator, person: &Person, products: &[Product], n: i64) -> Result<Order, ShopError> {
    let items = drawn_items(generator, products);
    let placed = i64::try_from(generator.draw() % DAYS).unwrap_or_default();
    let placed_at = moment(placed, 8 * 3_600 + generator.below(12 * 3_600));
    let arrives = moment(placed + 3 + generator.below(4), 9 * 3_600 + generator.below(8 * 3_600));
    let status = match n % 10 {
        0..=4 => "delivered",
        5..=7 => "pending",
        8 => "processed",
        _ => "cancelled",
    };
    let mut order = Order {
        order_id: format!("#W{}", generator.number(7)),
        customer_id: person.customer.customer_id.clone(),
        status: status.to_owned(),
        placed_at: Some(placed_at),
        delivered_at: (status == "delivered").then_some(arrives),
        address: person.customer.address.clone(),
        cancel_reason: (status == "cancelled").then(|| "no longer needed".to_owned()),
        items,
        ..Order::default()
    };
    if matches!(status, "delivered" | "processed") {
        let item_ids: Vec<&str> = order.items.iter().map(|item| item.item_id.as_str()).collect();
        let item_ids = serde_json::to_string(&item_ids)?;
        order.fulfillments.push(Fulfillment { tracking_id: generator.number(12), item_ids });
    }
    let methods: Vec<&str> =
        person.customer.payment_methods.iter().map(|method| method.payment_method_id.as_str()).collect();
    let method = generator.pick(&methods).to_owned();
    pay(&mut order, &method, person.card_numbers.get(&method).cloned(), format!("pay_{}", FIRST_PAYMENT + n));
    Ok(order)
}

/// One to three different items.
fn drawn_items(generator: &mut Generator, products: &[Product]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for _ in 0..=generator.below(3) {
        let choices: Vec<&Product> =
            products.iter().filter(|product| items.iter().all(|item| item.product_id != product.product_id)).collect();
        let Some(product) = generator.choose(&choices) else {
            continue;
        };
        let Some(variant) = generator.choose(&product.variants) else {
            continue;
        };
        items.push(item(product, variant));
    }
    items
}

fn item(product: &Product, variant: &Variant) -> Item {
    Item {
        item_id: variant.item_id.clone(),
        product_id: product.product_id.clone(),
        name: product.name.clone(),
        price: variant.price,
        options: variant.options.clone(),
    }
}

/// Adds the one payment of an order, and its return where the order was cancelled.
fn pay(order: &mut Order, payment_method_id: &str, card_number: Option<String>, payment_id: String) {
    let total = order.total();
    let mut transaction = |transaction_type: &str| {
        order.history.push(Transaction {
            transaction_type: transaction_type.to_owned(),
            amount: total,
            payment_method_id: payment_method_id.to_owned(),
        });
    };
    transaction("payment");
    let mut refunded = 0;
    if order.status == "cancelled" {
        transaction("refund");
        refunded = total;
    }
    order.payments.push(Payment {
        payment_id,
        payment_method_id: payment_method_id.to_owned(),
        card_number,
        captured: total,
        refunded,
    });
}
