//! Working together: channels, leases, signals, groups, votes, and agents that make others.

use std::time::Duration;

pub use crate::bindings::imports::motehost::agent::orchestration::{
    Ballot, Coverage, Lease, OrchestrationError, Tally, Threshold, Topology, Vote,
};

use crate::bindings::imports::motehost::agent::orchestration as raw;
use crate::Payload;

type Result<T> = std::result::Result<T, OrchestrationError>;

/// No waiting for what is not there.
pub const NOT_AT_ALL: Duration = Duration::ZERO;

/// Makes a channel that holds so many values at most (0: the host's default), unless it is there.
pub fn open_channel(name: &str, values_max: u32) -> Result<()> {
    raw::open_channel(name, values_max)
}

/// Puts a value at the end of a channel, and waits so long for room.
pub fn put(channel: &str, value: impl AsRef<[u8]>, wait: Duration) -> Result<()> {
    raw::put(channel, value.as_ref(), milliseconds(wait))
}

/// Takes the oldest value of a channel, and waits so long for one.
pub fn take(channel: &str, wait: Duration) -> Result<Vec<u8>> {
    raw::take(channel, milliseconds(wait))
}

/// Nothing is put into the channel any more; what is in it can still be taken.
pub fn close_channel(name: &str) -> Result<()> {
    raw::close_channel(name)
}

/// Takes a lease for so long, and waits for it. Whatever it guards turns tokens away that are smaller than one it saw.
pub fn acquire_lease(name: &str, time: Duration, wait: Duration) -> Result<Lease> {
    raw::acquire_lease(name, milliseconds(time), milliseconds(wait))
}

/// Holds a lease for so long from now.
pub fn renew_lease(name: &str, token: u64, time: Duration) -> Result<Lease> {
    raw::renew_lease(name, token, milliseconds(time))
}

/// Gives a lease back before its time.
pub fn release_lease(name: &str, token: u64) -> Result<()> {
    raw::release_lease(name, token)
}

/// Tells an agent a word; told again before it is awaited, it is told once.
pub fn signal(agent: &str, word: &str) -> Result<()> {
    raw::signal(agent, word)
}

/// The agent that told this one a word, within this time.
pub fn await_signal(word: &str, wait: Duration) -> Result<String> {
    raw::await_signal(word, milliseconds(wait))
}

/// The shard a key belongs to, the same for all who name the same shards; none without shards.
pub fn shard_of(key: &str, shards: &[String]) -> Option<String> {
    raw::shard_of(key, shards)
}

/// Makes this agent a member of a group; the first one says the topology.
pub fn join_group(group: &str, topology: Topology) -> Result<()> {
    raw::join_group(group, topology)
}

/// Ends the membership.
pub fn leave_group(group: &str) -> Result<()> {
    raw::leave_group(group)
}

/// The members of a group, sorted by name.
pub fn members(group: &str) -> Result<Vec<String>> {
    raw::members(group)
}

/// Those next to this agent in a group.
pub fn neighbours(group: &str) -> Result<Vec<String>> {
    raw::neighbours(group)
}

/// Gives every other member of a group the same message, once.
pub fn broadcast(group: &str, payload: impl Into<Payload>) -> Result<Coverage> {
    raw::broadcast(group, &payload.into())
}

/// How votes are gathered: for so long at most (zero: the host's default), until it is decided or all were heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gathering {
    pub timeout: Duration,
    pub hear_all: bool,
}

/// Asks agents the same question, and gathers their answers.
pub fn ask_quorum(
    voters: &[String],
    question: impl Into<Payload>,
    threshold: Threshold,
    gathering: Gathering,
) -> Result<Tally> {
    let timeout = milliseconds(gathering.timeout);
    raw::ask_quorum(
        voters,
        &question.into(),
        threshold,
        timeout,
        gathering.hear_all,
    )
}

/// As [`ask_quorum`], for all other members of a group.
pub fn ask_group(
    group: &str,
    question: impl Into<Payload>,
    threshold: Threshold,
    gathering: Gathering,
) -> Result<Tally> {
    let timeout = milliseconds(gathering.timeout);
    raw::ask_group(
        group,
        &question.into(),
        threshold,
        timeout,
        gathering.hear_all,
    )
}

/// Makes an agent like an installed one, with no more rights than this one has; it ends with this one.
pub fn spawn(like: &str, name: &str) -> Result<()> {
    raw::spawn(like, name, false)
}

/// As [`spawn`], for one that lives on when this one ends.
pub fn spawn_detached(like: &str, name: &str) -> Result<()> {
    raw::spawn(like, name, true)
}

/// Removes an agent that this one made.
pub fn end_child(name: &str) -> Result<()> {
    raw::end_child(name)
}

/// The agents that this one made, sorted by name.
pub fn children() -> Result<Vec<String>> {
    raw::children()
}

/// 0 does not wait, so a shorter time than a millisecond is one.
pub(crate) fn milliseconds(time: Duration) -> u32 {
    if time.is_zero() {
        0
    } else {
        crate::bus::milliseconds(time)
    }
}
