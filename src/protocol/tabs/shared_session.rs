//! The session that tabs share: which one this tab has, which are newer, and which were ended.

use super::{Mark, Role, Sender, Tabs};

/// Whose it is to end a session on the server that the host of this tab gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// This tab's.
    Ours,
    /// This tab's, and the others are told before.
    OursForAll,
    /// Nobody's, or the leader's.
    NotOurs,
}

impl Tabs {
    /// Of the session that this tab has, or had last.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The leader, this tab, has made one.
    pub fn session_made(&mut self) {
        self.takes_up(Mark { term: self.term, serial: self.mark.serial + 1 });
    }

    /// This tab takes up the session of another.
    pub fn takes_up(&mut self, mark: Mark) {
        self.mark = mark;
        self.event_id = None;
    }

    /// Whether a session is newer than all that this tab knows, and not ended.
    pub fn is_new(&self, mark: Mark) -> bool {
        mark > self.mark.max(self.ended)
    }

    /// Whether the leader has a newer session, which was not asked for yet: it may think that this is known.
    pub fn is_behind(&self, sender: &Sender) -> bool {
        sender.lead != 0 && sender.mark > self.mark.max(self.asked_for)
    }

    /// It is asked for.
    pub fn asks_for(&mut self, mark: Mark) {
        self.asked_for = mark;
    }

    /// Whether the leader has an older session, and was not told so: what it was told before it led came too late.
    pub fn corrects(&mut self, sender: &Sender) -> bool {
        let is_older = sender.lead != 0 && sender.mark < self.mark && self.told_to != sender.lead;
        if is_older {
            self.told_to = sender.lead;
        }
        is_older
    }

    /// The host of this tab gives the session up that the others use as well; `is_kept`: the server keeps it.
    pub fn gives_up(&mut self, is_kept: bool) -> Ending {
        match self.role {
            Role::Alone | Role::Apart => Ending::Ours,
            Role::Leading if !is_kept => Ending::NotOurs,
            Role::Leading => {
                self.ended = self.mark;
                Ending::OursForAll
            }
            Role::Following => {
                self.unwanted = self.mark;
                Ending::NotOurs
            }
        }
    }

    /// Whether the host of this tab gave its session up, and the leader is to end it.
    pub fn is_unwanted(&self) -> bool {
        self.mark != Mark::default() && self.mark == self.unwanted
    }

    /// A tab has ended this session on the server.
    pub fn was_ended(&mut self, ended: Mark) {
        self.ended = self.ended.max(ended);
    }

    /// Whether a tab has ended this one's session on the server: what that refuses since may have been running.
    pub fn has_ended(&self) -> bool {
        self.mark != Mark::default() && self.mark <= self.ended
    }

    /// It was found that this session was made with another token than this tab knows. Says whether that is new.
    pub fn reloads_for(&mut self, mark: Mark) -> bool {
        std::mem::replace(&mut self.reloaded, mark) != mark
    }
}
