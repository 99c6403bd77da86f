//! Owns one session of the core and does what it asks for.
//!
//! A session owns itself from `open` until it has closed and its last exchange has ended: dropping a handle ends
//! nothing. A borrow of the core lives for one statement, never across a call into JavaScript. There is one drain loop
//! at a time; what a callback commands meanwhile is done by the loop that is running.

use super::{
    clock, eras,
    exchange::{Exchange, Exchanges, Transport, soon},
    host::{Caller, Host, Question, Wanted},
    page::Page,
    streams,
    table::Table,
    tabs::Tabs,
    timer::Timer,
};
use crate::protocol::{
    CallId, Config, Event, ExchangeId, Input, Now, Output, PageChange, Purpose, Session, config::Connections,
    http::Request,
};
use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};
use wasm_bindgen::{JsValue, closure::Closure};

/// A session of the core, and what it has under way.
pub(super) struct Inner {
    pub session: RefCell<Session<JsValue>>,
    pub transport: Transport,
    host: RefCell<Option<Rc<dyn Host>>>,
    exchanges: Exchanges,
    open: Table<ExchangeId, Rc<Exchange>>,
    pub callers: Table<CallId, Caller>,
    timer: Timer,
    /// A drain loop is running.
    draining: Cell<bool>,
    /// Drains in a microtask; until then the session holds itself.
    tick: Closure<dyn FnMut()>,
    scheduled: RefCell<Option<Rc<Inner>>>,
    closed: Cell<bool>,
    /// Until it has closed.
    page: RefCell<Option<Page>>,
    /// The name of the group of tabs that share this session.
    pub group: Option<String>,
    /// Its part in that, unless the page stands still.
    pub tabs: RefCell<Option<Rc<Tabs>>>,
    /// Whether it has a listening stream, or waits for its turn.
    pub listens: Cell<bool>,
    /// What waits in the browser for a connection waits for what this page has sent.
    pub sees_queue: Cell<bool>,
    /// Kinds of warnings that come once.
    warned: RefCell<Vec<&'static str>>,
    /// Itself, until there is nothing more to do.
    keep: RefCell<Option<Rc<Inner>>>,
}

impl Inner {
    pub(super) fn open(transport: Transport, config: Config, group: Option<String>, host: Rc<dyn Host>) -> Rc<Self> {
        let (seed, now) = (clock::seed(), clock::now());
        let connections = streams::connections(&transport);
        let known_legacy = config.known_legacy || eras::knows_legacy(&transport.url);
        let config = Config { shared: group.is_some(), connections, known_legacy, ..config };
        let inner = Rc::new_cyclic(|weak: &Weak<Inner>| {
            let (weak, told, asked, ticking) = (weak.clone(), weak.clone(), weak.clone(), weak.clone());
            Inner {
                session: RefCell::new(Session::new(config, seed, now).at(&transport.url)),
                exchanges: Exchanges::new(
                    &transport,
                    move |exchange, input| told.upgrade().is_some_and(|inner| inner.told(exchange, input)),
                    move |fields| {
                        if let Some(inner) = asked.upgrade() {
                            inner.identified(fields);
                        }
                    },
                ),
                transport,
                host: RefCell::new(Some(host)),
                open: Table::default(),
                callers: Table::default(),
                timer: Timer::new(move || {
                    if let Some(inner) = weak.upgrade() {
                        inner.timer_fired();
                    }
                }),
                draining: Cell::new(false),
                tick: Closure::new(move || {
                    if let Some(inner) = ticking.upgrade() {
                        drop(inner.scheduled.take());
                        inner.drain();
                    }
                }),
                scheduled: RefCell::default(),
                closed: Cell::new(false),
                page: RefCell::default(),
                group,
                tabs: RefCell::default(),
                listens: Cell::new(false),
                sees_queue: Cell::new(connections == Connections::SixOfOwnOrigin),
                warned: RefCell::default(),
                keep: RefCell::default(),
            }
        });
        inner.keep.replace(Some(Rc::clone(&inner)));
        inner.session.borrow_mut().allow_stream(false, now);
        let weak = Rc::downgrade(&inner);
        let (page, stands) = Page::watch(&inner.transport.url, move |change| {
            if let Some(inner) = weak.upgrade() {
                inner.page_changed(change, clock::now());
                // At once: what is to be sent before the page ends is sent now.
                inner.drain();
                if change == PageChange::Frozen {
                    inner.step_back();
                } else if change == PageChange::Thawed {
                    inner.join();
                }
            }
        });
        inner.page.replace(Some(page));
        for change in stands {
            inner.page_changed(change, now);
        }
        inner.join();
        inner
    }

    /// Drains in a microtask, so that a command's method returns before anything comes of it.
    pub fn schedule(self: &Rc<Self>) {
        if !self.draining.get() && self.scheduled.replace(Some(Rc::clone(self))).is_none() {
            soon(self.tick.as_ref());
        }
    }

    pub fn drain(self: &Rc<Self>) {
        if self.draining.replace(true) {
            return;
        }
        loop {
            let output = self.session.borrow_mut().poll_output();
            match output {
                Some(output) => self.perform(output),
                None if self.takes_seat() => {}
                None => break,
            }
        }
        self.draining.set(false);
        let deadline = self.session.borrow().poll_timeout();
        self.timer.set(deadline.map(|deadline| deadline.at), || clock::now().mono);
        self.release();
    }

    fn perform(self: &Rc<Self>, output: Output<JsValue>) {
        match output {
            Output::Send { exchange, purpose, request, identify } => self.send(exchange, purpose, &request, identify),
            Output::Read { exchange, how } => {
                let open = self.open.with(exchange, Rc::clone);
                if let Some(open) = open {
                    open.read(how);
                }
            }
            Output::Abort { exchange } => {
                // Taken out first: an abort runs its listeners at once.
                drop(self.open.take(exchange));
            }
            Output::Settle { call, result } => {
                if let Some(caller) = self.callers.take(call) {
                    (caller.settle)(result);
                }
            }
            Output::Progress { call, params } => {
                let progress = self.callers.with(call, |caller| caller.progress.clone()).flatten();
                if let Some(progress) = progress {
                    progress(params);
                }
            }
            Output::Ask { question, method, params, call, generation } => {
                self.tell_host(|host| host.ask(Question { id: question, method, params, call, generation }));
            }
            Output::Withdraw { question } => self.tell_host(|host| host.withdraw(question)),
            Output::Identify => self.exchanges.identify(),
            Output::Leave => drop(self.tabs.take()),
            Output::Probe => self.probe(),
            Output::OtherSlash => self.exchanges.other_slash(),
            Output::Authorize { challenge, ask } => {
                let wanted = Wanted { token: self.transport.token(), challenge, ask };
                self.tell_host(|host| host.authorize(wanted));
            }
            Output::GiveUpAuthorization => self.tell_host(|host| host.give_up_authorization()),
            Output::Tell { text, payload } => {
                if let Some(tabs) = self.tabs() {
                    tabs.tell(&text, payload);
                }
            }
            Output::Steal => {
                if let Some(tabs) = self.tabs() {
                    tabs.steal();
                }
            }
            Output::Emit(Event::StateChange) => {
                let status = self.session.borrow().status();
                self.tell_host(|host| host.status_changed(status));
            }
            Output::Emit(event) => {
                if let Event::Close { .. } = event {
                    self.closed.set(true);
                    drop(self.page.take());
                    drop(self.tabs.take());
                }
                if let Event::EraLearned { legacy_until_unix_ms } = event {
                    eras::learn(&self.transport.url, legacy_until_unix_ms);
                }
                self.tell_host(|host| host.event(event));
            }
        }
    }

    fn tell_host(&self, tell: impl FnOnce(&dyn Host)) {
        let host = self.host.borrow().clone();
        if let Some(host) = host {
            tell(&*host);
        }
    }

    fn send(self: &Rc<Self>, exchange: ExchangeId, purpose: Purpose, request: &Request, identify: bool) {
        self.look_at_queue();
        let token = self.transport.token();
        match self.exchanges.send(exchange, purpose, request, token.as_deref(), identify) {
            Ok(open) => self.open.put(exchange, Rc::new(open)),
            Err(cause) => self.input(exchange, Input::Failed { cause: Some(cause) }),
        }
    }

    fn probe(self: &Rc<Self>) {
        let driver = Rc::downgrade(self);
        self.exchanges.reach(move |reach| {
            if let Some(inner) = driver.upgrade() {
                let now = clock::now();
                inner.session.borrow_mut().handle_probe(reach, now);
                inner.drain();
            }
        });
    }

    /// A fact of an exchange under way. Says whether more is wanted.
    fn told(self: &Rc<Self>, exchange: ExchangeId, input: Input<JsValue>) -> bool {
        let ends = matches!(
            input,
            Input::End
                | Input::Redirected(_)
                | Input::Unsent { .. }
                | Input::Unproven { .. }
                | Input::Outdated
                | Input::Proxied { .. }
                | Input::Failed { .. }
                | Input::Unreached { .. }
        );
        let known = if ends {
            self.open.take(exchange).is_some_and(|open| {
                open.over.set(matches!(input, Input::End));
                true
            })
        } else {
            self.open.has(exchange)
        };
        if known {
            self.input(exchange, input);
            self.drain();
        }
        self.open.has(exchange)
    }

    /// The fields that the host would add now, where they are others than before.
    fn identified(self: &Rc<Self>, fields: Option<&str>) {
        let now = clock::now();
        if let Some(fields) = fields {
            self.session.borrow_mut().handle_fields(None, fields, now);
        }
        self.session.borrow_mut().handle_identified(now);
        self.drain();
    }

    /// Somebody should mend this; said once.
    pub fn warn(&self, kind: &'static str, hint: &'static str) {
        if !self.warned.borrow().contains(&kind) {
            self.warned.borrow_mut().push(kind);
            self.tell_host(|host| host.event(Event::Warning { kind, header: None, hint }));
        }
    }

    fn page_changed(&self, change: PageChange, now: Now) {
        self.session.borrow_mut().handle_page(change, now);
    }

    fn input(&self, exchange: ExchangeId, input: Input<JsValue>) {
        self.look_at_queue();
        let now = clock::now();
        self.session.borrow_mut().handle_input(exchange, input, now);
    }

    fn timer_fired(self: &Rc<Self>) {
        self.timer.fired();
        let now = clock::now();
        let deadline = self.session.borrow().poll_timeout();
        // Timers fire early, by rounding or because the delay had to be cut: the clock decides.
        if deadline.is_some_and(|deadline| deadline.at <= now.mono) {
            self.session.borrow_mut().handle_timeout(now);
        }
        self.drain();
    }

    /// Lets go of everything once nothing can happen any more.
    fn release(&self) {
        if self.closed.get() && self.open.is_empty() && self.callers.is_empty() {
            self.timer.set(None, || 0);
            let host = self.host.take();
            drop(host);
            let keep = self.keep.take();
            drop(keep);
        }
    }
}
