//! Several tabs of one browser that share a session, the lock and the channel between them, and a server: on a virtual
//! clock, in an order that the test chooses.

mod server;
mod user;

use mcp_evergreen::protocol::config::{Ask, EraChoice};
use mcp_evergreen::protocol::era::modern;
use mcp_evergreen::protocol::http::{Head, Method, Request};
use mcp_evergreen::protocol::status::Event;
use mcp_evergreen::protocol::{
    Authorized, CallId, CallOptions, Code, Config, Error, ExchangeId, Input, Now, Outcome, Output, PageChange, Params,
    QuestionId, ReadAs, Role, Session,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A call as its tab knows it.
pub struct Called {
    pub key: String,
    pub repeatable: bool,
    pub result: Option<Result<Value, Box<Error<Value>>>>,
}

pub struct Tab {
    pub session: Session<Value>,
    pub alive: bool,
    /// Nothing of it runs.
    pub frozen: bool,
    /// It was.
    pub stood_still: bool,
    /// It is in the channel, and asks for the lock.
    pub joined: bool,
    /// Its name while it is there.
    name: u64,
    /// The names of those that it watches, and of those of them that it is to hear of.
    watched: Vec<u64>,
    gone: VecDeque<u64>,
    pub inbox: VecDeque<(String, Option<Value>)>,
    roles: VecDeque<Role>,
    open: BTreeMap<ExchangeId, ReadAs>,
    /// The header fields that its host adds, as JSON; it says so only when it is asked.
    fields: Option<String>,
    /// It has not answered yet.
    pub answers_late: bool,
    /// Whether its user may be asked, while it waits for a token.
    asks: Option<bool>,
    has_token: bool,
    pub calls: BTreeMap<CallId, Called>,
    /// Methods of the notifications that it heard.
    pub heard: Vec<String>,
    pub questions: Vec<QuestionId>,
}

/// A request on its way, or its answer.
struct OnWire {
    tab: usize,
    exchange: ExchangeId,
    request: Request,
    body: Value,
    answer: Option<Answer>,
    /// The tab waits for it no more.
    aborted: bool,
    /// The tool runs, and there is no answer yet.
    runs: bool,
}

#[derive(Clone)]
enum Answer {
    Body {
        status: u16,
        body: Value,
        session: Option<String>,
    },
    Empty(u16),
    /// Events with their ids; it stays open.
    Stream(Vec<(Option<String>, Value)>),
}

/// An event stream that the server holds open.
struct Stream {
    tab: usize,
    exchange: ExchangeId,
    session: Option<String>,
    id: Value,
}

/// Something that can happen next.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// The server takes a request, or its answer arrives.
    Wire(usize),
    /// A message of another tab arrives.
    Inbox(usize),
    /// The lock is granted or lost.
    Role(usize),
    /// The lock of a tab that it watches is granted.
    Gone(usize),
}

pub struct Room {
    pub now: Now,
    pub tabs: Vec<Tab>,
    era: EraChoice,
    holder: Option<usize>,
    queue: VecDeque<usize>,
    wire: Vec<OnWire>,
    streams: Vec<Stream>,
    pub live: BTreeSet<String>,
    pub made: u32,
    /// The server wants a token.
    pub wants_token: bool,
    /// When users are asked.
    pub ask: Ask,
    /// How often the sessions were evicted or given up.
    pub losses: u32,
    /// How often the lead was stolen.
    pub steals: u32,
    /// How often a handshake was answered for which nobody waited any more: the id of its session is never known.
    pub unheard: u32,
    /// How often each call ran, by its key.
    pub ran: BTreeMap<String, u32>,
    /// By session: what it is subscribed to.
    pub subscribed: BTreeSet<(String, String)>,
    /// Tools run until their session is ended, which refuses them.
    pub tools_last: bool,
    log: Vec<String>,
}

fn is_handshake(method: &str) -> bool {
    matches!(method, "initialize" | "server/discover")
}

pub fn letter(tab: usize) -> char {
    char::from(b'A' + u8::try_from(tab).expect("few tabs"))
}

impl Room {
    pub fn new(era: EraChoice) -> Self {
        Self {
            now: Now { mono: 1_000, unix_ms: 1_700_000_000_000 },
            tabs: Vec::new(),
            era,
            holder: None,
            queue: VecDeque::new(),
            wire: Vec::new(),
            streams: Vec::new(),
            live: BTreeSet::new(),
            made: 0,
            wants_token: false,
            ask: Ask::Auto,
            losses: 0,
            steals: 0,
            unheard: 0,
            ran: BTreeMap::new(),
            subscribed: BTreeSet::new(),
            tools_last: false,
            log: Vec::new(),
        }
    }

    /// A new tab, which connects.
    pub fn open(&mut self, seed: u64) -> usize {
        self.open_with(seed, None)
    }

    /// As [`Self::open`], where the host adds these header fields.
    pub fn open_as(&mut self, seed: u64, fields: &str) -> usize {
        self.open_with(seed, Some(fields.to_owned()))
    }

    fn open_with(&mut self, seed: u64, fields: Option<String>) -> usize {
        let (fields_vary, authorizes) = (fields.is_some(), self.wants_token);
        let config =
            Config { era: self.era, shared: true, fields_vary, authorizes, ask: self.ask, ..Config::default() };
        let tab = self.tabs.len();
        let mut session = Session::new(config, seed, self.now);
        session.set_handled("roots/list".into());
        session.handle_page(PageChange::Visible, self.now);
        self.tabs.push(Tab {
            session,
            alive: true,
            frozen: false,
            stood_still: false,
            joined: false,
            name: 0,
            watched: Vec::new(),
            gone: VecDeque::new(),
            inbox: VecDeque::new(),
            roles: VecDeque::new(),
            open: BTreeMap::new(),
            fields,
            answers_late: false,
            asks: None,
            has_token: false,
            calls: BTreeMap::new(),
            heard: Vec::new(),
            questions: Vec::new(),
        });
        let id = self.tabs[tab].session.connect(self.now);
        self.called(tab, id, "connect", true);
        self.join(tab);
        tab
    }

    fn called(&mut self, tab: usize, id: CallId, key: &str, repeatable: bool) -> CallId {
        self.tabs[tab].calls.insert(id, Called { key: key.to_owned(), repeatable, result: None });
        self.drain(tab);
        id
    }

    pub fn call(&mut self, tab: usize, key: &str, repeatable: bool) -> CallId {
        let text = json!({"name": "echo", "arguments": {"key": key}}).to_string();
        let params = Params { text: Some(text), name: Some("echo".into()), ..Params::default() };
        let options = CallOptions { repeatable, ..CallOptions::default() };
        let id = self.tabs[tab].session.call("tools/call".into(), params, options, self.now);
        self.called(tab, id, key, repeatable)
    }

    pub fn request(&mut self, tab: usize, method: &str, uri: &str) -> CallId {
        let params =
            Params { text: Some(json!({"uri": uri}).to_string()), uri: Some(uri.to_owned()), ..Params::default() };
        let id = self.tabs[tab].session.call(method.into(), params, CallOptions::default(), self.now);
        self.called(tab, id, method.rsplit('/').next().expect("a name"), true)
    }

    pub fn reconnect(&mut self, tab: usize) -> CallId {
        self.losses += 1;
        let id = self.tabs[tab].session.reconnect(self.now);
        self.called(tab, id, "reconnect", true)
    }

    /// The host of the tab says which fields it adds.
    pub fn identify(&mut self, tab: usize) {
        if let Some(fields) = self.tabs[tab].fields.clone() {
            self.tabs[tab].session.handle_fields(None, &fields, self.now);
        }
        self.tabs[tab].session.handle_identified(self.now);
        self.drain(tab);
    }

    pub fn close(&mut self, tab: usize) {
        let id = self.tabs[tab].session.close(true, self.now);
        self.called(tab, id, "close", true);
    }

    pub fn listen(&mut self, tab: usize) {
        self.tabs[tab].session.set_listening(true, self.now);
        self.drain(tab);
    }

    fn join(&mut self, tab: usize) {
        self.tabs[tab].joined = true;
        self.tabs[tab].name = self.tabs[tab].session.tab();
        if self.holder.is_none() && self.queue.is_empty() {
            self.holder = Some(tab);
            self.tabs[tab].roles.push_back(Role::Leading);
        } else {
            self.queue.push_back(tab);
            self.tabs[tab].roles.push_back(Role::Following);
        }
    }

    fn step_back(&mut self, tab: usize) {
        if std::mem::take(&mut self.tabs[tab].joined) {
            let name = self.tabs[tab].name;
            for other in self.tabs.iter_mut().filter(|other| other.watched.contains(&name)) {
                other.watched.retain(|watched| *watched != name);
                other.gone.push_back(name);
            }
        }
        let left = &mut self.tabs[tab];
        left.inbox.clear();
        left.roles.clear();
        left.watched.clear();
        left.gone.clear();
        self.queue.retain(|queued| *queued != tab);
        if self.holder == Some(tab) {
            self.holder = self.queue.pop_front();
            if let Some(next) = self.holder {
                self.tabs[next].roles.push_back(Role::Leading);
            }
        }
    }

    fn steal(&mut self, tab: usize) {
        self.steals += 1;
        self.note(format!("{} steals", letter(tab)));
        self.queue.retain(|queued| *queued != tab);
        if let Some(before) = self.holder.replace(tab).filter(|before| *before != tab) {
            self.tabs[before].roles.push_back(Role::Following);
            self.queue.push_back(before);
        }
        self.tabs[tab].roles.push_back(Role::Leading);
    }

    /// Its process ends, and with it whatever it had open.
    pub fn crash(&mut self, tab: usize) {
        self.note(format!("{} crashes", letter(tab)));
        self.tabs[tab].alive = false;
        self.streams.retain(|stream| stream.tab != tab);
        self.step_back(tab);
    }

    /// Nothing of it runs, and it is not told.
    pub fn freeze(&mut self, tab: usize) {
        self.note(format!("{} stops", letter(tab)));
        self.tabs[tab].frozen = true;
        self.tabs[tab].stood_still = true;
    }

    pub fn thaw(&mut self, tab: usize) {
        self.note(format!("{} goes on", letter(tab)));
        self.tabs[tab].frozen = false;
    }

    /// It goes into the back/forward cache.
    pub fn cache(&mut self, tab: usize) {
        self.tabs[tab].session.handle_page(PageChange::Frozen, self.now);
        self.tabs[tab].session.handle_role(Role::Apart, self.now);
        self.drain(tab);
        self.step_back(tab);
        self.freeze(tab);
    }

    /// It comes back from there.
    pub fn restore(&mut self, tab: usize) {
        self.thaw(tab);
        self.tabs[tab].session.handle_page(PageChange::Thawed, self.now);
        self.drain(tab);
        self.join(tab);
    }

    /// The server forgets all sessions.
    pub fn evict(&mut self) {
        self.note("evicted".to_owned());
        self.losses += 1;
        self.live.clear();
        for Stream { tab, exchange, .. } in
            self.streams.extract_if(.., |stream| stream.session.is_some()).collect::<Vec<_>>()
        {
            if self.tabs[tab].alive && !self.tabs[tab].frozen {
                self.input(tab, exchange, Input::End);
            }
        }
    }

    /// The server says it on every open stream.
    pub fn notify(&mut self, method: &str, params: &Value) {
        self.notify_as(None, method, params);
    }

    /// As [`Self::notify`], as an event with an id.
    pub fn notify_as(&mut self, id: Option<&str>, method: &str, params: &Value) {
        let event_id = id.map(str::to_owned);
        let open: Vec<_> = self.streams.iter().map(|stream| (stream.tab, stream.exchange, stream.id.clone())).collect();
        for (tab, exchange, id) in open {
            let mut params = params.clone();
            if !id.is_null() {
                params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": id});
            }
            let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
            self.event(tab, exchange, event_id.clone(), message);
        }
    }

    /// The server asks on every open stream.
    pub fn ask(&mut self) {
        let open: Vec<_> = self.streams.iter().map(|stream| (stream.tab, stream.exchange)).collect();
        for (tab, exchange) in open {
            self.event(tab, exchange, None, json!({"jsonrpc": "2.0", "id": "q", "method": "roots/list"}));
        }
    }

    fn event(&mut self, tab: usize, exchange: ExchangeId, id: Option<String>, message: Value) {
        self.input(tab, exchange, Input::Event { id, retry_ms: None, message: Some(message) });
    }

    fn input(&mut self, tab: usize, exchange: ExchangeId, input: Input<Value>) {
        self.tabs[tab].session.handle_input(exchange, input, self.now);
        self.drain(tab);
    }

    fn note(&mut self, line: String) {
        if std::env::var_os("LOG").is_some() {
            eprintln!("{:>8} {line}", self.now.mono);
        }
        self.log.push(line);
    }

    pub fn open_streams(&self) -> Vec<usize> {
        self.streams.iter().map(|stream| stream.tab).collect()
    }

    /// Whom it has met, it watches.
    fn watch(&mut self, tab: usize) {
        while let Some(name) = self.tabs[tab].session.poll_met() {
            if self.tabs.iter().any(|other| other.joined && other.name == name) {
                self.tabs[tab].watched.push(name);
            } else {
                self.tabs[tab].gone.push_back(name);
            }
        }
    }

    pub fn drain(&mut self, tab: usize) {
        while let Some(output) = self.tabs[tab].session.poll_output() {
            match output {
                Output::Send { exchange, request, .. } => {
                    if let Some(fields) = self.tabs[tab].fields.clone() {
                        self.tabs[tab].session.handle_input(exchange, Input::Fields(fields), self.now);
                    }
                    let body =
                        request.body.as_deref().map_or(Value::Null, |body| serde_json::from_str(body).expect("JSON"));
                    self.wire.push(OnWire { tab, exchange, request, body, answer: None, aborted: false, runs: false });
                }
                Output::Read { exchange, how } => drop(self.tabs[tab].open.insert(exchange, how)),
                Output::Abort { exchange } => {
                    // What is on its way to the server may arrive there all the same.
                    let is_lost = |it: &OnWire| (it.tab, it.exchange) == (tab, exchange) && it.answer.is_some();
                    let unheard = |it: &&OnWire| is_lost(it) && it.body["method"].as_str().is_some_and(is_handshake);
                    self.unheard += u32::try_from(self.wire.iter().filter(unheard).count()).expect("fits");
                    self.wire.retain(|it| !is_lost(it));
                    let under_way = self.wire.iter_mut().filter(|it| (it.tab, it.exchange) == (tab, exchange));
                    under_way.for_each(|it| it.aborted = true);
                    self.streams.retain(|it| (it.tab, it.exchange) != (tab, exchange));
                    self.tabs[tab].open.remove(&exchange);
                }
                Output::Settle { call, result } => {
                    let called = self.tabs[tab].calls.get_mut(&call).expect("a call of its own");
                    assert!(called.result.is_none(), "{} settled twice", called.key);
                    let line = match &result {
                        Ok(_) => format!("{} {} ok", letter(tab), called.key),
                        Err(error) => {
                            format!("{} {} {} {}", letter(tab), called.key, error.code.as_str(), error.outcome.as_str())
                        }
                    };
                    called.result = Some(result);
                    self.note(line);
                }
                Output::Tell { text, payload } => {
                    if std::env::var_os("LOG").is_some() {
                        eprintln!("{:>8}   {} tells {text}", self.now.mono, letter(tab));
                    }
                    if self.tabs[tab].joined {
                        for (_, other) in
                            self.tabs.iter_mut().enumerate().filter(|(at, other)| *at != tab && other.joined)
                        {
                            other.inbox.push_back((text.clone(), payload.clone()));
                        }
                    }
                }
                Output::Steal => self.steal(tab),
                Output::Leave => self.step_back(tab),
                Output::Identify if self.tabs[tab].answers_late => {}
                Output::Identify => self.identify(tab),
                Output::Authorize { ask, .. } => {
                    self.tabs[tab].asks = Some(ask);
                    if ask {
                        self.tabs[tab].session.handle_user_asked(self.now);
                    }
                }
                Output::Emit(Event::Notification { method, .. }) => self.tabs[tab].heard.push(method),
                Output::Emit(Event::Close { .. }) => self.step_back(tab),
                Output::Ask { question, .. } => {
                    self.note(format!("{} is asked", letter(tab)));
                    self.tabs[tab].questions.push(question);
                }
                Output::OtherSlash | Output::GiveUpAuthorization => {}
                Output::Probe => {
                    self.tabs[tab].session.handle_probe(mcp_evergreen::protocol::Reach::Unknown, self.now);
                }
                Output::Emit(_) | Output::Progress { .. } | Output::Withdraw { .. } => {}
            }
        }
    }

    /// All that can happen now.
    pub fn steps(&self) -> Vec<Step> {
        let runs = |tab: usize| self.tabs[tab].alive && !self.tabs[tab].frozen;
        let moves = |it: &OnWire| if it.answer.is_none() { !it.runs } else { runs(it.tab) };
        let wire = (0..self.wire.len()).filter(|at| moves(&self.wire[*at]));
        let tabs = || (0..self.tabs.len()).filter(|tab| runs(*tab));
        let inbox = tabs().filter(|tab| !self.tabs[*tab].inbox.is_empty());
        let roles = tabs().filter(|tab| !self.tabs[*tab].roles.is_empty());
        let gone = tabs().filter(|tab| !self.tabs[*tab].gone.is_empty());
        let told = inbox.map(Step::Inbox).chain(roles.map(Step::Role)).chain(gone.map(Step::Gone));
        wire.map(Step::Wire).chain(told).collect()
    }

    pub fn take(&mut self, step: Step) {
        match step {
            Step::Wire(at) if self.wire[at].answer.is_none() => self.serve(at),
            Step::Wire(at) => self.deliver(at),
            Step::Inbox(tab) => {
                let (text, payload) = self.tabs[tab].inbox.pop_front().expect("a message");
                self.tabs[tab].session.handle_peer(&text, payload, self.now);
                self.watch(tab);
                self.drain(tab);
            }
            Step::Gone(tab) => {
                let name = self.tabs[tab].gone.pop_front().expect("a name");
                self.tabs[tab].session.handle_gone(name, self.now);
                self.drain(tab);
            }
            Step::Role(tab) => {
                let role = self.tabs[tab].roles.pop_front().expect("a role");
                // The lead does not go from hand to hand within a millisecond.
                self.now = Now { mono: self.now.mono + 1, unix_ms: self.now.unix_ms + 1 };
                self.tabs[tab].session.handle_role(role, self.now);
                self.drain(tab);
            }
        }
    }

    /// When the next timer of a running tab is due.
    pub fn next_timer(&self) -> Option<u64> {
        let runs = self.tabs.iter().filter(|tab| tab.alive && !tab.frozen);
        runs.filter_map(|tab| tab.session.poll_timeout()).map(|deadline| deadline.at).min()
    }

    /// Lets time pass, and the timers fire that are due.
    pub fn pass_to(&mut self, mono: u64) {
        let ms = mono.saturating_sub(self.now.mono);
        self.now = Now { mono: self.now.mono + ms, unix_ms: self.now.unix_ms + ms };
        for tab in 0..self.tabs.len() {
            let due = self.tabs[tab].session.poll_timeout().is_some_and(|deadline| deadline.at <= self.now.mono);
            if self.tabs[tab].alive && !self.tabs[tab].frozen && due {
                self.tabs[tab].session.handle_timeout(self.now);
                self.drain(tab);
            }
        }
    }

    /// What happened so far.
    pub fn peek(&self) -> Vec<String> {
        self.log.clone()
    }

    /// In order, without timers, until nothing more happens. Returns what went over the wire and what settled.
    pub fn settle(&mut self) -> Vec<String> {
        for _ in 0..10_000 {
            // Tabs tell each other things faster than a server answers.
            let steps = self.steps();
            let Some(step) = steps.iter().find(|step| !matches!(step, Step::Wire(_))).or(steps.first()) else {
                return std::mem::take(&mut self.log);
            };
            self.take(*step);
        }
        panic!("no end in sight: {:?}", &self.log[self.log.len().saturating_sub(20)..]);
    }

    /// As [`Self::settle`], for this many milliseconds, timers included.
    pub fn run_for(&mut self, ms: u64) -> Vec<String> {
        let end = self.now.mono + ms;
        let mut log = self.settle();
        for _ in 0..10_000 {
            match self.next_timer().filter(|at| *at <= end) {
                Some(at) => {
                    self.pass_to(at);
                    log.extend(self.settle());
                }
                None => {
                    self.pass_to(end);
                    return log;
                }
            }
        }
        panic!("timers spin: {:?}", &log[log.len().saturating_sub(20)..]);
    }
}
