//! The tabs that share a session: which of them leads, and what they tell each other. The work is done in `tabs.js`, with
//! Web Locks and a BroadcastChannel. While a page stands still it takes no part: neither may be held in the back/forward cache.

use super::{clock, drain::Inner, js::Thrown};
use crate::protocol::Role;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

type OnNews = dyn Fn(u32, JsValue, JsValue);

#[wasm_bindgen(module = "/src/browser/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = Tabs, extends = AbortController)]
    type JsTabs;
    #[wasm_bindgen(constructor, js_class = "Tabs")]
    fn new(name: &str, me: &str, hear: &Closure<OnNews>) -> JsTabs;
    #[wasm_bindgen(method)]
    fn steal(this: &JsTabs);
    #[wasm_bindgen(method, catch)]
    fn tell(this: &JsTabs, text: &str, payload: &JsValue) -> Thrown<()>;
    #[wasm_bindgen(method)]
    fn watch(this: &JsTabs, tab: &str);
}

const UNAVAILABLE: &str = "Tabs cannot share a session here: that needs Web Locks and a BroadcastChannel, which browsers \
                           have in secure contexts only (https:, or localhost). This tab has a session of its own.";

/// Of the names of locks and channels; the number is the format of what is told.
const PREFIX: &str = "mcp-evergreen:share:2:";

impl Inner {
    /// Takes part in the group of tabs, where the session is a group's.
    pub(super) fn join(self: &Rc<Self>) {
        let Some(group) = self.group.as_ref().filter(|_| self.tabs().is_none()) else { return };
        let weak = Rc::downgrade(self);
        let me = self.session.borrow().tab();
        let tabs = Tabs::join(group, me, move |news| {
            if let Some(inner) = weak.upgrade() {
                inner.heard(news);
            }
        });
        self.tabs.replace(Some(Rc::new(tabs)));
    }

    /// The page stands still: somebody else leads meanwhile.
    pub(super) fn step_back(self: &Rc<Self>) {
        if let Some(tabs) = self.tabs.take() {
            drop(tabs);
            self.heard(News::Role(Role::Apart));
        }
    }

    pub(super) fn tabs(&self) -> Option<Rc<Tabs>> {
        self.tabs.borrow().clone()
    }

    fn heard(self: &Rc<Self>, news: News) {
        let now = clock::now();
        match news {
            News::Role(role) => {
                self.session.borrow_mut().handle_role(role, now);
                if role == Role::Alone {
                    self.warn("share_unavailable", UNAVAILABLE);
                }
            }
            News::Told(text, payload) => self.session.borrow_mut().handle_peer(&text, payload, now),
            News::Gone(tab) => self.session.borrow_mut().handle_gone(tab, now),
        }
        loop {
            let met = self.session.borrow_mut().poll_met();
            let (Some(met), Some(tabs)) = (met, self.tabs()) else { break };
            tabs.watch(met);
        }
        self.drain();
    }
}

/// What a tab learns of its group.
pub enum News {
    /// Its own role.
    Role(Role),
    /// What another tab told: a text, and a payload that goes with it.
    Told(String, Option<JsValue>),
    /// A tab that was watched takes part no more.
    Gone(u64),
}

/// A tab's part in its group; given up on drop.
pub struct Tabs {
    js: JsTabs,
    _hear: Closure<OnNews>,
}

impl Tabs {
    /// Takes part in a group, as `me`. Nothing is heard before this has returned.
    pub fn join(group: &str, me: u64, hear: impl Fn(News) + 'static) -> Self {
        let hear = Closure::new(move |what, text: JsValue, payload| {
            if let Some(news) = news(what, text.as_string(), payload) {
                hear(news);
            }
        });
        Self { js: JsTabs::new(&[PREFIX, group].concat(), &me.to_string(), &hear), _hear: hear }
    }

    /// Takes the lead from whoever has it.
    pub fn steal(&self) {
        self.js.steal();
    }

    /// Tells all others.
    pub fn tell(&self, text: &str, payload: Option<JsValue>) {
        let _ = self.js.tell(text, &payload.unwrap_or_default());
    }

    /// Hears of it when another tab takes part no more, however it ended.
    pub fn watch(&self, tab: u64) {
        self.js.watch(&tab.to_string());
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        self.js.abort();
    }
}

/// The numbers are those of `tabs.js`. Another program of this origin may have told anything.
fn news(what: u32, text: Option<String>, payload: JsValue) -> Option<News> {
    Some(match what {
        0 => News::Role(Role::Leading),
        1 => News::Role(Role::Following),
        2 => News::Role(Role::Alone),
        3 => News::Told(text?, (!payload.is_undefined()).then_some(payload)),
        _ => News::Gone(text?.parse().ok()?),
    })
}
