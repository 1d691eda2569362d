// Executes orders as long as there are any, alone: it holds the lease on the book meanwhile.
use std::cell::RefCell;
use std::time::Duration;

use motehost::{async_orchestration, log, orchestration, reply, Failure, Message, Reply};
use orchestration::{Gathering, OrchestrationError, Threshold, NOT_AT_ALL};

motehost::async_handler!(handle);

/// Orders worth this much are put to the vote.
const CRITICAL: u64 = 10_000;

#[derive(Default)]
struct Metrics {
    executed: u32,
    refused: u32,
    votes: u32,
    turnover: u64,
}

thread_local! {
    static METRICS: RefCell<Metrics> = RefCell::default();
}

async fn handle(message: Message) -> Reply {
    if message.text()? == "metrics" {
        return reply(METRICS.with_borrow(|Metrics { executed, refused, votes, turnover }| {
            format!("{executed} executed, {refused} refused, {votes} votes, turnover {turnover}\n")
        }));
    }
    // The desk says that there are orders.
    async_orchestration::await_signal("orders", Duration::from_secs(5)).await?;
    let lease =
        async_orchestration::acquire_lease("book", Duration::from_secs(10), Duration::from_secs(5)).await?;
    let mut lines = String::new();
    loop {
        match async_orchestration::take("orders", NOT_AT_ALL).await {
            Ok(order) => lines += &execute(&String::from_utf8(order)?).await?,
            Err(OrchestrationError::TimedOut) => break,
            Err(error) => return Err(error.into()),
        }
    }
    log::info!(token = lease.token; "the book is written");
    orchestration::release_lease("book", lease.token)?;
    reply(lines)
}

async fn execute(order: &str) -> Result<String, Failure> {
    let [_, quantity, _, price] = order.split(' ').collect::<Vec<_>>()[..] else {
        return Err(Failure::invalid(order));
    };
    let value = quantity.parse::<u64>()? * price.parse::<u64>()?;
    let (is_agreed, by) = if value < CRITICAL { (true, String::new()) } else { vote(order).await? };
    METRICS.with_borrow_mut(|metrics| {
        metrics.votes += u32::from(value >= CRITICAL);
        metrics.executed += u32::from(is_agreed);
        metrics.refused += u32::from(!is_agreed);
        metrics.turnover += if is_agreed { value } else { 0 };
    });
    Ok(format!("{order}: {}{by}\n", if is_agreed { "executed" } else { "refused" }))
}

/// More than half of the risk managers have to agree.
async fn vote(order: &str) -> Result<(bool, String), Failure> {
    let gathering = Gathering { timeout: Duration::from_secs(5), hear_all: true };
    let tally = async_orchestration::ask_group("risk", order, Threshold::Majority, gathering).await?;
    let is_agreed = tally.decision.as_deref() == Some(b"yes");
    Ok((is_agreed, format!(" ({} of {})", tally.agreed, tally.ballots.len())))
}
