//! A session manager for the Model Context Protocol (MCP) over Streamable HTTP.

#[doc(hidden)]
pub mod protocol;
