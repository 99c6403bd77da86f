//! What this page remembers of its servers' eras, for all its sessions.

use super::clock;
use crate::protocol::era::memory::Memory;
use std::cell::RefCell;

thread_local! {
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
}

pub(super) fn knows_legacy(endpoint: &str) -> bool {
    MEMORY.with_borrow(|memory| memory.knows_legacy(endpoint, clock::now().unix_ms))
}

pub(super) fn learn(endpoint: &str, legacy_until: Option<u64>) {
    MEMORY.with_borrow_mut(|memory| memory.learn(endpoint, legacy_until));
}
