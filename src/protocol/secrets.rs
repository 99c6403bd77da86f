//! What is told nowhere: the ids of sessions, and the credentials that go along with requests. A server that quotes them
//! is quoted without them.

use super::Payload;
use super::base64;
use super::bounds;
use super::exchange::Exchange;
use super::json::quote;
use super::list::Gather;
use super::oauth::text::decode;
use super::past::Past;
use super::state::SessionId;

/// So many are remembered, the latest.
const MOST: usize = 16;
/// What is shorter is no secret, and may be a word.
const SHORTEST: usize = 8;
/// The same of a password.
const SHORTEST_PASSWORD: usize = 6;
/// Header fields that hold credentials have one of these in their names.
const NAMES: [&str; 9] = ["auth", "cookie", "credential", "key", "password", "secret", "session", "signature", "token"];

/// No credential holds these: none is found in what stands for another.
const MARKS: [(&str, &str); 2] = [("\0", "[session id]"), ("\u{1}", "[credentials]")];

impl<P> Past<P> {
    pub fn remember(&mut self, id: &SessionId) {
        if id.expose().len() >= SHORTEST {
            remember(&mut self.ids, id.clone());
        }
    }

    pub fn remember_secret(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_PASSWORD {
            remember(&mut self.secrets, secret.to_owned());
        }
    }

    /// A header field of the host's.
    pub fn remember_field(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        if !NAMES.iter().any(|known| name.contains(known)) {
            return;
        }
        if name == "cookie" {
            let values = value.split(';').filter_map(|pair| pair.split_once('='));
            return values.for_each(|(_, value)| self.remember_secret(value.trim()));
        }
        let (scheme, credentials) = value.trim().split_once(' ').unwrap_or(("", value.trim()));
        self.remember_secret(credentials.trim());
        if scheme.eq_ignore_ascii_case("basic")
            && let Some(pair) = base64::read(credentials.trim())
            && let Some((_, password)) = pair.split_once(':')
        {
            self.remember_secret(password);
        }
    }

    /// What may be a key in the address of the endpoint: as it is written, and as a server reads it.
    pub fn remember_address(&mut self, url: &str) {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let query = query.split('#').next().unwrap_or_default();
        for field in query.split('&') {
            let (name, value) = field.split_once('=').unwrap_or(("", field));
            let name = name.to_ascii_lowercase();
            if is_random(value) || value.len() >= SHORTEST_PASSWORD && NAMES.iter().any(|known| name.contains(known)) {
                self.keys.extend([value.to_owned(), decode(value)]);
            }
        }
        let parts = path.split('/').skip(3).filter(|part| is_random(part));
        self.keys.extend(parts.flat_map(|part| [part.to_owned(), decode(part)]));
    }

    /// The longest first: one may be a part of another.
    fn hidden<'a>(&'a self, exchange: Option<&'a Exchange>) -> Vec<(&'a str, &'static str)> {
        let sent = exchange.and_then(|exchange| exchange.session.as_ref()).into_iter().chain(&self.ids);
        let received = exchange.and_then(|exchange| exchange.head.as_ref()?.session_id.as_deref());
        let ids = sent.map(SessionId::expose).chain(received.filter(|id| !id.is_empty()));
        let secrets = self.secrets.iter().chain(&self.keys).map(|secret| (secret.as_str(), MARKS[1].0));
        let mut all = ids.map(|id| (id, MARKS[0].0)).chain(secrets).gather();
        all.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        all
    }

    /// A server's words, up to `bound` characters, without anything that is told nowhere.
    pub fn redact(&self, words: &str, exchange: Option<&Exchange>, bound: usize) -> String {
        let hidden = self.hidden(exchange);
        // Only so much is searched. What is hidden may be cut in two at its end: that part is left out.
        let longest = hidden.first().map_or(0, |(secret, _)| secret.len());
        let end = words.char_indices().nth(bound.saturating_add(longest)).map(|(end, _)| end);
        let mut text = replaced(&words[..end.unwrap_or(words.len())], &hidden);
        if end.is_some() {
            let part = hidden.iter().map(|(secret, _)| part_at_end(&text, secret)).max();
            text.truncate(text.len() - part.unwrap_or_default());
        }
        told(&text).chars().take(bound).collect()
    }

    /// The `data` of an error, without what is told nowhere; `None` where it is too long, or too deep, to be searched.
    pub fn redact_data(&self, data: P, exchange: Option<&Exchange>) -> Option<P>
    where
        P: Payload,
    {
        let text = data.to_json_within(bounds::DATA)?;
        let hidden = self.hidden(exchange);
        let quoted = hidden.iter().map(|(secret, mark)| (quote(secret), *mark)).gather();
        let inner: Vec<_> = quoted.iter().map(|(secret, mark)| (&secret[1..secret.len() - 1], *mark)).gather();
        let clean = replaced(&text, &inner);
        // What is left of it is no JSON where it was a number, say.
        if clean == text { Some(data) } else { P::parse(&told(&clean)) }
    }
}

/// No word, but what a machine has made.
fn is_random(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    text.len() >= 20 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

fn remember<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if let Some(at) = all.iter().position(|known| *known == one) {
        all.remove(at);
    } else if all.len() == MOST {
        all.remove(0);
    }
    all.push(one);
}

/// How many bytes at the end of the text a secret begins with.
fn part_at_end(text: &str, secret: &str) -> usize {
    (1..secret.len()).rev().find(|end| secret.get(..*end).is_some_and(|part| text.ends_with(part))).unwrap_or_default()
}

fn replaced(text: &str, hidden: &[(&str, &str)]) -> String {
    hidden.iter().fold(text.to_owned(), |text, (secret, mark)| text.replace(secret, mark))
}

fn told(text: &str) -> String {
    MARKS.iter().fold(text.to_owned(), |text, (mark, name)| text.replace(mark, name))
}
