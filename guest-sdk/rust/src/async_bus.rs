//! Asking without standing still, in agents of [`async_handler!`](crate::async_handler) and
//! [`async_agent!`](crate::async_agent): a call begins when it is first awaited, and is given up when it is dropped.

use std::time::Duration;

pub use crate::bus::BusError;

use crate::bindings::async_handler::motehost::agent::async_bus as raw;
use crate::bus::milliseconds;
use crate::Payload;

/// Asks, and gives the first answer that comes as long as the host's default says.
pub async fn request(subject: &str, payload: impl Into<Payload>) -> Result<Payload, BusError> {
    raw::request(subject.to_owned(), payload.into(), 0).await
}

/// Asks, and gives the first answer that comes within this time.
pub async fn request_within(
    subject: &str,
    payload: impl Into<Payload>,
    timeout: Duration,
) -> Result<Payload, BusError> {
    raw::request(subject.to_owned(), payload.into(), milliseconds(timeout)).await
}

/// Waits for so long.
pub async fn sleep(time: Duration) {
    raw::wait_ms(milliseconds(time)).await;
}
