//! What must hold for any input: `cargo xtask fuzz` looks for one that breaks it, and `tests/corpus.rs` feeds the
//! committed corpus to the same functions in `cargo test`.

mod bytes;
mod json_rpc;
mod message;
mod rules;
mod session;
mod sse;

pub use json_rpc::json_rpc;
pub use session::session;
pub use sse::sse;
