//! Performs what the core asks for: `fetch`, bodies, the timer, the clock. The only place that touches JavaScript's
//! resources; each is a guard that gives it back on drop.

pub mod authorize;
pub mod client;
pub mod clock;
mod drain;
pub mod driver;
mod eras;
mod events;
pub mod exchange;
pub mod host;
pub mod js;
pub mod options;
pub mod page;
#[cfg(feature = "panic-words")]
mod panics;
mod payload;
mod streams;
mod table;
pub mod tabs;
pub mod task;
pub mod timer;
