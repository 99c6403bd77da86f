//! Lists in little code. The standard library makes the most of an iterator whose length is known: that takes several
//! functions for each of them, which are more than all that the iterators do.

use std::vec;

pub(super) trait Gather: Iterator + Sized {
    /// What `collect` does, item by item.
    fn gather(self) -> Vec<Self::Item> {
        let mut all = Vec::new();
        for item in self {
            all.push(item);
        }
        all
    }

    /// The texts in one, with this between them.
    fn joined(self, between: &str) -> String
    where
        Self::Item: AsRef<str>,
    {
        let mut all = String::new();
        for (at, text) in self.enumerate() {
            if at > 0 {
                all.push_str(between);
            }
            all.push_str(text.as_ref());
        }
        all
    }
}

impl<I: Iterator> Gather for I {}

/// First in, first out.
#[derive(Debug)]
pub(super) struct Queue<T> {
    leaving: vec::IntoIter<T>,
    waiting: Vec<T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { leaving: Vec::new().into_iter(), waiting: Vec::new() }
    }
}

impl<T> Queue<T> {
    pub fn push(&mut self, item: T) {
        self.waiting.push(item);
    }

    pub fn pop(&mut self) -> Option<T> {
        if self.leaving.as_slice().is_empty() {
            self.leaving = std::mem::take(&mut self.waiting).into_iter();
        }
        self.leaving.next()
    }

    pub fn is_empty(&self) -> bool {
        self.leaving.as_slice().is_empty() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gathered_is_what_would_be_collected() {
        let odd = || (0..9_u32).filter(|number| number % 2 == 1);
        assert_eq!(odd().gather(), odd().collect::<Vec<_>>());
        assert_eq!(odd().map(|number| number.to_string()).joined(", "), "1, 3, 5, 7");
        assert_eq!(["a"; 0].iter().joined(", "), "");
    }

    #[test]
    fn who_came_first_leaves_first() {
        let mut queue = Queue::default();
        let mut left = Vec::new();
        for arrival in 0..100_u32 {
            queue.push(arrival);
            if arrival % 3 == 0 {
                left.extend(queue.pop());
            }
        }
        assert!(!queue.is_empty());
        left.extend(std::iter::from_fn(|| queue.pop()));
        assert!(queue.is_empty() && left.into_iter().eq(0..100));
    }
}
