//! The users of a room's tabs, and what is stored for them.

use super::*;

impl Room {
    /// Whether a tab waits for a token, and may ask its user.
    pub fn asks(&self, tab: usize) -> Option<bool> {
        self.tabs[tab].asks
    }

    /// The tab gets this token, or what is stored holds none. Its user was asked, where that is so.
    pub fn authorize(&mut self, tab: usize, token: Option<&str>) {
        self.tabs[tab].asks = None;
        self.tabs[tab].has_token = token.is_some();
        self.tabs[tab].session.handle_token(token, false);
        let granted = Authorized::Granted { refresh_at_unix_ms: None, same: false };
        self.tabs[tab].session.handle_authorized(granted, self.now);
        self.drain(tab);
    }

    /// The same, where it waits for what is stored.
    pub fn load(&mut self, tab: usize, token: &str) {
        if self.tabs[tab].asks.is_some() {
            self.authorize(tab, Some(token));
        }
    }

    /// Nothing is stored: the user has to be asked.
    pub fn needs_user(&mut self, tab: usize) {
        self.tabs[tab].asks = None;
        self.tabs[tab].session.handle_authorized(Authorized::NeedsUser, self.now);
        self.drain(tab);
    }

    /// The user of the tab clicks, and the window opens.
    pub fn sign_in(&mut self, tab: usize) {
        let id = self.tabs[tab].session.sign_in(self.now);
        self.called(tab, id, "sign-in", true);
        self.tabs[tab].session.handle_user_asked(self.now);
        self.drain(tab);
    }

    /// The user of the tab closes the window.
    pub fn give_up(&mut self, tab: usize) {
        self.tabs[tab].asks = None;
        let error = Error::new(Code::Auth, Outcome::NotExecuted, "closed");
        self.tabs[tab].session.handle_authorized(Authorized::Failed(Box::new(error)), self.now);
        self.drain(tab);
    }
}
