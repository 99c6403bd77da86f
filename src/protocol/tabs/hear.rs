//! Who wants to hear what, and what is heard: the tab that leads listens for all.

use super::super::config::Listen;
use super::super::session::Session;
use super::super::state::State;
use super::super::status::Event;
use super::super::{Now, Payload, Purpose};
use super::Role;
use super::message::Message;

impl<P: Payload> Session<P> {
    pub(super) fn wishes_of_this_tab(&self) -> (bool, Vec<String>) {
        let listens = self.interests.host_listens || self.config.listen == Listen::Always;
        (listens, self.interests.wishes.subscriptions().map(str::to_owned).collect())
    }

    /// Tells the others what this tab wants to hear, if that has changed.
    pub(in super::super) fn say_wishes(&mut self) {
        if matches!(self.tabs.role, Role::Leading | Role::Following)
            && !matches!(self.state, State::Closed)
            && self.tabs.said.as_ref() != Some(&self.wishes_of_this_tab())
        {
            self.say_hello(false);
        }
    }

    /// A notification came here that concerns all tabs: on the listening stream, or about what they share.
    pub(in super::super) fn pass_on(
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
            self.saw_event(event_id.as_ref());
            self.tell(&Message::Heard { method: method.to_owned(), event_id }, params.cloned());
        }
    }

    /// On the listening stream, of whichever tab.
    fn saw_event(&mut self, id: Option<&String>) {
        if id.is_some() {
            self.tabs.event_id = id.cloned();
        }
    }

    pub(super) fn heard(&mut self, method: String, params: Option<P>, event_id: Option<String>, now: Now) {
        self.saw_event(event_id.as_ref());
        let generation = self.state.known().map_or(0, |session| session.generation);
        match (method.as_str(), &params) {
            ("notifications/cancelled", Some(cancelled)) => self.question_cancelled(generation, cancelled, now),
            _ => self.forget_changed(&method, params.as_ref()),
        }
        self.emit(Event::Notification { method, params, call: None });
    }

    /// What the listening stream of the modern era tells of, as it stands.
    pub(in super::super) fn tell_stream(&mut self, asked: &[String], granted: Option<&[String]>, stale: bool) {
        if self.tabs.role == Role::Leading {
            let (asked, granted) = (asked.to_vec(), granted.map(<[String]>::to_vec));
            self.tell(&Message::Stream { asked, granted, stale }, None);
        }
    }

    /// Whether another tab wants to hear of this resource: then it is not unsubscribed.
    pub(in super::super) fn others_want(&self, uri: &str) -> bool {
        self.tabs.is_shared() && self.tabs.others_uris().any(|wanted| wanted == uri)
    }
}
