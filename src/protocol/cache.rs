//! Results that the server allows to be used again for a while (2026-07-28, server, Caching). A session is one user's:
//! `private` and `public` are the same to it.

use super::json::quote;
use super::session::Session;
use super::{CallId, Field, Now, Payload};

/// Entries; the oldest gives way.
const MOST: usize = 64;

/// Fresh results, by method and params.
#[derive(Debug)]
pub(super) struct Cache<P> {
    entries: Vec<Entry<P>>,
}

#[derive(Debug)]
struct Entry<P> {
    method: String,
    params: String,
    value: P,
    until: u64,
}

impl<P> Default for Cache<P> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<P> Cache<P> {
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn drop_those(&mut self, are: &dyn Fn(&Entry<P>) -> bool) {
        self.entries.retain(|entry| !are(entry));
    }

    /// All pages of these lists, and whatever else these methods gave.
    fn drop_methods(&mut self, methods: &[&str]) {
        self.drop_those(&|entry| methods.contains(&entry.method.as_str()));
    }
}

fn is_cacheable(method: &str) -> bool {
    matches!(
        method,
        "server/discover"
            | "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
    )
}

impl<P: Payload> Session<P> {
    /// Settles a call from the cache, if that is fresh and the caller does not want to ask anew.
    pub(super) fn answer_from_cache(&mut self, id: CallId, now: Now) -> bool {
        let Some(call) = self.calls.get(&id).filter(|call| !call.options.reload && call.round.is_none()) else {
            return false;
        };
        let params = call.params.text.as_deref().unwrap_or_default();
        let entry = self.cache.entries.iter().find(|entry| entry.method == call.method && entry.params == params);
        let Some(value) = entry.filter(|entry| now.mono < entry.until).map(|entry| entry.value.duplicate()) else {
            return false;
        };
        self.settle(id, Ok(value));
        true
    }

    /// Keeps a result for as long as its `ttlMs` says. What input was given for is not kept.
    pub(super) fn keep(&mut self, id: CallId, result: &P, now: Now) {
        let Some(call) = self.calls.get(&id).filter(|call| call.round.is_none() && is_cacheable(&call.method)) else {
            return;
        };
        let method = call.method.clone();
        let params = call.params.text.clone().unwrap_or_default();
        self.cache.drop_those(&|entry| entry.method == method && entry.params == params);
        let ttl = result.field(Field::TtlMs).and_then(|ttl| ttl.as_number()).filter(|ttl| *ttl >= 1.0);
        let Some(ttl) = ttl else { return };
        if self.cache.entries.len() >= MOST {
            self.cache.entries.remove(0);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and the cast saturates")]
        let until = now.mono.saturating_add(ttl as u64);
        self.cache.entries.push(Entry { method, params, value: result.duplicate(), until });
    }

    /// "an invalid cursor: discard all pages" (2026-07-28, server, Caching).
    pub(super) fn cursor_refused(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(&id).filter(|call| call.method.ends_with("/list")) {
            self.cache.drop_methods(&[&call.method]);
        }
    }

    /// The server says that something has changed.
    pub(super) fn forget_changed(&mut self, method: &str, params: Option<&P>) {
        match method {
            "notifications/tools/list_changed" => self.cache.drop_methods(&["tools/list"]),
            "notifications/prompts/list_changed" => self.cache.drop_methods(&["prompts/list"]),
            "notifications/resources/list_changed" => {
                self.cache.drop_methods(&["resources/list", "resources/templates/list"]);
            }
            "notifications/resources/updated" => {
                let uri = params.and_then(|params| params.field(Field::Uri)?.as_string()).unwrap_or_default();
                let uri = quote(&uri);
                self.cache.drop_those(&|entry| entry.method == "resources/read" && entry.params.contains(&uri));
            }
            _ => {}
        }
    }
}
