//! What the words of a refusal say: of a session, and of credentials.
//!
//! Most refusals need no word in these lists: 404 and 410 are plain without any, and after every other 4xx but 429 a ping
//! decides, unless it is the request's own answer and mentions neither session nor handshake. Nor does a ping that is refused
//! with 4xx have to say more than that. A word matters in a 200 or a 5xx, to a call or to a ping; and in a 400, which it
//! spares the ping ([`OWN`]).

/// What a text says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::protocol) struct Words {
    /// The session could not be found.
    pub lookup: bool,
    /// The session has ended.
    pub ending: bool,
    /// The credentials are the problem.
    pub credentials: bool,
    /// It mentions a session or the handshake, in whatever words.
    pub mention: bool,
}

/// How far a word may stand from what it is said of, in bytes.
const NEAR: usize = 60;
/// How much of a text is read.
const WORDS_BYTES: usize = 4096;

impl Words {
    pub fn read(text: &str) -> Self {
        let text = prefix(text, WORDS_BYTES).to_ascii_lowercase();
        let said_of = |topics: &[&str], word: &str| is_near(&text, topics, word);
        let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
        Self {
            lookup: LOOKUP.iter().any(|word| said_of(SESSION, word))
                || UNINITIALIZED.iter().any(|word| said_of(HANDSHAKE, word)),
            ending: ENDING.iter().any(|word| said_of(SESSION, word)),
            credentials: any(CREDENTIALS),
            mention: any(SESSION) || any(HANDSHAKE),
        }
    }
}

const SESSION: &[&str] = &["session"];
const HANDSHAKE: &[&str] = &["initializ", "initialis"];
/// Said of a session that could not be found: what looked for it did not run the call. With 5xx a ping tells, and what was
/// refused may be sent again. A request without a session id that is refused so lacks one.
const LOOKUP: &[&str] = &[
    "not found",
    "notfound",
    "not_found",
    "unknown",
    "expired",
    "invalid",
    "no valid",
    "missing",
    "no such",
    "no active",
    "not exist",
    "n't exist",
    "not active",
    "not known",
    "not here",
    "no record",
    "not valid",
    "not recogni",
    "unrecogni",
    "no longer",
    "cannot find",
    "could not find",
    "couldn't find",
    "no session",
    "no mcp session",
    "no such mcp",
    "not registered",
    "stale",
    "evicted",
    "re-initialize",
    "reinitialize",
    "required",
];
/// Said of a session that has ended, perhaps with the call in it: with 5xx the call may have run, and a request without
/// a session id lacks none. In all else as [`LOOKUP`].
const ENDING: &[&str] = &[
    "terminated",
    "closing",
    "closed",
    "before completed",
    "before the request completed",
    "ended",
    "shut down",
    "timed out",
    "gone",
    "lost",
    "removed",
    "deleted",
    "destroyed",
    "dropped",
];
/// Said by a proxy of what stands behind it, or of how many it lets through: that it could not be reached, went away, or was
/// not asked.
const GONE_BEHIND: &[&str] = &[
    "timed out",
    "timeout",
    "time-out",
    "deadline exceeded",
    "disconnected",
    "process failed",
    "process exited",
    "unavailable",
    "no available",
    "no healthy",
    "upstream",
    "bad gateway",
    "unreachable",
    "not reachable",
    "shutting down",
    "shut down",
    "terminated",
    "aborted",
    "hang up",
    "unexpected eof",
    "incomplete chunked",
    "premature close",
    "dial tcp",
    "no such host",
    "name resolution",
    "name or service not known",
    "closedresource",
    "brokenresource",
    "broken pipe",
    "econnrefused",
    "econnreset",
    "econnaborted",
    "etimedout",
    "enotfound",
    "eai_again",
    "epipe",
    "ehostunreach",
    "enetunreach",
    "rate limit",
    "rate-limit",
    "ratelimit",
    "too many requests",
    "try again later",
    "overloaded",
    "unauthorized",
];
/// What a proxy has to what stands behind it.
const LINK: &[&str] = &["connect", "socket", "transport", "channel", "fetch", "network", "backend", "gateway", "proxy"];
/// Said of that.
const BROKEN: &[&str] =
    &["fail", "refused", "reset", "closed", "lost", "broke", "not connect", "unable", "could not", "cannot", "error"];
/// Said of the handshake by a server whose process does not know the client.
const UNINITIALIZED: &[&str] = &[
    "not ", "n't ", "uninit", "expect", "must ", "first", "before", "during", "required", "requires", "reinit",
    "re-init",
];
/// Said of credentials.
const CREDENTIALS: &[&str] = &["invalid_token", "access token", "bearer", "credential", "api key", "sign in", "log in"];

/// Whether the first line of a text says nothing but that a session is not found, or a server not initialized: in the words
/// that servers of MCP have for it, and of no other session or thing. What follows upon the name of the header field, or of
/// the id in it, does not matter.
pub(in crate::protocol) fn is_plain_refusal(text: &str) -> bool {
    let text = prefix(text, WORDS_BYTES).to_ascii_lowercase();
    let mut lines = text.lines().map(|line| parts(line).skip_while(|part| REASONS.contains(part)).peekable());
    let Some(mut parts) = lines.find_map(|mut parts| parts.peek().is_some().then_some(parts)) else { return false };
    let is_own = |part: &str| {
        part.split(|c: char| !c.is_alphanumeric()).all(|word| word.is_empty() || OWN.split(' ').any(|own| own == word))
    };
    let names_id =
        |part: &str| ["session id", "session-id", "sessionid", "session_id"].iter().any(|id| part.contains(id));
    let Some(first) = parts.next() else { return false };
    let words = Words::read(first);
    is_own(first) && (words.lookup || words.ending) && (names_id(first) || parts.all(is_own))
}

fn parts(line: &str) -> impl Iterator<Item = &str> {
    line.split([':', '.', ';', '!']).map(str::trim).filter(|part| !part.is_empty())
}

/// What a server may say first: the status in words, or what it is.
const REASONS: &[&str] = &["bad request", "invalid request", "not found", "error", "mcp", "mcp error", "-32000", "400"];
/// All that is needed to speak of the protocol's own session. A 400 with another word, which may be one of [`ENDING`] (gone,
/// lost, removed, deleted, destroyed, dropped, closing), may speak of another session or thing: it costs a ping.
const OWN: &str = "a an the this your you it in or and with of for to please must no not is was has have been be does \
                   doesn t exist exists found unknown invalid valid missing expired active stale evicted terminated \
                   closed ended required requires provided such longer anymore known header field request bad id ids \
                   sessionid mcp session sessions server client transport initialize initialized initialise \
                   initialised initialization initialisation uninitialized reinitialize re first again new";

/// Whether a proxy says that what stands behind it is gone, or was not asked.
pub(in crate::protocol) fn gone_behind(text: &str) -> bool {
    let text = prefix(text, WORDS_BYTES).to_ascii_lowercase();
    GONE_BEHIND.iter().any(|word| text.contains(word)) || BROKEN.iter().any(|word| is_near(&text, LINK, word))
}

/// Whether a word stands near one of the topics.
fn is_near(text: &str, topics: &[&str], word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let from = floor_boundary(text, at.saturating_sub(NEAR));
        let to = floor_boundary(text, (at + word.len() + NEAR).min(text.len()));
        topics.iter().any(|topic| text[from..to].contains(topic))
    })
}

/// The first `max` bytes, cut between characters.
fn prefix(text: &str, max: usize) -> &str {
    &text[..floor_boundary(text, max.min(text.len()))]
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
