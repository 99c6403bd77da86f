//! Whose question is it? What the server asks on a call's stream is asked of the tab whose call it is. On the listening
//! stream nothing says so: the leader asks it of its own host if it has a call under way, and otherwise of the first tab
//! that has.

use super::super::bounds;
use super::super::calls::{Kind, Place};
use super::super::json_rpc::Id;
use super::super::session::Session;
use super::super::time::Timer;
use super::super::{Now, Payload, Purpose};
use super::Role;
use super::message::{Message, Sender};

/// Nobody has claimed it by then: it is the leader's.
const CLAIM_MS: u64 = 300;
/// Of those that were offered to this tab, so many are remembered.
const OFFERS: usize = 16;

/// A question without an owner.
#[derive(Debug)]
pub(super) struct Offer {
    pub question: u64,
    /// The JSON-RPC id, as JSON.
    pub id: String,
    pub method: String,
    /// As JSON.
    pub params: Option<String>,
    /// On the monotonic clock.
    pub until: u64,
}

impl<P: Payload> Session<P> {
    fn has_call_under_way(&self) -> bool {
        self.calls.any(|call| call.kind() == Kind::Request && matches!(call.place(), Place::Sent(_)))
    }

    /// Offers a question of the listening stream to the other tabs. Says whether that was done.
    pub(in super::super) fn offer(&mut self, id: &Id, method: &str, params: Option<&P>, now: Now) -> bool {
        let full = self.tabs.offers.len() >= bounds::QUESTIONS;
        if full || self.tabs.role != Role::Leading || !self.tabs.has_company() || self.has_call_under_way() {
            return false;
        }
        let (question, id, method) = (self.fresh_id(), id.to_json(), method.to_owned());
        let until = now.mono.saturating_add(CLAIM_MS);
        self.tell(&Message::Offer { question, id: id.clone(), method: method.clone() }, params.cloned());
        let params = params.and_then(|params| params.to_json());
        self.tabs.offers.push(Offer { question, id, method, params, until });
        self.offers_next();
        true
    }

    fn offers_next(&mut self) {
        match self.tabs.offers.first() {
            Some(offer) if self.tabs.role == Role::Leading => self.timers.set(Timer::Offer, offer.until),
            _ => self.timers.clear(Timer::Offer),
        }
    }

    pub(in super::super) fn offer_due(&mut self, now: Now) {
        if self.tabs.offers.first().is_some_and(|offer| offer.until <= now.mono) {
            let offer = self.tabs.offers.remove(0);
            self.ask_here(offer, now);
        }
        self.offers_next();
    }

    /// The question is this tab's.
    fn ask_here(&mut self, offer: Offer, now: Now) {
        let Some(generation) = self.state.ready().map(|session| session.generation) else { return };
        let Some(id) = P::parse(&offer.id).and_then(|id| Id::read(&id)) else { return };
        let params = offer.params.and_then(|params| P::parse(&params));
        self.asked_here(id, offer.method, params, Purpose::Listen, generation, now);
    }

    pub(super) fn offered(&mut self, sender: Sender, offer: Offer) {
        if sender.mark == self.tabs.mark && self.questions.handles(&offer.method) && self.has_call_under_way() {
            self.tell(&Message::Claim { question: offer.question }, None);
            if self.tabs.offers.len() == OFFERS {
                self.tabs.offers.remove(0);
            }
            self.tabs.offers.push(offer);
        }
    }

    pub(super) fn claimed(&mut self, by: u64, question: u64) {
        if self.take_offer(question).is_some() {
            self.tell(&Message::Yours { question, to: by }, None);
            self.offers_next();
        }
    }

    pub(super) fn assigned(&mut self, question: u64, to: u64, now: Now) {
        if let Some(offer) = self.take_offer(question).filter(|_| to == self.tabs.me) {
            self.ask_here(offer, now);
        }
    }

    fn take_offer(&mut self, question: u64) -> Option<Offer> {
        let at = self.tabs.offers.iter().position(|offer| offer.question == question)?;
        Some(self.tabs.offers.remove(at))
    }
}
