//! Random values good enough for secrets.

use crate::bindings::imports::wasi::random::random;

/// Fresh random bytes.
pub fn bytes(count: usize) -> Vec<u8> {
    random::get_random_bytes(count as u64)
}

/// A random number, each equally likely.
pub fn number() -> u64 {
    random::get_random_u64()
}
