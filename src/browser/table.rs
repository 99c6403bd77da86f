//! A small map whose borrows never leave it.

use std::cell::RefCell;

/// Entries by key, in no order. There are as many as calls under way: a few, seldom hundreds.
pub(super) struct Table<K, V>(RefCell<Vec<(K, V)>>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<K: Copy + PartialEq, V> Table<K, V> {
    /// A new entry. No key comes twice.
    pub fn put(&self, key: K, value: V) {
        self.0.borrow_mut().push((key, value));
    }

    /// Takes an entry out.
    pub fn take(&self, key: K) -> Option<V> {
        let at = self.find(key)?;
        Some(self.0.borrow_mut().swap_remove(at).1)
    }

    /// Looks at an entry. `look` must not come back here.
    pub fn with<T>(&self, key: K, look: impl FnOnce(&V) -> T) -> Option<T> {
        let at = self.find(key)?;
        Some(look(&self.0.borrow()[at].1))
    }

    /// Whether there is such an entry.
    pub fn has(&self, key: K) -> bool {
        self.find(key).is_some()
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    fn find(&self, key: K) -> Option<usize> {
        self.0.borrow().iter().position(|(own, _)| *own == key)
    }
}
