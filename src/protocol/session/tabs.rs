//! What it means for the session that tabs share it: this one's part among them, and what they tell each other.

use super::Session;
use crate::protocol::config::Config;
use crate::protocol::lifecycle::{State, Step};
use crate::protocol::status::Event;
use crate::protocol::tabs::{Leader, Message, Offer, PULSE_MS, Role, SILENCE_MS, Sender, Why};
use crate::protocol::time::Timer;
use crate::protocol::{Now, Output, Payload};

impl<P: Payload> Session<P> {
    /// What this tab is to the others from now on. Only with [`super::Config::shared`].
    pub fn handle_role(&mut self, role: Role, now: Now) {
        if self.lifecycle.is_closed() || !self.tabs.becomes(role) {
            return;
        }
        self.leader_asks(false, now);
        self.effects.clear_timer(Timer::Leader);
        match role {
            Role::Leading => self.lead(now),
            Role::Following | Role::Apart => {
                self.abandon_step(now);
                if role == Role::Apart {
                    self.tabs.steps_back();
                }
                self.say_hello(true);
                self.go_on_elsewhere(now);
            }
            Role::Alone => self.go_on_elsewhere(now),
        }
        self.emit(Event::StateChange);
        self.listen(now);
    }

    fn lead(&mut self, now: Now) {
        self.tabs.leads(now);
        self.say_hello(true);
        self.tell_session(now);
        // What changed between the two streams was not told.
        self.forget_cached();
        self.go_on_elsewhere(now);
    }

    /// The session is no business of another tab's any more, or of another one's.
    pub(super) fn go_on_elsewhere(&mut self, now: Now) {
        match self.lifecycle.state() {
            State::Establishing(establishing) if matches!(establishing.step, Step::Elsewhere) => self.begin(now),
            State::Ready(_) if self.tabs.role() == Role::Following => self.watch_leader(PULSE_MS, now),
            State::Establishing(_) | State::Ready(_) | State::Closed => {}
        }
    }

    pub(super) fn watch_leader(&mut self, wait: u64, now: Now) {
        let due = self.tabs.watch_leader(wait, now);
        self.effects.set_timer(Timer::Leader, due);
    }

    /// The leader has had time to say something.
    pub(in crate::protocol) fn leader_due(&mut self, now: Now) {
        let waits = self.lifecycle.is_elsewhere();
        let listens = self.lifecycle.ready().is_some() && self.wants_to_hear() && !self.is_away();
        let silent = self.tabs.is_leader_silent(now);
        match self.tabs.role() {
            Role::Following if silent && (waits || listens) => {
                self.output(Output::Steal);
                self.watch_leader(SILENCE_MS, now);
            }
            Role::Following if waits => drop(self.delegate_to_leader(now)),
            Role::Following if listens => {
                self.tell(&Message::Pulse, None);
                self.watch_leader(SILENCE_MS, now);
            }
            Role::Following => self.watch_leader(PULSE_MS, now),
            Role::Leading | Role::Alone | Role::Apart => {}
        }
    }

    /// What another tab has told, as it was told; what is no message is left out.
    pub fn handle_peer(&mut self, text: &str, payload: Option<P>, now: Now) {
        if self.lifecycle.is_closed() {
            return;
        }
        let Some((sender, message)) = self.tabs.read(text, now) else { return };
        self.ended_told(sender.ended, now);
        match self.tabs.see_leader(&sender) {
            Leader::New => {
                self.forget_cached();
                self.handle_role(Role::Following, now);
            }
            Leader::Old => return self.tell_asking(),
            Leader::Known => {}
        }
        if sender.lead != 0 && self.tabs.leader_spoke() && self.lifecycle.ready().is_some() {
            self.watch_leader(PULSE_MS, now);
        }
        self.told(sender, message, payload, now);
        if self.tabs.is_behind(&sender) && self.lifecycle.ready().is_some() {
            self.tabs.asks_for(sender.mark);
            self.tell(&Message::Want { why: Why::Refused, at: now.unix_ms }, None);
        }
        if self.tabs.corrects(&sender) {
            self.tell_session(now);
        }
        self.send_waiting(now);
    }

    fn told(&mut self, sender: Sender, message: Message, payload: Option<P>, now: Now) {
        let leads = self.tabs.is_leading();
        // Until this tab has taken up a session of the others, it is not known that they are of its own user.
        let is_of_ours = self.lifecycle.known().is_some() && self.identity.found().is_none();
        match message {
            Message::Hello { asks, listens, uris } => {
                self.tabs.meet(sender.tab, listens, uris);
                if asks {
                    self.say_hello(false);
                    if sender.mark < self.tabs.mark() {
                        self.tell_session(now);
                    }
                }
                if leads {
                    self.listen(now);
                    self.tell_stream_again();
                }
            }
            Message::Bye => self.handle_gone(sender.tab, now),
            Message::Pulse if leads => self.tell_alive(),
            Message::Alive { asks } if sender.lead != 0 => self.leader_asks(asks, now),
            Message::Want { at, .. } if leads && now.unix_ms.saturating_sub(at) > SILENCE_MS / 2 => {
                self.tell_alive();
            }
            Message::Want { why, .. } if leads => self.wanted(sender.mark, why, now),
            Message::Session { record } => self.session_told(sender.mark, &record, now),
            Message::Failed { code, message, retryable, floor_ms, owner } if !leads => {
                self.leader_asks(false, now);
                if self.ask_whose_or_part(owner, now) {
                    self.attempt_failed_elsewhere(&code, message, retryable, floor_ms, now);
                }
            }
            Message::Heard { method, event_id } if is_of_ours => self.heard(method, payload, event_id, now),
            Message::Stream { asked, granted, stale } if !leads && is_of_ours => {
                self.stream_told(&asked, granted.as_deref(), stale, now)
            }
            Message::Offer { question, id, method } if !leads => {
                self.offered(sender, Offer { question, id, method, params: payload.and_then(|it| it.to_json()) });
            }
            Message::Claim { question } if leads => self.claimed(sender.tab, question),
            Message::Yours { question, to } => self.assigned(question, to, now),
            Message::Alive { .. }
            | Message::Heard { .. }
            | Message::Pulse
            | Message::Want { .. }
            | Message::Failed { .. }
            | Message::Stream { .. }
            | Message::Offer { .. }
            | Message::Claim { .. } => {}
        }
    }

    /// What the others call this tab. Whoever has heard of it is told by the driver when it does not take part any more.
    #[must_use]
    pub fn tab(&self) -> u64 {
        self.tabs.name()
    }

    /// Another tab that is to be watched: [`Self::handle_gone`], once it takes part no more. Drain to `None` after
    /// every [`Self::handle_peer`].
    pub fn poll_met(&mut self) -> Option<u64> {
        self.tabs.poll_met()
    }

    /// Another tab has left, was closed, crashed, or stands still in the back/forward cache.
    pub fn handle_gone(&mut self, tab: u64, now: Now) {
        if self.tabs.forget(tab) {
            self.listen(now);
        }
    }

    pub(super) fn tell(&mut self, message: &Message, payload: Option<P>) {
        if let Some(sender) = self.tabs.as_sender() {
            self.output(Output::Tell { text: message.write(sender), payload });
        }
    }

    pub(super) fn say_hello(&mut self, asks: bool) {
        let (listens, uris) = self.wants_of_this_tab();
        self.tabs.says(listens, uris.clone());
        self.tell(&Message::Hello { asks, listens, uris }, None);
    }

    pub(in crate::protocol) fn say_bye(&mut self) {
        self.tell(&Message::Bye, None);
        self.effects.clear_timer(Timer::Leader);
        self.effects.clear_timer(Timer::Offer);
    }

    /// Whether this session can be shared at all.
    pub(in crate::protocol) fn shares(config: &Config) -> bool {
        config.shared && config.handshake.is_own()
    }
}
