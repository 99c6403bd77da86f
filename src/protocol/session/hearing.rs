//! Who of the tabs that share a session wants to hear what, and what is heard: the tab that leads listens for all.

use super::Session;
use crate::protocol::config::Listen;
use crate::protocol::status::Event;
use crate::protocol::tabs::Message;
use crate::protocol::{Now, Payload, Purpose};

impl<P: Payload> Session<P> {
    pub(super) fn wants_of_this_tab(&self) -> (bool, Vec<String>) {
        let listens = self.desired.listens() || self.config.listen == Listen::Always;
        (listens, self.desired.subscriptions().map(str::to_owned).collect())
    }

    /// Tells the others what this tab wants to hear, if that has changed.
    pub(in crate::protocol) fn say_wants(&mut self) {
        if self.tabs.takes_part() && !self.lifecycle.is_closed() && !self.tabs.has_said(&self.wants_of_this_tab()) {
            self.say_hello(false);
        }
    }

    /// A notification came here that concerns all tabs: on the listening stream, or about what they share.
    pub(in crate::protocol) fn pass_on(
        &mut self,
        purpose: Purpose,
        event_id: Option<String>,
        method: &str,
        params: Option<&P>,
    ) {
        let about_all = method == "notifications/resources/updated" || method.ends_with("/list_changed");
        if self.tabs.is_shared() && (purpose == Purpose::Listen || about_all) {
            // An id of a call's stream would have the server repeat that.
            let event_id = event_id.filter(|_| purpose == Purpose::Listen);
            self.tabs.saw_event(event_id.as_ref());
            self.tell(&Message::Heard { method: method.to_owned(), event_id }, params.cloned());
        }
    }

    pub(super) fn heard(&mut self, method: String, params: Option<P>, event_id: Option<String>, now: Now) {
        self.tabs.saw_event(event_id.as_ref());
        let generation = self.lifecycle.known().map_or(0, |session| session.generation());
        match (method.as_str(), &params) {
            ("notifications/cancelled", Some(cancelled)) => self.question_cancelled(generation, cancelled, now),
            _ => self.forget_changed(&method, params.as_ref()),
        }
        self.emit(Event::Notification { method, params, call: None });
    }

    /// What the listening stream of the modern era tells of, as it stands.
    pub(in crate::protocol) fn tell_stream(&mut self, asked: &[String], granted: Option<&[String]>, stale: bool) {
        if self.tabs.is_leading() {
            let (asked, granted) = (asked.to_vec(), granted.map(<[String]>::to_vec));
            self.tell(&Message::Stream { asked, granted, stale }, None);
        }
    }

    /// Whether another tab wants to hear of this resource: then it is not unsubscribed.
    pub(in crate::protocol) fn others_want(&self, uri: &str) -> bool {
        self.tabs.is_shared() && self.tabs.others_uris().any(|wanted| wanted == uri)
    }
}
