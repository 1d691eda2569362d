//! What [`orchestration`](crate::orchestration) waits for, without standing still, in agents of
//! [`async_handler!`](crate::async_handler) and [`async_agent!`](crate::async_agent): a call begins when it is first
//! awaited, and is given up when it is dropped.

use std::time::Duration;

pub use crate::orchestration::{
    Coverage, Gathering, Lease, OrchestrationError, Tally, Threshold, Vote,
};

use crate::bindings::async_handler::motehost::agent::async_orchestration as raw;
use crate::orchestration::milliseconds;
use crate::Payload;

type Result<T> = std::result::Result<T, OrchestrationError>;

/// Puts a value at the end of a channel, and waits so long for room.
pub async fn put(channel: &str, value: impl Into<Vec<u8>>, wait: Duration) -> Result<()> {
    raw::put(channel.to_owned(), value.into(), milliseconds(wait)).await
}

/// Takes the oldest value of a channel, and waits so long for one.
pub async fn take(channel: &str, wait: Duration) -> Result<Vec<u8>> {
    raw::take(channel.to_owned(), milliseconds(wait)).await
}

/// Takes a lease for so long, and waits for it.
pub async fn acquire_lease(name: &str, time: Duration, wait: Duration) -> Result<Lease> {
    raw::acquire_lease(name.to_owned(), milliseconds(time), milliseconds(wait)).await
}

/// The agent that told this one a word, within this time.
pub async fn await_signal(word: &str, wait: Duration) -> Result<String> {
    raw::await_signal(word.to_owned(), milliseconds(wait)).await
}

/// Gives every other member of a group the same message, once.
pub async fn broadcast(group: &str, payload: impl Into<Payload>) -> Result<Coverage> {
    raw::broadcast(group.to_owned(), payload.into()).await
}

/// Asks agents the same question, and gathers their answers.
pub async fn ask_quorum(
    voters: Vec<String>,
    question: impl Into<Payload>,
    threshold: Threshold,
    gathering: Gathering,
) -> Result<Tally> {
    let timeout = milliseconds(gathering.timeout);
    raw::ask_quorum(
        voters,
        question.into(),
        threshold,
        timeout,
        gathering.hear_all,
    )
    .await
}

/// As [`ask_quorum`], for all other members of a group.
pub async fn ask_group(
    group: &str,
    question: impl Into<Payload>,
    threshold: Threshold,
    gathering: Gathering,
) -> Result<Tally> {
    let timeout = milliseconds(gathering.timeout);
    raw::ask_group(
        group.to_owned(),
        question.into(),
        threshold,
        timeout,
        gathering.hear_all,
    )
    .await
}

/// Makes an agent like an installed one, with no more rights than this one has; it ends with this one.
pub async fn spawn(like: &str, name: &str) -> Result<()> {
    raw::spawn(like.to_owned(), name.to_owned(), false).await
}
