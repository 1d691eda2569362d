use motehost::{async_bus, join_all, reply, Failure, Message, Reply};

motehost::async_handler!(handle);

/// Called for each message: asks all agents that it names at once, and answers with what they say, a line each.
async fn handle(message: Message) -> Reply {
    let names: Vec<&str> = message.text()?.split_whitespace().collect();
    if names.is_empty() {
        return Err(Failure::invalid("whom shall I ask?"));
    }
    let answers = join_all(names.iter().map(|name| ask(name))).await;
    reply(answers.join("\n"))
}

async fn ask(name: &str) -> String {
    match async_bus::request(&format!("agent.{name}"), "Ada").await {
        Ok(answer) => format!("{name}: {}", String::from_utf8_lossy(&answer.body)),
        Err(error) => format!("{name}: {error}"),
    }
}
