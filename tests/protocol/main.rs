//! The core on a virtual clock: transcripts of the wire.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::wildcard_enum_match_arm, missing_docs, reason = "tests name what they expect and fail on the rest")]

mod net;
mod recovery;
mod signals;
