//! The core on a virtual clock: transcripts of the wire.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::wildcard_enum_match_arm, reason = "tests name what they expect and fail on the rest")]

mod authorize;
mod calls;
mod doubt;
mod field;
mod found;
mod handshake;
mod held;
mod help;
mod host;
mod hostile;
mod identity;
mod listening;
mod modern;
mod net;
mod oauth;
mod page;
mod proofs;
mod properties;
mod proxied;
mod recovery;
mod signals;
mod streams;
mod tasks;
mod truth;
mod verdicts;
