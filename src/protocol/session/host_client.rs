//! A host's own Client (the drop-in transport): it runs the handshake itself, reads version and capabilities once, and
//! must never find another server beneath it than the one that it connected to.

use super::Session;
use super::close::delete_request;
use crate::protocol::calls::Queue;
use crate::protocol::client::Difference;
use crate::protocol::era::{Era, legacy, modern};
use crate::protocol::lifecycle::{Established, Relation, SessionId, Since, Step};
use crate::protocol::{CallId, Code, Error, Field, Now, Outcome, Params, Payload};

impl<P: Payload> Session<P> {
    /// The `Mcp-Session-Id`, for a host that stores it; never for a log.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        Some(self.lifecycle.known()?.id()?.expose())
    }

    /// Takes up a session that was made elsewhere: nothing is sent. `initialize` is what it was made with, to make it
    /// anew; without it, its loss is the end. Says whether the id can be one.
    pub fn adopt(&mut self, id: &str, version: &str, initialize: Option<Params>, now: Now) -> bool {
        let Some(id) = SessionId::parse(id) else { return false };
        // A version that is not known here came without the header.
        let version = legacy::version(version).unwrap_or("2025-03-26");
        let taken = self.take_up_session(Some(id), version, P::empty(), None, now);
        if taken {
            self.client.initializes(initialize.unwrap_or_default());
            self.listen(now);
        }
        taken
    }

    /// What the host's Client asks for is what it relies on.
    pub(in crate::protocol) fn note_use(&mut self, method: &str) {
        if let (true, Some(session)) = (self.config.handshake.is_hosts(), self.lifecycle.known()) {
            let needed = legacy::needed_capability(method, session.version());
            needed.into_iter().for_each(|needed| self.client.uses(needed));
        }
    }

    /// Why the host's Client cannot go on with the new session, if it cannot.
    pub(in crate::protocol) fn client_cannot_go_on(&self) -> Option<Box<Error<P>>> {
        let (true, Some(old), Some(fresh)) =
            (self.config.handshake.is_hosts(), self.lifecycle.known(), self.lifecycle.fresh())
        else {
            return None;
        };
        let text = |of: &Established<P>, field| of.handshake().field(field).and_then(|value| value.to_json());
        let differs = |field| text(old, field) != text(fresh, field);
        let difference = Difference {
            version: old.version() != fresh.version(),
            introduction: [Field::ServerInfo, Field::Capabilities, Field::Instructions].into_iter().any(differs),
            before: &legacy::capabilities(old.handshake()),
            after: &legacy::capabilities(fresh.handshake()),
        };
        self.client.cannot_go_on(self.config.reconnect_on, &difference)
    }

    /// Whether the answer to a replayed handshake says that the server has no such sessions any more.
    pub(in crate::protocol) fn is_other_server(&self, error: &Error<P>) -> bool {
        self.config.handshake.is_hosts() && error.code == Code::UnsupportedVersion && self.lifecycle.known().is_some()
    }

    /// The end beneath the host's Client: it hears `close`, and connects anew.
    pub(in crate::protocol) fn part(&mut self, error: Box<Error<P>>, reason: &'static str, now: Now) {
        let delete = self.lifecycle.fresh().and_then(|fresh| delete_request(fresh, now));
        self.lifecycle.part(error);
        self.shut(reason, now);
        if let Some(delete) = delete {
            self.delete(delete, now);
        }
    }

    /// The era is the choice of the host's Client: what it writes into `_meta` says that it speaks the modern one, and
    /// `initialize` that it does not, or not any more.
    pub(in crate::protocol) fn host_speaks(&mut self, method: &str, params: &Params, now: Now) {
        let modern = self.lifecycle.ready().is_some_and(|session| !session.era().has_sessions());
        if modern && method == legacy::INITIALIZE {
            self.lifecycle.start_over();
        }
        let idle =
            self.lifecycle.establishing().is_some_and(|it| matches!((&it.since, &it.step), (Since::First, Step::Idle)))
                && !self.calls.is_any_queued(Queue::Session);
        let Some(stamp) = params.meta.as_deref().filter(|_| idle).and_then(modern::stamp_of) else { return };
        self.client.set_stamp(stamp);
        let fresh = self.lifecycle.next_session(None, modern::VERSION, P::empty(), now);
        self.step(Step::Made { fresh });
        self.established(now);
    }

    /// Whether a host's own Client speaks the modern era: it keeps what it heard, asks and answers by itself.
    pub(in crate::protocol) fn is_hosts_own(&self, era: Era) -> bool {
        !era.has_sessions() && self.config.handshake.is_hosts()
    }

    /// The handshake of a session that was taken up without its `initialize` cannot be replayed.
    pub(in crate::protocol) fn has_nothing_to_replay(&self) -> bool {
        let host = self.config.handshake.is_hosts();
        host && self.lifecycle.known().is_some() && self.client.has_nothing_to_replay()
    }

    /// The rest of a stream of a session that is gone is nowhere to be had, and what became of its call is not known.
    pub(in crate::protocol) fn settle_stale(&mut self, id: CallId) -> bool {
        let resume = self.calls.get(id).and_then(|call| call.options().resume.as_ref());
        let generation =
            resume.and_then(|resume| resume.generation.or_else(|| self.client.session_of(&resume.event_id)));
        let stale = generation.is_some_and(|generation| self.lifecycle.relation(generation) == Relation::Gone);
        if stale {
            let text = "The session whose stream this was is gone: whether the call ran is not known.";
            self.settle(id, Err(Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, text)));
        }
        stale
    }
}
