//! Who is signed in now, and what that means for the cache, for sessions and for exchanges.

use super::Session;
use crate::protocol::calls::Queue;
use crate::protocol::identity::secrets::Secrets;
use crate::protocol::identity::{Found, HostFields, TokenOf};
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallOptions, ExchangeId, Now, Output, Payload};

/// How long the host may take to say which header fields it would add; no more than this share of a call's time.
const IDENTIFY_MS: u64 = 5_000;
const IDENTIFY_SHARE: u64 = 2;
const SLOW: &str = "The option `headers` did not settle within 5 seconds, or half of the time-out. Nothing is answered from the \
                    cache meanwhile, and no session of an earlier page is taken up.";

impl<P: Payload> Session<P> {
    /// The address of the endpoint. What may be a key in it is told nowhere.
    #[must_use]
    pub fn at(mut self, url: &str) -> Self {
        self.identity.confidential_mut().remember_address(url);
        self
    }

    /// The fields that the host adds to this request, before it is sent: a JSON array of names in lower case and values,
    /// `[["authorization","Bearer …"]]`. They are told where they are others than the driver knew when the request was
    /// handed to it. Say nothing of an exchange where they were only asked for
    /// ([`Output::Identify`](crate::protocol::Output::Identify)).
    pub fn handle_fields(&mut self, exchange: Option<ExchangeId>, fields: &str, now: Now) {
        let fields = HostFields::read(fields);
        if self.identity.adopt_fields(&fields) && !self.config.identified {
            self.forget_cached();
        }
        let Some(id) = exchange else { return };
        self.exchanges.set_fields(id, &fields);
        self.see_owner(id, now);
    }

    /// Asks which header fields the host would add now.
    pub(super) fn identify(&mut self, now: Now) {
        let ms = IDENTIFY_MS.min(self.config.timeout_ms / IDENTIFY_SHARE);
        self.effects.set_timer(Timer::Identify, now.mono.saturating_add(ms));
        self.output(Output::Identify);
    }

    /// The host's function does not settle. Who is signed in is not known: nothing is answered from the cache, and no session
    /// is taken up that somebody else may have made. The requests that go out instead ask for their fields anew.
    pub(super) fn identify_due(&mut self, now: Now) {
        self.emit(Event::Warning { kind: "slow_headers", header: None, hint: SLOW });
        self.identity.gives_up_asking();
        let waiting = self.calls.dequeue_all(Queue::Fields);
        if !waiting.is_empty() {
            self.forget_cached();
        }
        for id in waiting {
            self.dispatch(id, now);
        }
        match self.identity.take_found() {
            Some(Found::Record(_)) => self.session_is_wanted(now),
            Some(Found::Told(..)) => self.part_from_tabs(now),
            None => {}
        }
        self.send_waiting(now);
    }

    /// What was asked for by [`Output::Identify`](crate::protocol::Output::Identify) was told, or could not be had.
    pub fn handle_identified(&mut self, now: Now) {
        self.effects.clear_timer(Timer::Identify);
        self.identity.fields_are_fresh();
        for id in self.calls.dequeue_all(Queue::Fields) {
            self.dispatch(id, now);
        }
        self.identity.fields_pass();
        self.take_found(now);
        self.send_waiting(now);
    }

    /// The token that goes along from now on; `same_grant`: of the user that the one before was of.
    pub fn handle_token(&mut self, token: Option<&str>, same_grant: bool) {
        match self.identity.adopt_token(token, self.authorization.grant(), same_grant) {
            TokenOf::SameGrant(renewal) => {
                self.lifecycle.renew_owners(|made_for| made_for.renew(renewal));
                self.exchanges.renew_owners(|owner| owner.renew(renewal));
            }
            TokenOf::AnotherUser if !self.config.identified => {
                self.forget_cached();
                if self.authorization.grant().is_some() {
                    self.identity.user_agreed();
                }
            }
            TokenOf::AnotherUser | TokenOf::Nobody => {}
        }
        self.show_signed_in();
    }

    /// Whether there is a token that may be used, as far as is known; `None` where tokens are not our business.
    pub(super) fn signed_in(&self) -> Option<bool> {
        let has_token = self.identity.owner().is_some_and(|owner| !owner.is_nobody());
        self.config.authorizes.then(|| has_token && !self.authorization.has_lapsed())
    }

    /// Before the first handshake is over, its end tells.
    pub(super) fn show_signed_in(&mut self) {
        if self.identity.show(self.signed_in()) && self.lifecycle.known().is_some() {
            self.emit(Event::StateChange);
        }
    }

    /// What a call brings along of its own is told nowhere, either.
    pub(super) fn remember_own(&mut self, options: &CallOptions) {
        let mut own = Secrets::default();
        options.headers.iter().for_each(|(name, value)| own.add_field(name, value));
        self.identity.confidential_mut().remember(&own);
    }
}
