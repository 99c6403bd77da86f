//! A session that is kept for a later page life or told to another tab; and one that was made elsewhere, which is taken up
//! once it is known that it is of whoever is signed in here.

use super::Session;
use crate::protocol::calls::Queue;
use crate::protocol::era::{Era, legacy};
use crate::protocol::identity::{Found, Owner};
use crate::protocol::lifecycle::{SessionId, Since, State};
use crate::protocol::record::Record;
use crate::protocol::status::Event;
use crate::protocol::{Code, Error, Now, Outcome, Payload};

const UNREADABLE: &str = "What was stored of the session by an earlier page life cannot be read; it was dropped, and a new \
                          session is made. Is something else stored under the same key?";

impl<P: Payload> Session<P> {
    /// The session as JSON text, without anything that authorizes; `None` where there is none to go on with.
    #[must_use]
    pub fn record(&self, now: Now) -> Option<String> {
        if let Some(Found::Record(record)) = self.identity.found() {
            return Some(record.clone());
        }
        let session = match self.lifecycle.state() {
            State::Ready(session) => session,
            State::Establishing(establishing) => match &establishing.since {
                Since::Doubt { old, .. } => old,
                Since::First | Since::Lost { .. } => return None,
            },
            State::Closed => return None,
        };
        if self.config.handshake.is_hosts() {
            return None;
        }
        let record = Record {
            at: now.unix_ms,
            made_for: session.made_for().map(Owner::stored),
            id: session.id().cloned(),
            version: session.version(),
            request_id: self.exchanges.latest_request(),
            level: self.desired.log_level().map(str::to_owned),
            uris: self.desired.subscriptions().map(str::to_owned).collect(),
            handshake: session.handshake().clone(),
        };
        record.write()
    }

    /// What a server says of itself has to have a text where the session is to be taken up by another page or tab.
    pub(in crate::protocol) fn cannot_be_kept(&self, handshake: &P) -> Option<Box<Error<P>>> {
        let to_be_kept = self.config.persists || self.tabs.is_shared();
        (to_be_kept && handshake.to_json().is_none()).then(|| {
            let text = "What the server says of itself is nested too deeply, or too long, for a session that is to be kept or \
                        shared. Without `persist` and `share` it can be used.";
            Error::boxed(Code::Protocol, Outcome::NotExecuted, text)
        })
    }

    /// Takes up the session of a record that an earlier page life left: nothing is sent. For before the first command.
    /// Says whether it is one; what cannot be read is warned of. Nothing of it is used before it is known that it was made
    /// for whoever is signed in, which [`Event::TakenUp`] tells; else it is dropped.
    pub fn take_up_record(&mut self, record: &str, now: Now) -> bool {
        let Some(read) = Record::<P>::read(record) else {
            self.emit(Event::Warning { kind: "persisted_session", header: None, hint: UNREADABLE });
            return false;
        };
        if !read.is_recent(now) || !self.lifecycle.has_none() {
            return false;
        }
        self.find(Found::Record(record.to_owned()), now);
        true
    }

    fn take_up_read(&mut self, read: Record<P>, now: Now) {
        if !self.lifecycle.has_none() {
            return;
        }
        self.exchanges.go_on_from(read.next_request_id(&mut self.rng));
        let Record { id, version, handshake, level, uris, .. } = read;
        let capabilities = legacy::capabilities(&handshake);
        let parked = self.calls.dequeue_all(Queue::Session);
        self.emit(Event::TakenUp);
        self.take_up_session(id, version, handshake, capabilities, now);
        self.lifecycle.made_for(self.lifecycle.generation(), self.identity.owner());
        if Era::of(version).has_sessions() {
            self.lifecycle.speaks_legacy(now);
        }
        self.desired.take_up(self.lifecycle.generation(), level, uris);
        parked.into_iter().for_each(|id| self.dispatch(id, now));
        self.listen(now);
    }

    /// A session that somebody else has made: it is used, and shown, once it is known that it is of whoever is signed in
    /// here.
    pub(in crate::protocol) fn find(&mut self, found: Found, now: Now) {
        self.identity.find(found);
        self.take_found(now);
    }

    /// Takes it up or drops it, as soon as that is known.
    pub(in crate::protocol) fn take_found(&mut self, now: Now) {
        if self.identity.found().is_none() || self.lifecycle.is_closed() || !self.learn_owner(now) {
            return;
        }
        let Some(found) = self.identity.take_found() else { return };
        let owner = self.identity.owner().unwrap_or_default();
        let Some(read) = Record::<P>::read(found.text()) else { return };
        let is_ours = self.config.identified || read.made_for.is_none_or(|made_for| made_for == owner.stored());
        if !is_ours && self.reloads_token(&found, now) {
            self.identity.find(found);
            return;
        }
        match found {
            Found::Record(_) if is_ours => self.take_up_read(read, now),
            Found::Record(_) => self.session_is_wanted(now),
            Found::Told(mark, _) if is_ours => self.take_told(mark, read, now),
            Found::Told(..) => self.part_from_tabs(now),
        }
    }

    /// Who is signed in is asked for where that is not known. Says whether it is.
    pub(in crate::protocol) fn learn_owner(&mut self, now: Now) -> bool {
        if self.config.identified {
            return true;
        }
        if self.config.authorizes && !self.authorization.is_loaded() {
            self.authorize(None, now);
            return false;
        }
        let knows = !self.config.fields_vary || self.identity.is_asked();
        if !knows && self.identity.asks() {
            self.identify(now);
        }
        knows
    }

    /// Another page life has taken up the session meanwhile: it is not ours any more, and is not ended.
    pub fn handle_taken_over(&mut self, now: Now) {
        self.lose_to_another("another page has taken up the session", now);
    }

    /// The session is one that was made elsewhere. Says whether there was none before.
    pub(in crate::protocol) fn take_up_session(
        &mut self,
        id: Option<SessionId>,
        version: &'static str,
        handshake: P,
        capabilities: Option<Vec<&'static str>>,
        now: Now,
    ) -> bool {
        if !self.lifecycle.has_none() {
            return false;
        }
        id.iter().for_each(|id| self.identity.confidential_mut().remember_id(id.expose()));
        let session = self.lifecycle.next_session(id, version, handshake, now);
        self.lifecycle.take_up(session.declaring(capabilities));
        self.listening.begin();
        self.keep_alive(now);
        self.tell_era(now);
        self.emit(Event::StateChange);
        true
    }
}
