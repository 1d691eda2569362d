// Asks ten nodes, two of which lie, and goes by what enough of them say.
use std::time::Duration;

use motehost::{async_bus, async_orchestration, join_all, orchestration, reply, Failure, Message, Reply};
use orchestration::{Gathering, Tally, Threshold, Vote};

motehost::async_handler!(handle);

const GROUP: &str = "nodes";

async fn handle(message: Message) -> Reply {
    let words: Vec<&str> = message.text()?.split(' ').collect();
    match words[..] {
        ["form"] => form().await,
        ["majority", amount] => ask(&format!("pay {amount}"), Threshold::Majority, 5000).await,
        ["supermajority", amount] => {
            ask(&format!("pay {amount}"), Threshold::Supermajority, 5000).await
        }
        ["unanimity", amount] => ask(&format!("pay {amount}"), Threshold::Count(10), 5000).await,
        // Three do not answer in time, and five of those who do are not enough.
        ["hurry", amount] => ask(&format!("slowly {amount}"), Threshold::Majority, 1000).await,
        ["announce", amount] => announce(amount).await,
        ["recall"] => ask("recall", Threshold::Supermajority, 5000).await,
        _ => Err(Failure::invalid("form, majority N, supermajority N, unanimity N, hurry N, announce N, recall")),
    }
}

/// Makes the nodes, and has them join.
async fn form() -> Reply {
    let nodes: Vec<String> = (1..=10).map(|number| format!("node-{number}")).collect();
    for (index, node) in nodes.iter().enumerate() {
        let like = if index < 8 { "honest" } else { "byzantine" };
        async_orchestration::spawn(like, node).await?;
    }
    let subjects: Vec<String> = nodes.iter().map(|node| format!("agent.{node}")).collect();
    for answer in join_all(subjects.iter().map(|subject| async_bus::request(subject, "join"))).await {
        answer?;
    }
    let members = orchestration::members(GROUP)?;
    reply(format!("{} nodes, two of which lie", members.len()))
}

async fn ask(question: &str, threshold: Threshold, within_ms: u64) -> Reply {
    let gathering = Gathering { timeout: Duration::from_millis(within_ms), hear_all: true };
    let tally = async_orchestration::ask_group(GROUP, question, threshold, gathering).await?;
    reply(words(&tally))
}

fn words(tally: &Tally) -> String {
    let decision = tally.decision.as_deref().map(String::from_utf8_lossy);
    let decided = decision.map_or("not decided".to_owned(), |said| format!("decided: {said}"));
    let silent = tally.ballots.iter().filter(|ballot| ballot.vote == Vote::Silent).count();
    let unheard = if silent == 0 { String::new() } else { format!(", {silent} silent") };
    format!("{decided} ({} of {} agree, {} needed{unheard})", tally.agreed, tally.ballots.len(), tally.needed)
}

/// Tells everybody by gossip.
async fn announce(amount: &str) -> Reply {
    let coverage = async_orchestration::broadcast(GROUP, format!("agreed {amount}")).await?;
    motehost::log::info!(rounds = coverage.rounds; "announced");
    reply(format!("{} nodes know it, {} missed", coverage.reached, coverage.missed.len()))
}
