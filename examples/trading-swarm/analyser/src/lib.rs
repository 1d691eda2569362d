// Watches the prices of its symbols, and advises to follow them: little for a small step, much for a large one.
use std::cell::RefCell;
use std::collections::BTreeMap;

use motehost::{no_reply, reply, Failure, Message, Reply};

motehost::handler!(handle);

thread_local! {
    static LAST: RefCell<BTreeMap<String, i64>> = RefCell::default();
}

fn handle(message: Message) -> Reply {
    let Some((symbol, price)) = message.text()?.split_once(' ') else {
        return Err(Failure::invalid("not SYMBOL PRICE"));
    };
    let price: i64 = price.parse()?;
    let last = LAST.with_borrow_mut(|last| last.insert(symbol.to_owned(), price)).unwrap_or(price);
    let step = (price - last) * 100 / last;
    let side = if step > 0 { "buy" } else { "sell" };
    match step.abs() {
        0..5 => no_reply(),
        5..20 => reply(format!("{side} 10 {symbol} {price}")),
        _ => reply(format!("{side} 500 {symbol} {price}")),
    }
}
