//! An exchange that is about to be sent, and one that is about to be sent again.

use super::{Cursor, Exchange};
use crate::protocol::calls::Repair;
use crate::protocol::codec::http::{Method, Request};
use crate::protocol::era::Era;
use crate::protocol::identity::Owner;
use crate::protocol::identity::secrets::Secrets;
use crate::protocol::lifecycle::{Established, SessionId};
use crate::protocol::{Now, Purpose};

impl Exchange {
    /// A POST that is about to be sent under this session.
    pub fn outgoing<P>(purpose: Purpose, session: Option<&Established<P>>, now: Now) -> Box<Self> {
        let era = Era::before_session(purpose == Purpose::Discover);
        Box::new(Self {
            purpose,
            era: session.map_or(era, Established::era),
            generation: session.map_or(0, |session| session.generation()),
            session: session.and_then(|session| session.id().cloned()),
            method: Method::Post,
            rpc_method: None,
            request_id: None,
            attempt: 1,
            sent: now,
            ahead: 0,
            connected_at: None,
            fields: None,
            owner: None,
            secrets: Secrets::default(),
            made_for: session.and_then(|session| session.made_for()),
            token: 0,
            timeout_ms: None,
            again: None,
            repaired: Vec::new(),
            head: None,
            dispatched: false,
            late: false,
            events: false,
            concluded: false,
            cursor: Cursor::default(),
        })
    }

    /// A message with this method; `id`: of a request.
    pub fn with_message(mut self: Box<Self>, method: &str, id: Option<u64>) -> Box<Self> {
        self.rpc_method = Some(method.to_owned());
        self.request_id = id;
        self
    }

    /// It may take no longer.
    pub fn within(mut self: Box<Self>, timeout_ms: u64) -> Box<Self> {
        self.timeout_ms = Some(timeout_ms);
        self
    }

    pub fn of_attempt(mut self: Box<Self>, attempt: u32) -> Box<Self> {
        self.attempt = attempt;
        self
    }

    /// A GET that takes a stream up; `answers`: the request that the stream answers.
    pub fn taking_up(mut self: Box<Self>, cursor: Cursor, answers: Option<u64>) -> Box<Self> {
        self.method = Method::Get;
        self.cursor = cursor;
        self.request_id = answers;
        self
    }

    pub fn deleting(mut self: Box<Self>) -> Box<Self> {
        self.method = Method::Delete;
        self
    }

    /// Under a session that is no established one.
    pub fn under(mut self: Box<Self>, session: Option<SessionId>, made_for: Option<Owner>) -> Box<Self> {
        self.session = session;
        self.made_for = made_for;
        self
    }

    /// What goes along in this header field is told nowhere.
    pub fn conceal(&mut self, name: &str, value: &str) {
        self.secrets.add_field(name, value);
    }

    /// It goes out with this token. `again`: what is sent, where it may have to be sent again as it is.
    pub fn set_token(&mut self, token: u32, again: Option<Box<Request>>) {
        self.token = token;
        self.again = again;
    }

    /// It goes out now, with these credentials and what is told nowhere.
    pub fn goes_out<'a>(
        &mut self,
        (fields, owner): (Option<u64>, Option<Owner>),
        along: impl Iterator<Item = &'a Secrets>,
        now: Now,
    ) {
        self.sent = now;
        self.fields = fields;
        self.owner = owner;
        along.for_each(|secrets| self.secrets.add_all(secrets));
    }

    /// What was sent, where it can be sent again as it is after this repair.
    pub fn repeatable_after(&self, repair: Repair) -> Option<Request> {
        self.again.as_deref().filter(|_| !self.repaired.contains(&repair)).cloned()
    }

    /// What was to be sent, where it can be sent as it is.
    pub fn repeated(&self) -> Option<Request> {
        self.again.as_deref().cloned()
    }

    /// For its next attempt, for which this was mended: nothing of the answer is kept.
    pub fn anew(&self, repaired: Option<Repair>) -> Box<Self> {
        let mut next = Box::new(self.clone());
        next.head = None;
        next.dispatched = false;
        next.late = false;
        next.events = false;
        next.concluded = false;
        next.again = None;
        next.attempt += 1;
        next.repaired.extend(repaired);
        next
    }

    /// Its request has another id.
    pub fn renumber(&mut self, id: u64) {
        self.request_id = Some(id);
    }
}
