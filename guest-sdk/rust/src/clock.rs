//! The time. `std::time::Instant::now` and `SystemTime::now` panic in an agent; these are granted.

use std::time::{Duration, SystemTime};

use crate::bindings::imports::wasi::clocks::{monotonic_clock, wall_clock};

/// The time of day.
pub fn now() -> SystemTime {
    let time = wall_clock::now();
    SystemTime::UNIX_EPOCH + Duration::new(time.seconds, time.nanoseconds)
}

/// Time since a moment nobody knows, which never goes back: for measuring.
pub fn monotonic() -> Duration {
    Duration::from_nanos(monotonic_clock::now())
}
