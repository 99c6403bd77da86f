//! Results that the server allows to be used again for a while (2026-07-28, server, Caching). They belong to whoever is
//! signed in, as the session does: `private` and `public` are the same to it. What was asked with other header fields of
//! the host's is another result, and a call with fields of its own asks anew.

use super::exchange::Exchange;
use super::session::Session;
use super::{CallId, Field, Now, Payload};

/// Entries; the oldest gives way.
const MOST: usize = 64;
/// UTF-16 units of JSON text: of one entry, and of all.
const ENTRY: u64 = 4 << 20;
const ALL: u64 = 16 << 20;
/// Milliseconds: a day.
const TTL: f64 = 86_400_000.0;

/// Fresh results, by method and params.
#[derive(Debug)]
pub(super) struct Cache<P> {
    entries: Vec<Entry<P>>,
    /// By method: what was asked with a wire id up to this one is not kept. The server told of a change since.
    floors: Vec<(String, u64)>,
    /// The same of all.
    floor: u64,
}

#[derive(Debug)]
struct Entry<P> {
    method: String,
    params: String,
    uri: Option<String>,
    /// The wire id of the request that it answers: an older question's answer does not take its place.
    asked: u64,
    /// The host's header fields that it was asked with.
    fields: Option<u64>,
    /// As text; `None` where it is not to be used again.
    value: Option<P>,
    size: u64,
    until: u64,
}

impl<P> Default for Cache<P> {
    fn default() -> Self {
        Self { entries: Vec::new(), floors: Vec::new(), floor: 0 }
    }
}

impl<P> Cache<P> {
    fn drop_those(&mut self, are: &dyn Fn(&Entry<P>) -> bool) {
        self.entries.retain(|entry| !are(entry));
    }

    /// Of what these methods gave, the entries that are named; and whatever they were asked up to this wire id.
    fn outdate(&mut self, methods: &[&str], asked: u64, are: &dyn Fn(&Entry<P>) -> bool) {
        self.drop_those(&|entry| methods.contains(&entry.method.as_str()) && are(entry));
        for method in methods {
            match self.floors.iter_mut().find(|(own, _)| own == method) {
                Some((_, floor)) => *floor = asked.max(*floor),
                None => self.floors.push(((*method).to_owned(), asked)),
            }
        }
    }

    fn is_outdated(&self, method: &str, asked: u64) -> bool {
        let of_method = self.floors.iter().find(|(own, _)| own == method).map_or(0, |(_, floor)| *floor);
        asked <= self.floor.max(of_method)
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
    /// Nothing that was asked so far is used again.
    pub(super) fn forget_cached(&mut self) {
        self.cache = Cache { floor: self.next_wire_id, ..Cache::default() };
    }

    /// Settles a call from the cache, if that is fresh and the caller does not want to ask anew. Says whether the call is
    /// seen to, by that or by whoever says which header fields the host would add now.
    pub(super) fn answer_from_cache(&mut self, id: CallId, now: Now) -> bool {
        let Some(call) = self.calls.get(&id).filter(|call| {
            !call.options.reload
                && call.round.is_none()
                && call.params.inputs.is_none()
                && call.options.headers.is_empty()
        }) else {
            return false;
        };
        let params = call.params.text.as_deref().unwrap_or_default();
        let entry = self.cache.entries.iter().find(|entry| entry.method == call.method && entry.params == params);
        let Some((value, entry)) = entry.and_then(|entry| Some((entry.value.clone()?, entry))) else { return false };
        if now.mono >= entry.until {
            return false;
        }
        if !self.config.identified {
            if self.config.fields_vary && !self.identity.is_fresh {
                if self.identity.waiting.is_empty() {
                    self.identify(now);
                }
                self.identity.waiting.push(id);
                return true;
            }
            if entry.fields != self.identity.fields {
                return false;
            }
        }
        let Some(value) = value.thawed() else { return false };
        self.settle(id, Ok(value));
        true
    }

    /// Keeps a result for as long as its `ttlMs` says. What input was given for is not kept, and neither is what was asked
    /// with header fields of the call's own.
    pub(super) fn keep(&mut self, id: CallId, exchange: &Exchange, result: &P, now: Now) {
        let Some(call) = self.calls.get(&id).filter(|call| {
            is_cacheable(&call.method)
                && call.round.is_none()
                && call.params.inputs.is_none()
                && call.options.headers.is_empty()
        }) else {
            return;
        };
        let asked = exchange.wire_id.unwrap_or_default();
        let (method, params) = (&call.method, call.params.text.as_deref().unwrap_or_default());
        let known = self.cache.entries.iter().position(|entry| entry.method == *method && entry.params == params);
        if self.cache.is_outdated(method, asked) || known.is_some_and(|at| self.cache.entries[at].asked > asked) {
            return;
        }
        let ttl = result.field(Field::TtlMs).and_then(|ttl| ttl.as_number()).filter(|ttl| *ttl >= 1.0);
        let frozen = ttl.and_then(|_| result.frozen()).filter(|(_, size)| *size <= ENTRY);
        let (value, size) = frozen.map_or((None, 0), |(value, size)| (Some(value), size));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and no more than a day")]
        let until = now.mono.saturating_add(ttl.unwrap_or_default().min(TTL) as u64);
        let (method, params, uri) = (method.clone(), params.to_owned(), call.params.uri.clone());
        let entry = Entry { method, params, uri, asked, fields: exchange.fields, value, size, until };
        if let Some(at) = known {
            self.cache.entries.remove(at);
        }
        let all = |entries: &[Entry<P>]| entries.iter().map(|entry| entry.size).sum::<u64>();
        while self.cache.entries.len() >= MOST || all(&self.cache.entries) + size > ALL {
            self.cache.entries.remove(0);
        }
        self.cache.entries.push(entry);
    }

    /// "an invalid cursor: discard all pages" (2026-07-28, server, Caching).
    pub(super) fn cursor_refused(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(&id).filter(|call| call.method.ends_with("/list")) {
            self.cache.outdate(&[&call.method], 0, &|_| true);
        }
    }

    /// The server says that something has changed.
    pub(super) fn forget_changed(&mut self, method: &str, params: Option<&P>) {
        let asked = self.next_wire_id;
        match method {
            "notifications/tools/list_changed" => {
                self.cache.outdate(&["tools/list"], asked, &|_| true);
                self.tools.outdate(asked);
            }
            "notifications/prompts/list_changed" => self.cache.outdate(&["prompts/list"], asked, &|_| true),
            "notifications/resources/list_changed" => {
                self.cache.outdate(&["resources/list", "resources/templates/list"], asked, &|_| true);
            }
            "notifications/resources/updated" => {
                let updated = params.and_then(|params| params.field(Field::Uri)?.as_string()).unwrap_or_default();
                // "This might be a sub-resource of the one that the client actually subscribed to" (2025-11-25, schema).
                let concerns = |uri: &String| updated.starts_with(uri.as_str());
                self.cache.outdate(&["resources/read"], asked, &|entry| entry.uri.as_ref().is_some_and(concerns));
            }
            _ => {}
        }
    }
}
