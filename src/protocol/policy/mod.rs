//! Decisions that need no state: pure functions, each one table of the documentation.

pub(super) mod retry;
pub(super) mod safety;
