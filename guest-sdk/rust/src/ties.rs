//! Ending with other agents, and being told of their ends: by a message `down.NAME`, or `exit.NAME` for who traps exits.

use crate::bindings::imports::motehost::agent::ties as raw;
use crate::orchestration::OrchestrationError;

type Result<T> = std::result::Result<T, OrchestrationError>;

/// Links this agent and another until the first end of either: who fails takes the other along. One that has ended for
/// good, or is not there, does so at once.
pub fn link(agent: &str) -> Result<()> {
    raw::link(agent)
}

/// Takes a link back that either of the two asked for; what was not linked is no error.
pub fn unlink(agent: &str) -> Result<()> {
    raw::unlink(agent)
}

/// Has this agent told of another's end, once. The number is in the body of that message, under `monitor`.
pub fn monitor(agent: &str) -> Result<u64> {
    raw::monitor(agent)
}

/// Ends a monitor; one that is used up is no error.
pub fn demonitor(monitor: u64) -> Result<()> {
    raw::demonitor(monitor)
}
