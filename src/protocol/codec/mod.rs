//! Bytes and texts to types, and back: HTTP, server-sent events, JSON-RPC. Nothing is decided here.

pub mod http;
pub mod json;
pub mod json_rpc;
pub(super) mod shape;
pub mod sse;
