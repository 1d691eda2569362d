//! Things an agent can have done for it: tools of other agents, of the host and of MCP servers.

use std::time::Duration;

pub use crate::bindings::imports::motehost::agent::tools::{Tool, ToolError};

use crate::bindings::imports::motehost::agent::tools as raw;
use crate::bus::milliseconds;

/// The tools this agent may call, sorted by name.
pub fn list() -> Result<Vec<Tool>, ToolError> {
    raw::list()
}

/// Calls a tool with a JSON object, as text; its result is JSON text as well. Waits as long as the host's default.
pub fn call(name: &str, arguments: &str) -> Result<String, ToolError> {
    raw::call(name, arguments, 0)
}

/// As [`call`], and waits so long at most.
pub fn call_within(name: &str, arguments: &str, timeout: Duration) -> Result<String, ToolError> {
    raw::call(name, arguments, milliseconds(timeout))
}
