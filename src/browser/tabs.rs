//! The tabs that share a session: which of them leads, by Web Locks, and what they tell each other, by a
//! BroadcastChannel. While a page stands still it takes no part: neither may be held in the back/forward cache.

use super::{
    clock,
    drain::Inner,
    js::{self, Channel, Global, Locks, Navigator, Plain, Thrown},
};
use crate::protocol::Role;
use js_sys::{Promise, Reflect};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal};

const UNAVAILABLE: &str = "Tabs cannot share a session here: that needs Web Locks and a BroadcastChannel, which browsers \
                           have in secure contexts only (https:, or localhost). This tab has a session of its own.";

/// Of the names of locks and channels; the number is the format of what is told.
const PREFIX: &str = "mcp-evergreen:share:1:";

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

type Hear = Rc<dyn Fn(News)>;

/// A tab's part in its group; given up on drop.
pub struct Tabs {
    name: Rc<str>,
    hear: Hear,
    /// `None` where there is none here.
    ear: Option<Ear>,
    bid: RefCell<Option<Held>>,
    /// The tab's own lock, and those that it asks for to hear of it when others are gone.
    part: Held,
}

impl Tabs {
    /// Takes part in a group, as `me`. Nothing is heard before this has returned.
    pub fn join(group: &str, me: u64, hear: impl Fn(News) + 'static) -> Self {
        let (name, hear): (Rc<str>, Hear) = (format!("{PREFIX}{group}").into(), Rc::new(hear));
        let ear = Ear::open(&name, Rc::clone(&hear)).ok();
        let tabs = Self { name, hear, ear, bid: RefCell::default(), part: Held::default() };
        // Before anybody hears of this tab.
        tabs.ask_for(&tabs.part, Wanted::Own(me), None);
        tabs.bid("ifAvailable");
        tabs
    }

    /// Takes the lead from whoever has it.
    pub fn steal(&self) {
        self.bid("steal");
    }

    /// Tells all others.
    pub fn tell(&self, text: &str, payload: Option<JsValue>) {
        if let Some(ear) = &self.ear {
            let message: JsValue = Plain::new().with("text", text).with_some("payload", payload).into();
            // What was parsed from JSON can be cloned.
            let _ = ear.channel.post_message(&message);
        }
    }

    /// Hears of it when another tab takes part no more, however it ended: its lock is had then.
    pub fn watch(&self, tab: u64) {
        self.ask_for(&self.part, Wanted::Other(tab), None);
    }

    fn bid(&self, how: &'static str) {
        // One at a time: the one before is given up first.
        drop(self.bid.take());
        let bid = Held::default();
        self.ask_for(&bid, Wanted::Lead, Some(how));
        self.bid.replace(Some(bid));
    }

    fn ask_for(&self, held: &Held, wanted: Wanted, how: Option<&'static str>) {
        let locks = self.ear.as_ref().and_then(|_| locks());
        let name = match wanted {
            Wanted::Lead => self.name.to_string(),
            Wanted::Own(tab) | Wanted::Other(tab) => format!("{}:{tab}", self.name),
        };
        let Some(signal) = held.0.as_ref().map(AbortController::signal) else { return };
        let standing = Rc::new(Standing { hear: Rc::clone(&self.hear), signal, wanted, leads: Cell::new(false) });
        // It ends with the request that is under way, not before: the browser may be about to grant that.
        spawn_local(standing.run(locks, name, how));
    }
}

/// Hears the others until it is dropped.
struct Ear {
    channel: Channel,
    _hear: Closure<dyn FnMut(JsValue)>,
}

impl Ear {
    fn open(name: &str, hear: Hear) -> Thrown<Self> {
        let channel = Channel::open(name)?;
        let on_message = Closure::new(move |event: JsValue| {
            let field = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or_default();
            let message = field(&event, "data");
            if let Some(text) = field(&message, "text").as_string() {
                let payload = field(&message, "payload");
                hear(News::Told(text, (!payload.is_undefined()).then_some(payload)));
            }
        });
        channel.set_onmessage(on_message.as_ref())?;
        Ok(Self { channel, _hear: on_message })
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // What is under way to it goes nowhere.
        let _ = self.channel.set_onmessage(&JsValue::NULL);
        let _ = self.channel.close();
    }
}

/// Locks that are held or asked for. When this is aborted, each goes to the next: so it does when the module dies.
struct Held(Option<AbortController>);

impl Default for Held {
    fn default() -> Self {
        Self(AbortController::new().ok())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// Whose lock is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The leader's, to lead.
    Lead,
    /// This tab's, to be known to be there.
    Own(u64),
    /// Another tab's, to hear that it is not.
    Other(u64),
}

struct Standing {
    hear: Hear,
    signal: AbortSignal,
    wanted: Wanted,
    leads: Cell<bool>,
}

impl Standing {
    /// `how` is the option of the first request; those after it stand in line.
    async fn run(self: Rc<Self>, locks: Option<Locks>, name: String, mut how: Option<&'static str>) {
        let bids = self.wanted == Wanted::Lead;
        let Some(locks) = locks else { return self.told(Role::Alone) };
        let inner = Rc::clone(&self);
        let granted = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock| inner.granted(&lock));
        while !self.signal.aborted() {
            let options = match how.take() {
                Some(how) => Plain::new().with(how, true),
                None => Plain::new().with("signal", &self.signal),
            };
            let asked = locks.request(&name, &options.into(), granted.as_ref());
            let held = match asked {
                Ok(asked) => js::settled(&asked).await,
                Err(thrown) => Err(thrown),
            };
            if !bids {
                return;
            }
            // What was held is stolen; what never was is not to be had in this place.
            if held.is_err() && !self.leads.get() {
                return self.told(Role::Alone);
            }
            self.told(Role::Following);
        }
    }

    /// Gives what the lock is held by: until a promise settles, or not at all.
    fn granted(&self, lock: &JsValue) -> JsValue {
        if lock.is_null() || self.signal.aborted() {
            return JsValue::UNDEFINED;
        }
        if let Wanted::Other(tab) = self.wanted {
            (self.hear)(News::Gone(tab));
            return JsValue::UNDEFINED;
        }
        let until = Promise::new(&mut |resolve, _| self.signal.set_onabort(Some(&resolve)));
        self.told(Role::Leading);
        until.into()
    }

    fn told(&self, role: Role) {
        self.leads.set(role == Role::Leading);
        if self.wanted == Wanted::Lead && !self.signal.aborted() {
            (self.hear)(News::Role(role));
        }
    }
}

/// Only in what the browser calls a secure context.
fn locks() -> Option<Locks> {
    let navigator = js_sys::global().unchecked_into::<Global>().navigator().ok().filter(JsValue::is_object)?;
    let locks = navigator.unchecked_ref::<Navigator>().locks().ok().filter(JsValue::is_object)?;
    Some(locks.unchecked_into())
}
