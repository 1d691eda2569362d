//! Write agents for Motehost: small programs that answer messages and reach only what they were granted.
//!
//! ```ignore
//! use motehost::{reply, Failure, Message, Reply};
//!
//! motehost::handler!(handle);
//!
//! fn handle(message: Message) -> Reply {
//!     let name = message.text()?;
//!     if name.is_empty() {
//!         return Err(Failure::invalid("whom shall I greet?"));
//!     }
//!     reply(format!("Hello, {name}!"))
//! }
//! ```
//!
//! [`handler!`] makes one function an agent; [`agent!`] makes one of a type with a life ([`Agent`]); `world!`
//! (feature `wit`) makes bindings of a WIT world of your own. [`async_handler!`] and [`async_agent!`] are for agents
//! that ask several things at once ([`async_bus`], [`join`], [`join_all`]): while they wait they take no stack and may
//! leave memory. What an agent may reach is in the modules: [`bus`],
//! [`context`], [`tools`], [`orchestration`], [`ties`], [`log`], [`clock`], [`random`]. Every call answers with a `Result`, and its error becomes
//! a [`Failure`] under `?`.
//!
//! A panic writes its message and its place to the agent's log, then ends the instance.

pub mod async_bus;
pub mod async_orchestration;
pub mod bus;
pub mod clock;
pub mod context;
pub mod log;
pub mod orchestration;
pub mod random;
pub mod ties;
pub mod tools;

#[doc(hidden)]
#[rustfmt::skip]
pub mod bindings;
#[doc(hidden)]
pub mod async_life;
#[doc(hidden)]
pub mod life;
#[doc(hidden)]
pub mod runtime;

mod failure;
mod join;
mod message;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod panic;
mod payload;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod start;

#[cfg(feature = "wit")]
mod world;

pub use async_life::AsyncAgent;
pub use bindings::imports::motehost::agent::types::{
    Config, CustomFailure, Failure, Header, Message, Payload, Setting, StopReason,
};
pub use join::{join, join_all};
pub use life::Agent;
pub use message::{no_reply, reply, Reply};

#[cfg(feature = "wit")]
pub use wit_bindgen;
