use motehost::{log, reply, Failure, Message, Reply};

motehost::handler!(handle);

/// Called for each message; what it returns goes to whoever asked.
fn handle(message: Message) -> Reply {
    let name = message.text()?;
    if name.is_empty() {
        return Err(Failure::invalid("whom shall I greet?"));
    }
    log::info!("greeting {name}");
    reply(format!("Hello, {name}!"))
}
