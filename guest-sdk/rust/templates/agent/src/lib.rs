use motehost::{log, reply, Agent, Config, Failure, Message, Reply, StopReason};

motehost::agent!(Greeter);

/// What the agent keeps between messages, as long as its instance lives.
struct Greeter {
    greeting: String,
    greeted: u32,
}

impl Agent for Greeter {
    /// Called once, before any message.
    fn start(config: Config) -> Result<Self, Failure> {
        let greeting = config.setting("greeting").unwrap_or("Hello").to_owned();
        Ok(Self {
            greeting,
            greeted: 0,
        })
    }

    /// Called for each message; what it returns goes to whoever asked.
    fn handle(&mut self, message: Message) -> Reply {
        let name = message.text()?;
        if name.is_empty() {
            return Err(Failure::invalid("whom shall I greet?"));
        }
        self.greeted += 1;
        reply(format!(
            "{}, {name}! You are number {}.",
            self.greeting, self.greeted
        ))
    }

    /// Called once, before an orderly end.
    fn stop(self, reason: StopReason) {
        log::info!(reason = format!("{reason:?}"); "greeted {}", self.greeted);
    }
}
