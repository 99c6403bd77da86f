//! Results that the server allows to be used again for a while (2026-07-28, server, Caching). They belong to whoever is
//! signed in, as the session does: `private` and `public` are the same to it. What was asked with other header fields of
//! the host's is another result, and a call with fields of its own asks anew.

use super::Desired;
use crate::protocol::{Field, Now, Payload};

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
    /// By method: what was asked with a request id up to this one is not kept. The server told of a change since.
    floors: Vec<(String, u64)>,
    /// The same of all.
    floor: u64,
}

#[derive(Debug)]
struct Entry<P> {
    method: String,
    params: String,
    uri: Option<String>,
    /// The request id of the request that it answers: an older question's answer does not take its place.
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

    /// Of what these methods gave, the entries that are named; and whatever they were asked up to this request id.
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

/// What a request asked for.
pub(crate) struct Asked<'a> {
    pub method: &'a str,
    pub params: &'a str,
    /// Of a resource.
    pub uri: Option<&'a String>,
    pub request_id: u64,
    /// A hash of the host's header fields that went along.
    pub fields: Option<u64>,
}

impl<P: Payload> Desired<P> {
    /// A fresh result, and the host's header fields that it was asked with.
    pub fn fresh(&self, method: &str, params: &str, now: Now) -> Option<(P, Option<u64>)> {
        let entry = self.cache.entries.iter().find(|entry| entry.method == method && entry.params == params)?;
        let value = entry.value.as_ref().filter(|_| now.mono < entry.until)?;
        Some((value.clone(), entry.fields))
    }

    /// Keeps a result for as long as its `ttlMs` says.
    pub fn keep(&mut self, asked: &Asked<'_>, result: &P, now: Now) {
        let Asked { method, params, request_id, .. } = *asked;
        let cache = &mut self.cache;
        let known = cache.entries.iter().position(|entry| entry.method == method && entry.params == params);
        let is_newer = |at: usize| cache.entries[at].asked > request_id;
        if !is_cacheable(method) || cache.is_outdated(method, request_id) || known.is_some_and(is_newer) {
            return;
        }
        let ttl = result.number(Field::TtlMs).filter(|ttl| *ttl >= 1.0);
        let frozen = ttl.and_then(|_| result.frozen()).filter(|(_, size)| *size <= ENTRY);
        let (value, size) = frozen.map_or((None, 0), |(value, size)| (Some(value), size));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and no more than a day")]
        let ttl_ms = ttl.unwrap_or_default().min(TTL) as u64;
        let until = now.mono.saturating_add(if planted!("cache_outlives_ttl") { ttl_ms * 10 } else { ttl_ms });
        let (method, params, uri) = (method.to_owned(), params.to_owned(), asked.uri.cloned());
        let entry = Entry { method, params, uri, asked: request_id, fields: asked.fields, value, size, until };
        if let Some(at) = known {
            cache.entries.remove(at);
        }
        let all = |entries: &[Entry<P>]| entries.iter().map(|entry| entry.size).sum::<u64>();
        while cache.entries.len() >= MOST || all(&cache.entries) + size > ALL {
            cache.entries.remove(0);
        }
        cache.entries.push(entry);
    }

    /// The server says that something has changed: what was asked for it up to this request id is not used again.
    pub fn changed(&mut self, method: &str, params: Option<&P>, asked: u64) {
        match method {
            "notifications/tools/list_changed" => {
                self.cache.outdate(&["tools/list"], asked, &|_| !planted!("cache_outlives_change"));
                self.tools.outdate(asked);
            }
            "notifications/prompts/list_changed" => self.cache.outdate(&["prompts/list"], asked, &|_| true),
            "notifications/resources/list_changed" => {
                self.cache.outdate(&["resources/list", "resources/templates/list"], asked, &|_| true);
            }
            "notifications/resources/updated" => {
                let updated = params.and_then(|params| params.text(Field::Uri)).unwrap_or_default();
                // "This might be a sub-resource of the one that the client actually subscribed to" (2025-11-25, schema).
                let concerns = |uri: &String| updated.starts_with(uri.as_str());
                self.cache.outdate(&["resources/read"], asked, &|entry| entry.uri.as_ref().is_some_and(concerns));
            }
            _ => {}
        }
    }
}

impl<P> Desired<P> {
    /// Nothing that was asked with a request id up to this one is used again.
    pub fn forget_results(&mut self, asked: u64) {
        self.cache = Cache { floor: asked, ..Cache::default() };
    }

    /// "an invalid cursor: discard all pages" (2026-07-28, server, Caching).
    pub fn cursor_refused(&mut self, method: &str) {
        self.cache.outdate(&[method], 0, &|_| true);
    }
}
