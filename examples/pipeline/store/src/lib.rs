// Keeps what was ordered, and answers what things cost. It was granted nothing: it only answers.
use std::cell::RefCell;
use std::collections::BTreeMap;

use motehost::{log, no_reply, reply, Failure, Message, Reply};

motehost::handler!(handle);

const PRICES: [(&str, u64); 3] = [("coffee", 320), ("tea", 250), ("cake", 410)];

/// What was ordered of one item.
#[derive(Default)]
struct Total {
    quantity: u64,
    cents: u64,
}

thread_local! {
    static TOTALS: RefCell<BTreeMap<String, Total>> = RefCell::default();
}

fn handle(message: Message) -> Reply {
    match message.subject.split_once('.') {
        Some(("prices", item)) => reply(price_of(item)?.to_string()),
        Some(("agent", _)) => keep(message.text()?),
        _ => reply(totals()),
    }
}

fn price_of(item: &str) -> Result<u64, Failure> {
    let found = PRICES.iter().find(|(name, _)| *name == item);
    found.map(|(_, cents)| *cents).ok_or(Failure::invalid(format!("no {item} here")))
}

fn keep(order: &str) -> Reply {
    let [item, quantity, cents] = order.split(' ').collect::<Vec<_>>()[..] else {
        return Err(Failure::invalid("not ITEM QUANTITY CENTS"));
    };
    let (quantity, cents): (u64, u64) = (quantity.parse()?, cents.parse()?);
    TOTALS.with_borrow_mut(|totals| {
        let total = totals.entry(item.to_owned()).or_default();
        total.quantity += quantity;
        total.cents += cents;
    });
    log::info!(item = item, quantity = quantity, cents = cents; "stored");
    no_reply()
}

fn totals() -> String {
    TOTALS.with_borrow(|totals| {
        let lines = totals.iter().map(|(item, Total { quantity, cents })| {
            format!("{quantity} {item}: {}.{:02}\n", cents / 100, cents % 100)
        });
        lines.collect()
    })
}
