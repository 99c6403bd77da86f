//! The tabs that share a session: which of them leads, and what they tell each other. Web Locks say which of them leads and
//! which are gone; what they tell goes by a BroadcastChannel. While a page stands still it takes no part: neither may be
//! held in the back/forward cache.

use super::{
    clock,
    drain::Inner,
    js::{self, Thrown, property},
};
use crate::protocol::Role;
use js_sys::{Array, Function, Object, Promise};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, BroadcastChannel, MessageEvent, Window};

type OnMessage = Closure<dyn Fn(MessageEvent)>;
type OnLock = Closure<dyn Fn(JsValue) -> JsValue>;

#[wasm_bindgen]
extern "C" {
    /// Web Locks.
    type LockManager;
    /// `granted` is called with the lock, or with null where it was to be had at once or not at all; it is held until the
    /// promise that `granted` gives is settled, and this one is then.
    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Thrown<Promise>;
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

/// A tab's part in its group; given up on drop: then its locks go to the next.
pub struct Tabs(Rc<Group>);

/// What outlives the part: a request for a lock that is under way ends by itself.
struct Group {
    /// Of the group's lock and channel.
    name: String,
    hear: Box<dyn Fn(News)>,
    /// Only in what the browser calls a secure context.
    locks: Option<LockManager>,
    channel: Option<BroadcastChannel>,
    onmessage: RefCell<Option<OnMessage>>,
    /// This tab's own lock and those that it waits for.
    part: Rc<Hold>,
    /// For the lead: one at a time.
    bid: RefCell<Rc<Hold>>,
}

/// What is held or waited for until it is ended: by the event of a signal alone, which needs no module that lives. When
/// this one crashes, the facade aborts whatever it had.
struct Hold {
    over: Cell<bool>,
    controller: Option<AbortController>,
}

/// How the first request for the lead is made.
#[derive(Clone, Copy)]
enum Bid {
    /// Where nobody leads; else the tab stands in line.
    IfAvailable,
    Steal,
    InLine,
}

impl Tabs {
    /// Takes part in a group, as `me`. Nothing is heard before this has returned.
    pub fn join(group: &str, me: u64, hear: impl Fn(News) + 'static) -> Self {
        let name = [PREFIX, group].concat();
        let channel = BroadcastChannel::new(&name).ok();
        let locks = property(&js::global(Window::navigator), "locks");
        let group = Rc::new(Group {
            name,
            hear: Box::new(hear),
            locks: (channel.is_some() && locks.is_object()).then(|| locks.unchecked_into()),
            channel,
            onmessage: RefCell::default(),
            part: Rc::new(Hold::new()),
            bid: RefCell::new(Rc::new(Hold::new())),
        });
        group.listen();
        // In line before anybody hears of this tab: whoever has its lock while it takes part believes it gone.
        let part = Rc::clone(&group.part);
        group.ask(me, move |_| part.until_ended());
        group.lead(Bid::IfAvailable);
        Self(group)
    }

    /// Takes the lead from whoever has it.
    pub fn steal(&self) {
        self.0.lead(Bid::Steal);
    }

    /// Tells all others. What was parsed from JSON can be cloned.
    pub fn tell(&self, text: &str, payload: Option<JsValue>) {
        if let Some(channel) = &self.0.channel {
            let _ = channel.post_message(&message(text, payload.unwrap_or_default()));
        }
    }

    /// Hears of it when another tab takes part no more, however it ended: its lock is had then.
    pub fn watch(&self, tab: u64) {
        let group = Rc::downgrade(&self.0);
        self.0.ask(tab, move |_| {
            if let Some(group) = group.upgrade() {
                (group.hear)(News::Gone(tab));
            }
            JsValue::UNDEFINED
        });
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        let bid = Rc::clone(&self.0.bid.borrow());
        self.0.part.end();
        bid.end();
        if let Some(channel) = &self.0.channel {
            // What is under way to it goes nowhere.
            channel.set_onmessage(None);
        }
        self.0.onmessage.take();
    }
}

impl Hold {
    fn new() -> Self {
        Self { over: Cell::new(false), controller: AbortController::new().ok() }
    }

    fn signal(&self) -> JsValue {
        self.controller.as_ref().map(|controller| controller.signal().into()).unwrap_or_default()
    }

    fn end(&self) {
        self.over.set(true);
        if let Some(controller) = &self.controller {
            controller.abort();
        }
    }

    fn when_ended(&self, run: &Function) {
        if let Some(controller) = &self.controller {
            let _ = controller.signal().add_event_listener_with_callback("abort", run);
        }
    }

    /// A promise that settles when it is ended.
    fn until_ended(&self) -> JsValue {
        Promise::new(&mut |resolve, _| self.when_ended(&resolve)).into()
    }
}

impl Group {
    fn listen(self: &Rc<Self>) {
        let group = Rc::downgrade(self);
        let onmessage: OnMessage = Closure::new(move |event: MessageEvent| {
            if let (Some(group), Some((text, payload))) = (group.upgrade(), told(&event.data())) {
                (group.hear)(News::Told(text, payload));
            }
        });
        if let Some(channel) = &self.channel {
            channel.set_onmessage(Some(onmessage.as_ref().unchecked_ref()));
            let close: Function = property(channel, "close").unchecked_into();
            self.part.when_ended(&close.bind0(channel));
        }
        self.onmessage.replace(Some(onmessage));
    }

    /// Stands in line for a tab's own lock at once, for as long as this one takes part; `granted` says how long it is held.
    fn ask(&self, tab: u64, granted: impl Fn(JsValue) -> JsValue + 'static) {
        let part = Rc::clone(&self.part);
        let take = Closure::new(move |lock| if part.over.get() { JsValue::UNDEFINED } else { granted(lock) });
        let name = [&*self.name, ":", &tab.to_string()].concat();
        let asked = self.request(&name, &options("signal", &self.part.signal()), &take);
        spawn_local(async move {
            // It was given up, or is not to be had in this place.
            drop(settled(asked).await);
            drop(take);
        });
    }

    /// Wants to lead until another bid is made or the part ends.
    fn lead(self: &Rc<Self>, first: Bid) {
        let bid = Rc::new(Hold::new());
        let before = self.bid.replace(Rc::clone(&bid));
        before.end();
        if !self.part.over.get() {
            spawn_local(Rc::clone(self).stand(bid, first));
        }
    }

    async fn stand(self: Rc<Self>, bid: Rc<Hold>, first: Bid) {
        let leads = Rc::new(Cell::new(false));
        let granted = {
            let (group, bid, leads) = (Rc::downgrade(&self), Rc::clone(&bid), Rc::clone(&leads));
            Closure::new(move |lock: JsValue| match group.upgrade() {
                Some(group) if lock.is_truthy() && !bid.over.get() => {
                    let until = bid.until_ended();
                    leads.set(true);
                    (group.hear)(News::Role(Role::Leading));
                    until
                }
                _ => JsValue::UNDEFINED,
            })
        };
        let mut how = first;
        // It ends with the request that is under way, not before: the browser may be about to grant that.
        while !bid.over.get() {
            let options = match how {
                Bid::IfAvailable => options("ifAvailable", &JsValue::TRUE),
                Bid::Steal => options("steal", &JsValue::TRUE),
                Bid::InLine => options("signal", &bid.signal()),
            };
            how = Bid::InLine;
            let ended = settled(self.request(&self.name, &options, &granted)).await;
            // What was held is stolen; what never was is not to be had in this place.
            let role = if ended.is_err() && !leads.get() { Role::Alone } else { Role::Following };
            leads.set(false);
            if bid.over.get() {
                return;
            }
            (self.hear)(News::Role(role));
            if role == Role::Alone {
                return;
            }
        }
    }

    fn request(&self, name: &str, options: &Object, granted: &OnLock) -> Thrown<Promise> {
        let locks = self.locks.as_ref().ok_or(JsValue::UNDEFINED)?;
        locks.request(name, options, granted.as_ref().unchecked_ref())
    }
}

async fn settled(asked: Thrown<Promise>) -> Thrown<JsValue> {
    JsFuture::from(asked?).await
}

fn options(name: &str, value: &JsValue) -> Object {
    // Of pairs it is never an error.
    Object::from_entries(&Array::of1(&Array::of2(&name.into(), value))).unwrap_or_default()
}

fn message(text: &str, payload: JsValue) -> JsValue {
    let members = [("text", text.into()), ("payload", payload)];
    let pairs: Array = members.iter().map(|(name, value)| Array::of2(&(*name).into(), value)).collect();
    Object::from_entries(&pairs).unwrap_or_default().into()
}

/// Another program of this origin may have told anything.
fn told(data: &JsValue) -> Option<(String, Option<JsValue>)> {
    let payload = property(data, "payload");
    Some((property(data, "text").as_string()?, (!payload.is_undefined()).then_some(payload)))
}
