//! The room of HTTP exchanges.

pub(super) mod body;
pub(super) mod cursor;
pub(super) mod exchange;
pub(super) mod gate;
pub(super) mod wording;
