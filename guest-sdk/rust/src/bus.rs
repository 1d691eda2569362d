//! Talking to other agents: one by its name, or whoever subscribed to a subject such as `orders.eu.created`.

use std::time::Duration;

pub use crate::bindings::imports::motehost::agent::bus::{BusError, Subscription};

use crate::bindings::imports::motehost::agent::bus as raw;
use crate::Payload;

/// Asks, and waits for the first answer as long as the host's default says.
pub fn request(subject: &str, payload: impl Into<Payload>) -> Result<Payload, BusError> {
    raw::request(subject, &payload.into(), 0)
}

/// Asks, and waits for the first answer so long at most.
pub fn request_within(
    subject: &str,
    payload: impl Into<Payload>,
    timeout: Duration,
) -> Result<Payload, BusError> {
    raw::request(subject, &payload.into(), milliseconds(timeout))
}

/// Puts a message into one agent's mailbox; returns its id. It is delivered at least once.
pub fn send(agent: &str, payload: impl Into<Payload>) -> Result<String, BusError> {
    raw::send(agent, None, &payload.into())
}

/// As [`send`], under an id of yours: a second message with the same id is accepted and dropped.
pub fn send_as(id: &str, agent: &str, payload: impl Into<Payload>) -> Result<String, BusError> {
    raw::send(agent, Some(id), &payload.into())
}

/// Gives a copy to everybody who subscribed to the subject; returns the message's id.
pub fn publish(subject: &str, payload: impl Into<Payload>) -> Result<String, BusError> {
    raw::publish(subject, None, &payload.into())
}

/// As [`publish`], under an id of yours: a second message with the same id is accepted and dropped.
pub fn publish_as(
    id: &str,
    subject: &str,
    payload: impl Into<Payload>,
) -> Result<String, BusError> {
    raw::publish(subject, Some(id), &payload.into())
}

/// From now on, messages that match the pattern (`orders.*.created`, `orders.>`) come to this agent.
pub fn subscribe(pattern: &str) -> Result<Subscription, BusError> {
    raw::subscribe(pattern, None)
}

/// As [`subscribe`], sharing the messages with the other members of a group: each goes to one of them.
pub fn subscribe_in(group: &str, pattern: &str) -> Result<Subscription, BusError> {
    raw::subscribe(pattern, Some(group))
}

/// Ends a subscription; messages already in the mailbox still come.
pub fn unsubscribe(subscription: Subscription) -> Result<(), BusError> {
    raw::unsubscribe(subscription)
}

/// 0 is the host's default, so a shorter time than a millisecond is one.
pub(crate) fn milliseconds(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_millis())
        .unwrap_or(u32::MAX)
        .max(1)
}
