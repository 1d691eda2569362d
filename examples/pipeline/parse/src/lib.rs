// Makes an order of a line, `ITEM QUANTITY`. A line that is none is `invalid`: repeating it would not help, so it
// goes to the dead letters, where a person finds it with what was wrong.
use motehost::{bus, no_reply, Failure, Message, Reply};

motehost::handler!(handle);

fn handle(message: Message) -> Reply {
    let (item, quantity) = order_of(message.text()?)?;
    // Under the id of the line: when this line is delivered again, the order is not.
    bus::send_as(&message.id, "enrich", format!("{item} {quantity}"))?;
    no_reply()
}

fn order_of(line: &str) -> Result<(&str, u32), Failure> {
    let (item, quantity) = line
        .split_once(char::is_whitespace)
        .ok_or(Failure::invalid(format!("'{line}' is not ITEM QUANTITY")))?;
    let is_word = item.chars().all(|letter| letter.is_ascii_lowercase());
    match quantity.trim().parse() {
        Ok(quantity) if is_word && quantity > 0 => Ok((item, quantity)),
        _ => Err(Failure::invalid(format!("'{line}' is not ITEM QUANTITY"))),
    }
}
