//! Whose question is it? What the server asks on a call's stream is asked of the tab whose call it is. On the listening
//! stream nothing says so: the leader asks it of its own host if it has a call under way, and otherwise of the first tab
//! that has.

use super::Session;
use super::questions::Asked;
use crate::protocol::calls::{Kind, Place};
use crate::protocol::codec::json_rpc::Id;
use crate::protocol::tabs::{Message, Offer, Sender};
use crate::protocol::time::Timer;
use crate::protocol::{Now, Payload, Purpose};

impl<P: Payload> Session<P> {
    fn has_call_under_way(&self) -> bool {
        self.calls.any(|call| call.kind() == Kind::Request && matches!(call.place(), Place::Sent(_)))
    }

    /// Offers a question of the listening stream to the other tabs. Says whether that was done.
    pub(in crate::protocol) fn offer(&mut self, id: &Id, method: &str, params: Option<&P>, now: Now) -> bool {
        if !self.tabs.may_offer() || self.has_call_under_way() {
            return false;
        }
        let (question, id, method) = (self.effects.fresh_id(), id.to_json(), method.to_owned());
        self.tell(&Message::Offer { question, id: id.clone(), method: method.clone() }, params.cloned());
        let params = params.and_then(|params| params.to_json());
        self.tabs.offer(Offer { question, id, method, params }, now);
        self.offers_next();
        true
    }

    fn offers_next(&mut self) {
        match self.tabs.offer_due_at() {
            Some(at) => self.effects.set_timer(Timer::Offer, at),
            None => self.effects.clear_timer(Timer::Offer),
        }
    }

    pub(in crate::protocol) fn offer_due(&mut self, now: Now) {
        if let Some(offer) = self.tabs.take_due_offer(now) {
            self.ask_here(offer, now);
        }
        self.offers_next();
    }

    /// The question is this tab's.
    fn ask_here(&mut self, offer: Offer, now: Now) {
        let Some(generation) = self.lifecycle.ready().map(|session| session.generation()) else { return };
        let Some(id) = P::parse(&offer.id).and_then(|id| Id::read(&id)) else { return };
        let params = offer.params.and_then(|params| P::parse(&params));
        let asked = Asked { id, method: offer.method, params, on: Purpose::Listen, generation };
        self.asked_here(asked, now);
    }

    pub(super) fn offered(&mut self, sender: Sender, offer: Offer) {
        if sender.mark == self.tabs.mark() && self.questions.handles(&offer.method) && self.has_call_under_way() {
            self.tell(&Message::Claim { question: offer.question }, None);
            self.tabs.claim(offer);
        }
    }

    pub(super) fn claimed(&mut self, by: u64, question: u64) {
        if self.tabs.take_offer(question).is_some() {
            self.tell(&Message::Yours { question, to: by }, None);
            self.offers_next();
        }
    }

    pub(super) fn assigned(&mut self, question: u64, to: u64, now: Now) {
        if let Some(offer) = self.tabs.take_offer(question).filter(|_| to == self.tabs.name()) {
            self.ask_here(offer, now);
        }
    }
}
