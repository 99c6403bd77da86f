//! A request with other credentials than those that its session was made with: it is not sent. A call gets a session of
//! its user's, once a minute at most, and once for nobody; until then it waits, or fails where that would take more than
//! half of its time. A session without an id binds nothing: calls that would have to wait go out under it.

use super::Session;
use crate::protocol::calls::{Kind, Queue};
use crate::protocol::codec::http::Method;
use crate::protocol::error::Diagnosis;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::identity::Owner;
use crate::protocol::lifecycle::{Established, Relation};
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, ExchangeId, Now, Outcome, Output, Payload, Purpose};

const REASON: &str = "other credentials are in use now";
const CHANGING: Diagnosis = Diagnosis {
    kind: "changing_credentials",
    header: Some("Authorization"),
    hint: "The credentials changed again within a minute after a session was made for the ones before, and no request goes \
           out under a session that was made with others. Where they are of one user, give the option `identity`.",
};

impl<P: Payload> Session<P> {
    /// For whom the session was made that this goes out under, as far as that is known now.
    fn made_for(&self, exchange: &Exchange) -> Option<Owner> {
        let is_its = |session: &&Established<P>| session.generation() == exchange.generation();
        let session = self.lifecycle.known().filter(is_its).or_else(|| self.lifecycle.fresh().filter(is_its));
        session.map_or(exchange.made_for(), |session| session.made_for())
    }

    /// Whether this would go out with other credentials than those that its session was made with.
    pub(in crate::protocol) fn is_anothers(&self, exchange: &Exchange) -> bool {
        let both = self.made_for(exchange).zip(exchange.owner());
        !self.config.identified && both.is_some_and(|(made_for, owner)| !made_for.admits(owner))
    }

    /// Whose credentials this goes out with is known now, and it has not gone out yet.
    pub(in crate::protocol) fn see_owner(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        if self.is_anothers(exchange) {
            return self.take_back(id, now);
        }
        let (generation, owner) = (exchange.generation(), exchange.owner());
        self.settle_owner(generation, owner);
    }

    /// What was made before there was a grant is of whoever got it; one that was made elsewhere, of whoever uses it first.
    pub(in crate::protocol) fn settle_owner(&mut self, generation: u32, owner: Option<Owner>) {
        self.lifecycle.made_for(generation, owner);
    }

    /// A call is about to be sent, and the grant is another now. Says whether it waits for a session of its user's.
    pub(in crate::protocol) fn park_until_owner(&mut self, id: CallId, now: Now) -> bool {
        let Some((session, owner)) = self.lifecycle.ready().zip(self.identity.owner()) else { return false };
        let is_of_grant = session.made_for().is_none_or(|made_for| made_for.has_grant_of(owner));
        let waits = self
            .calls
            .get(id)
            .is_some_and(|call| matches!(call.kind(), Kind::Request | Kind::Verify | Kind::Notification));
        if !waits || is_of_grant || self.config.identified {
            return false;
        }
        match self.identity.may_renew(owner, now) {
            Ok(()) => {
                self.renew(owner, now);
                self.dispatch(id, now);
            }
            Err(_) if session.id().is_none() => return false,
            Err(until) => self.hold_for_owner(id, until, now),
        }
        true
    }

    /// This request is not sent: it would go out under somebody else's session.
    fn take_back(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let (purpose, method, generation) = (exchange.purpose(), exchange.method(), exchange.generation());
        let (owner, has_id) = (exchange.owner().unwrap_or_default(), exchange.session().is_some());
        let may = self.identity.may_renew(owner, now);
        let of_session = self.lifecycle.relation(generation) != Relation::Gone;
        let renews = match purpose {
            Purpose::Call(_) | Purpose::Notification(_) | Purpose::Ping | Purpose::Restore | Purpose::Listen => {
                of_session && may.is_ok()
            }
            Purpose::Discover
            | Purpose::Initialize
            | Purpose::Initialized
            | Purpose::Cancelled
            | Purpose::Answer
            | Purpose::Delete => false,
        };
        if !has_id && !renews {
            return;
        }
        match purpose {
            Purpose::Call(call) | Purpose::Notification(call) if method == Method::Post => {
                self.abort(id, now);
                self.calls.unsent(call);
                match may {
                    Err(until) if of_session => return self.hold_for_owner(call, until, now),
                    _ if renews => self.renew(owner, now),
                    Ok(()) | Err(_) => {}
                }
                self.dispatch(call, now);
            }
            Purpose::Initialized | Purpose::Ping
                if self.lifecycle.fresh().is_some_and(|fresh| fresh.generation() == generation) =>
            {
                self.abort(id, now);
                self.make_anew(owner, now);
            }
            Purpose::Delete => {
                self.abort(id, now);
                self.delete_answered(id, now);
            }
            Purpose::Cancelled | Purpose::Answer => drop(self.abort(id, now)),
            Purpose::Call(_)
            | Purpose::Notification(_)
            | Purpose::Discover
            | Purpose::Initialize
            | Purpose::Initialized
            | Purpose::Ping
            | Purpose::Restore
            | Purpose::Listen => {
                if renews {
                    // Most of them go with the session.
                    self.renew(owner, now);
                }
                if self.exchanges.has(id) {
                    self.output(Output::Abort { exchange: id });
                    self.conclude(id, Answer::Unusable { error: changing(Outcome::NotExecuted) }, now);
                }
            }
        }
    }

    /// The session is not ended on the server: that could only be asked for with the credentials of somebody else.
    fn renew(&mut self, owner: Owner, now: Now) {
        self.identity.renewed(owner, now);
        if self.tabs.is_shared() {
            // The others go on with it.
            self.part_from_tabs(now);
        }
        self.lose_to_another(REASON, now);
    }

    /// The credentials have changed since `initialize`.
    fn make_anew(&mut self, owner: Owner, now: Now) {
        self.lifecycle.take_fresh();
        if self.identity.may_renew(owner, now).is_ok() {
            self.identity.renewed(owner, now);
            return self.begin(now);
        }
        self.attempt_failed(changing(Outcome::NotExecuted), 0, now);
    }

    /// Until a session may be made for its user.
    fn hold_for_owner(&mut self, id: CallId, until: u64, now: Now) {
        if self.effects.timer_at(Timer::Owner).is_none() {
            self.emit(Event::Warning { kind: CHANGING.kind, header: CHANGING.header, hint: CHANGING.hint });
        }
        self.effects.set_timer(Timer::Owner, until);
        let left = self.effects.timer_at(Timer::Call(id)).map(|deadline| deadline.saturating_sub(now.mono));
        if left.is_some_and(|left| until.saturating_sub(now.mono) > left / 2) {
            let outcome = self.calls.outcome(id);
            return self.settle(id, Err(changing(outcome)));
        }
        self.calls.enqueue(id, Queue::Owner);
    }

    pub(in crate::protocol) fn owner_due(&mut self, now: Now) {
        for id in self.calls.dequeue_all(Queue::Owner) {
            self.dispatch(id, now);
        }
    }
}

pub(super) fn changing<P>(outcome: Outcome) -> Box<Error<P>> {
    Error::boxed(Code::InvalidOption, outcome, CHANGING.hint).with_diagnosis(CHANGING)
}
