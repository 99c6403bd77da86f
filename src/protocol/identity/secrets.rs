//! What is told nowhere: the ids of sessions, and the credentials that go along with requests. A server that quotes them
//! is quoted without them.

use crate::protocol::codec::json::quote;
use crate::protocol::oauth::text::{decode, encode};
use crate::protocol::{Payload, bounds, http};
use std::fmt;
use std::rc::Rc;

/// So many are remembered, the latest, beside those that went along with what is answered.
const MOST: usize = 16;
/// What is shorter is no secret, and may be a word.
const SHORTEST: usize = 8;
/// The same of a password.
const SHORTEST_PASSWORD: usize = 6;
/// Header fields that hold credentials have one of these in their names.
const NAMES: [&str; 9] = ["auth", "cookie", "credential", "key", "password", "secret", "session", "signature", "token"];

/// No credential holds these: none is found in what stands for another.
const MARKS: [(&str, &str); 2] = [("\0", "[session id]"), ("\u{1}", "[credentials]")];

/// What goes along with a request. It does not print.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<Rc<str>>);

impl Secrets {
    pub fn add(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_PASSWORD {
            self.0.push(secret.into());
        }
    }

    pub fn add_all(&mut self, others: &Self) {
        self.0.extend(others.0.iter().cloned());
    }

    /// Of a header field of the host's.
    pub fn add_field(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        if !NAMES.iter().any(|known| name.contains(known)) {
            return;
        }
        if name == "cookie" {
            let values = value.split(';').filter_map(|pair| pair.split_once('='));
            return values.for_each(|(_, value)| self.add(value.trim()));
        }
        let (scheme, credentials) = value.trim().split_once(' ').unwrap_or(("", value.trim()));
        self.add(credentials.trim());
        if scheme.eq_ignore_ascii_case("basic")
            && let Some(pair) = http::credential(credentials.trim())
            && let Some((_, password)) = pair.split_once(':')
        {
            self.add(password);
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// Where credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The host's header fields.
    Host,
    /// The token.
    Token,
}

/// What is told nowhere. It does not print.
#[derive(Default)]
pub(crate) struct Confidential {
    /// Ids of the latest sessions.
    ids: Vec<String>,
    /// What may be a key in the address of the endpoint.
    keys: Vec<String>,
    /// Credentials that went along lately.
    secrets: Secrets,
    /// Those in the host's header fields, as of the latest request, and the token.
    along: [Secrets; 2],
}

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confidential")
    }
}

/// What went along with the request that is answered, and came with the answer.
pub(crate) struct Traffic<'a> {
    /// The session ids.
    pub ids: Vec<&'a str>,
    pub secrets: &'a Secrets,
}

impl Confidential {
    pub fn remember_id(&mut self, id: &str) {
        if id.len() >= SHORTEST {
            remember(&mut self.ids, id.to_owned());
        }
    }

    /// These went along.
    pub fn remember(&mut self, secrets: &Secrets) {
        secrets.0.iter().for_each(|secret| remember(&mut self.secrets.0, Rc::clone(secret)));
    }

    /// These go along from now on.
    pub(super) fn goes_along(&mut self, source: Source, secrets: Secrets) {
        self.remember(&secrets);
        self.along[source as usize] = secrets;
    }

    /// What goes along now.
    pub fn along(&self) -> impl Iterator<Item = &Secrets> {
        self.along.iter()
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
    fn hidden(&self, traffic: &Traffic<'_>) -> Vec<(String, &'static str)> {
        let ids = traffic.ids.iter().copied().chain(self.ids.iter().map(String::as_str));
        let secrets = traffic.secrets.0.iter().chain(&self.secrets.0).map(|secret| &**secret);
        let secrets = secrets.chain(self.keys.iter().map(String::as_str)).map(|secret| (secret, MARKS[1].0));
        let all = ids.map(|id| (id, MARKS[0].0)).chain(secrets);
        let mut all: Vec<_> = all.flat_map(|(secret, mark)| spellings(secret).map(|spelled| (spelled, mark))).collect();
        all.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        all
    }

    /// A server's words, up to `bound` characters, without anything that is told nowhere.
    pub fn redact(&self, words: &str, traffic: &Traffic<'_>, bound: usize) -> String {
        let hidden = self.hidden(traffic);
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
    pub fn redact_data<P: Payload>(&self, data: P, traffic: &Traffic<'_>) -> Option<P> {
        let text = data.to_json_within(bounds::DATA)?;
        let hidden = self.hidden(traffic);
        let quoted: Vec<_> = hidden.iter().map(|(secret, mark)| (quote(secret), *mark)).collect();
        let inner: Vec<_> = quoted.iter().map(|(secret, mark)| (&secret[1..secret.len() - 1], *mark)).collect();
        let clean = replaced(&text, &inner);
        // What is left of it is no JSON where it was a number, say.
        if clean == text { Some(data) } else { P::parse(&told(&clean)) }
    }
}

/// As it is, as JSON may have it that escapes slashes, and as an address has it (RFC 3986, section 2.1), in either case.
fn spellings(secret: &str) -> [String; 4] {
    let encoded = encode(secret);
    let mut parts = encoded.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        lower += &format!("%{}{rest}", digits.to_ascii_lowercase());
    }
    [secret.to_owned(), secret.replace('/', "\\/"), encoded, lower]
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

/// How many bytes at the end of the text a secret begins with: in as many steps as both are long (Knuth, Morris, Pratt).
fn part_at_end(text: &str, secret: &str) -> usize {
    let sought = secret.as_bytes();
    // By length of a beginning that was met: the longest shorter one that is met with it.
    let mut shorter = vec![0; sought.len()];
    let longer = |shorter: &[usize], mut met: usize, byte: u8| {
        while met > 0 && sought[met] != byte {
            met = shorter[met - 1];
        }
        if sought[met] == byte { met + 1 } else { 0 }
    };
    for at in 1..sought.len() {
        shorter[at] = longer(&shorter, shorter[at - 1], sought[at]);
    }
    let tail = text.len().saturating_sub(sought.len().saturating_sub(1));
    let mut met = text.as_bytes()[tail..].iter().fold(0, |met, byte| longer(&shorter, met, *byte));
    while !secret.is_char_boundary(met) {
        met = shorter[met - 1];
    }
    met
}

fn replaced(text: &str, hidden: &[(impl AsRef<str>, &str)]) -> String {
    hidden.iter().fold(text.to_owned(), |text, (secret, mark)| text.replace(secret.as_ref(), mark))
}

fn told(text: &str) -> String {
    MARKS.iter().fold(text.to_owned(), |text, (mark, name)| text.replace(mark, name))
}

#[cfg(test)]
mod tests {
    use super::part_at_end;

    #[test]
    fn what_a_secret_begins_with_is_found_at_the_end_of_a_text() {
        let longest = |text: &str, secret: &str| {
            let parts = (1..secret.len()).rev();
            parts.filter_map(|end| secret.get(..end)).find(|part| text.ends_with(part)).map_or(0, str::len)
        };
        let mut dice = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let mut word = |most: usize| {
                (0..dice.usize(0..most)).map(|_| dice.choice(['a', 'b', 'é', 'è']).unwrap_or('a')).collect::<String>()
            };
            let (text, secret) = (word(12), word(7) + "a");
            assert_eq!(part_at_end(&text, &secret), longest(&text, &secret), "{text} {secret}");
        }
    }
}
