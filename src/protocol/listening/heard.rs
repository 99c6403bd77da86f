//! What an open stream of the modern era is about (2026-07-28, patterns, Subscriptions).

use crate::protocol::ExchangeId;

/// What an open stream is about.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// What was asked for: the members of a JSON object.
    filter: String,
    /// URIs that the server said it will tell of; `None` before it said so.
    granted: Option<Vec<String>>,
    /// The stream before this one, until then.
    before: Option<ExchangeId>,
    /// The one before broke: changes may have been missed.
    after_break: bool,
}

/// What follows when a stream is acknowledged.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    /// The stream that it replaces.
    pub before: Option<ExchangeId>,
    /// Changes may have been missed.
    pub after_break: bool,
}

impl Heard {
    /// A stream that is being opened for this, in place of the one `before`.
    pub fn asked(filter: String, before: Option<ExchangeId>, after_break: bool) -> Self {
        Self { filter, granted: None, before, after_break }
    }

    pub fn before(&self) -> Option<ExchangeId> {
        self.before
    }

    /// Whether it was asked for this.
    pub fn is_for(&self, filter: &str) -> bool {
        self.filter == filter
    }

    /// What the server said it will tell of.
    pub fn granted(&self) -> Option<&[String]> {
        self.granted.as_deref()
    }

    pub fn is_after_break(&self) -> bool {
        self.after_break
    }

    pub(super) fn acknowledge(&mut self, granted: &[String]) -> Acknowledged {
        self.granted = Some(granted.to_vec());
        Acknowledged { before: self.before.take(), after_break: std::mem::take(&mut self.after_break) }
    }
}
