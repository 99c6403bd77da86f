//! The client that is spoken for, to the server: what it says of itself in the modern era; and of a host's own Client (the
//! drop-in transport) the `initialize` that is replayed, and what it relies on.

use super::codec::json::{self, Members};
use super::config::ReconnectOn;
use super::{Code, Error, Outcome, Params};
use std::collections::VecDeque;

/// Where a stream that the host wants to hear the rest of is taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// What goes into `Last-Event-ID`.
    pub event_id: String,
    /// The generation of the session that named it; `None`: as it is remembered here, or an earlier page life of this
    /// session's.
    pub generation: Option<u32>,
}

/// The client, ours or the host's own.
#[derive(Debug)]
pub(crate) struct Client {
    /// What each request of the modern era carries in `_meta`.
    stamp: String,
    /// `initialize` params of a host's own.
    initialize: Params,
    /// The server's capabilities that that one relies on.
    used: Vec<&'static str>,
    /// Ids of events that it was told, and the generations of the sessions whose streams those were on.
    events: VecDeque<(String, u32)>,
}

/// Event ids whose session is remembered: the oldest are forgotten.
const MOST_EVENTS: usize = 1_000;

/// What differs between a session and the one that is to take its place.
pub(crate) struct Difference<'a> {
    pub version: bool,
    /// What the server says of itself.
    pub introduction: bool,
    /// The capabilities of the old session, and the new one's; `None`: nothing is known of them.
    pub before: &'a Option<Vec<&'static str>>,
    pub after: &'a Option<Vec<&'static str>>,
}

impl Client {
    /// `stamp`: what each request of the modern era carries in `_meta`, so far.
    pub fn new(stamp: String) -> Self {
        Self { stamp, initialize: Params::default(), used: Vec::new(), events: VecDeque::new() }
    }

    /// What each request of the modern era carries in `_meta`.
    pub fn stamp(&self) -> &str {
        &self.stamp
    }

    /// As the requests of a host's own Client say it.
    pub fn set_stamp(&mut self, stamp: String) {
        self.stamp = stamp;
    }

    /// A host's own Client has sent `initialize` with these params.
    pub fn initializes(&mut self, params: Params) {
        self.initialize = params;
    }

    /// What its handshake is replayed with.
    pub fn initialize(&self) -> &Params {
        &self.initialize
    }

    /// Whether there is nothing to replay: its session was taken up without its `initialize`.
    pub fn has_nothing_to_replay(&self) -> bool {
        self.initialize.text.is_none()
    }

    /// Whether it declares that it answers requests of the server's.
    pub fn answers_questions(&self) -> bool {
        let text = self.initialize.text.as_deref().unwrap_or_default();
        let declared = json::at::<Members>(text, &["capabilities"]).unwrap_or_default();
        ["sampling", "elicitation", "roots"].into_iter().any(|name| declared.get(name).is_some())
    }

    /// It asks for what needs this capability: it relies on it.
    pub fn uses(&mut self, capability: &'static str) {
        if !self.used.contains(&capability) {
            self.used.push(capability);
        }
    }

    /// It is told the id of an event on a stream of this session.
    pub fn told_event(&mut self, event_id: &str, generation: u32) {
        if self.events.len() >= MOST_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back((event_id.to_owned(), generation));
    }

    /// The session that an event id holds in, where it was told here.
    pub fn session_of(&self, event_id: &str) -> Option<u32> {
        self.events.iter().rev().find(|(told, _)| told == event_id).map(|(_, generation)| *generation)
    }

    /// Why it cannot go on with the new session, if it cannot.
    pub fn cannot_go_on<P>(&self, on: ReconnectOn, difference: &Difference<'_>) -> Option<Box<Error<P>>> {
        if difference.version {
            let text = "The new session has another protocol version than the one before. Connect again.";
            return Some(Error::boxed(Code::UnsupportedVersion, Outcome::NotExecuted, text));
        }
        let lacks = |of: &Option<Vec<&'static str>>, what: &str| of.as_ref().is_some_and(|all| !all.contains(&what));
        let is_gone = |used: &&&'static str| !lacks(difference.before, used) && lacks(difference.after, used);
        let message = match (on, self.used.iter().find(is_gone)) {
            (ReconnectOn::Never, _) => return None,
            (ReconnectOn::Incompatible | ReconnectOn::AnyChange, Some(gone)) => {
                format!(
                    "The server was replaced by one without the capability `{gone}`, which is in use. Connect again."
                )
            }
            (ReconnectOn::AnyChange, None) if difference.introduction => {
                "The server says other things of itself than before. Connect again.".to_owned()
            }
            (ReconnectOn::Incompatible | ReconnectOn::AnyChange, None) => return None,
        };
        Some(Error::boxed(Code::SessionLost, Outcome::NotExecuted, message))
    }
}
