//! A session manager for the Model Context Protocol (MCP) over Streamable HTTP.

#[doc(hidden)]
pub mod protocol;

#[cfg(all(target_arch = "wasm32", feature = "js"))]
mod bindings;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod browser;

#[cfg(target_arch = "wasm32")]
pub use browser::client::{Credentials, Error, Event, Listener, Options, Session, Status, connect};
pub use protocol::{
    CallOptions, Code, Config, Outcome,
    config::{Handshake, Mode, Recovery},
};
