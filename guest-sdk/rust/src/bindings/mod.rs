//! What wit-bindgen made of `wit/` (`bindings.sh`): the imports once, and the exports of each world.
#![allow(clippy::all, missing_docs, unused_imports)]

pub mod agent;
pub mod async_agent;
pub mod async_handler;
pub mod handler;
pub mod imports;
