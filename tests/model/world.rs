//! The event loop: virtual time, the browser with its connections, and the driver's part of the contract.

use crate::app::App;
use crate::law::Law;
use crate::plan::{Action, Plan, Weather};
use crate::server::{Ending, Reply, Server, Truth};
use crate::steps::Steps;
use fastrand::Rng;
use mcp_evergreen::protocol::http::{Head, Method, Request};
use mcp_evergreen::protocol::{
    ExchangeId, Input, Malformed, Now, Output, Purpose, QuestionId, Reach, ReadAs, Session, sse,
};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// "HTTP/1.1 allows six connections per host".
const CONNECTIONS: usize = 6;
const MAX_EVENTS: usize = 50_000;
const MAX_OUTPUTS: usize = 10_000;

/// What happens at a moment.
#[derive(Debug)]
pub enum Happening {
    Act(Action),
    Change(Weather),
    /// The bad weather is over.
    Quiet,
    /// The next scene of the closing act.
    Scene(u32),
    /// The host's Client goes on with its handshake.
    HostInitialized,
    HostConnects,
    AnswerQuestion(QuestionId, String),
    Probed,
    /// A request reaches the server.
    Arrive(ExchangeId, u32),
    Head(ExchangeId, u32),
    Piece(ExchangeId, u32, String),
    Ended(ExchangeId, u32),
    /// The connection breaks.
    Broke(ExchangeId, u32),
}

/// One HTTP request, as the browser and the world know it.
pub struct Ex {
    pub purpose: Purpose,
    pub request: Request,
    pub body: Value,
    pub sid: Option<String>,
    pub generation: u32,
    pub sent_at: u64,
    /// Exchanges that were open when it was sent.
    pub ahead: u64,
    pub open: bool,
    pub aborted: bool,
    connected: bool,
    reused: bool,
    /// The browser's copies after the first.
    pub copies: u32,
    /// Events of an older script are void.
    script: u32,
    pub arrived: bool,
    pub reply: Option<Reply>,
    how: Option<ReadAs>,
    pub head_at: Option<u64>,
    text: String,
    parser: sse::Parser,
    /// What the server truly said, once the core has all of it.
    pub told: Option<Truth>,
    pub told_at: u64,
    /// The event of the world in which it had.
    pub told_in: usize,
}

/// The weather of the moment: until when each kind lasts.
#[derive(Default)]
pub struct Sky {
    pub down: Option<(u64, crate::plan::Down)>,
    pub offline: u64,
    pub opaque: u64,
    pub hides_id: u64,
    pub drops_id: u64,
    pub forgetful: u64,
    pub full: u64,
    pub page: u64,
    pub slow: u64,
    pub slow_by: u64,
    pub busy: u64,
}

pub struct World {
    pub plan: Plan,
    pub rng: Rng,
    /// Of its own, so that nothing but the split depends on it.
    splits: Rng,
    pub now: Now,
    order: u64,
    happenings: BTreeMap<(u64, u64), Happening>,
    pub session: Session<Value>,
    pub exchanges: BTreeMap<ExchangeId, Ex>,
    waiting: VecDeque<ExchangeId>,
    pub connected: usize,
    finished: usize,
    pub sky: Sky,
    pub server: Server,
    pub app: App,
    pub law: Law,
    pub steps: Steps,
    pub log: Option<Vec<String>>,
    /// Of all outputs and their times.
    pub digest: u64,
    pub failure: Option<String>,
    pub over: bool,
    pub events: usize,
}

impl World {
    pub fn new(seed: u64, splits: u64, transcript: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut server = Server::new();
        let plan = Plan::new(&mut rng, server.rows(), seed % 2 == 1);
        let mut law = Law::default();
        if let Some(eras) = &plan.eras {
            server.speaks = eras.starts;
            eras.remembered.then(|| law.eras.remembered());
        }
        let now = Now { mono: 1_000, unix_ms: 1_700_000_000_000 };
        let session = Session::new(plan.config(), rng.u64(..), now);
        let mut world = Self {
            app: App::new(&plan),
            rng,
            splits: Rng::with_seed(splits),
            now,
            order: 0,
            happenings: BTreeMap::new(),
            session,
            exchanges: BTreeMap::new(),
            waiting: VecDeque::new(),
            connected: 0,
            finished: 0,
            sky: Sky::default(),
            server,
            law,
            steps: Steps::default(),
            log: transcript.then(Vec::new),
            digest: 0xcbf2_9ce4_8422_2325,
            failure: None,
            over: false,
            events: 0,
            plan,
        };
        world.say(|world| format!("{:?}", world.plan));
        let plan = world.plan.clone();
        for (at, weather) in plan.weather {
            world.later(at, Happening::Change(weather));
        }
        for (at, action) in plan.actions {
            world.later(at, Happening::Act(action));
        }
        world.later(plan.quiet_at, Happening::Quiet);
        world
    }

    pub fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = format!("{:>9.3}  {}", (self.now.mono - 1_000) as f64 / 1000.0, line(self));
            self.log.iter_mut().for_each(|log| log.push(line.clone()));
        }
    }

    pub fn fail(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.say(|_| format!("*** {what}"));
        self.failure.get_or_insert(what);
    }

    /// `ms` from now.
    pub fn later(&mut self, ms: u64, happening: Happening) {
        self.order += 1;
        self.happenings.insert((self.now.mono.saturating_add(ms), self.order), happening);
    }

    pub fn is_quiet(&self) -> bool {
        self.now.mono >= self.plan.quiet_at + 1_000
    }

    /// A chance per mille, while the weather is bad.
    pub fn unlucky(&mut self, permille: u16) -> bool {
        !self.is_quiet() && permille > 0 && self.rng.u16(0..1000) < permille
    }

    pub fn run(&mut self) {
        self.connect();
        while self.failure.is_none() && !self.over {
            self.events += 1;
            if self.events > MAX_EVENTS {
                return self.fail("no end in sight");
            }
            let next = self.happenings.first_key_value().map(|((at, _), _)| *at);
            let timer = self.session.poll_timeout().map(|deadline| deadline.at.saturating_add(self.plan.timer_late));
            match (next, timer) {
                (None, None) => return,
                (next, Some(timer)) if next.is_none_or(|next| timer < next) => {
                    self.advance(timer);
                    self.session.handle_timeout(self.now);
                    self.drain();
                    // `handle_timeout` at its deadline acts or moves the deadline.
                    if let Some(deadline) = self.session.poll_timeout().filter(|next| next.at <= self.now.mono) {
                        self.fail(format!("the deadline {:?} stays in the past", deadline.why));
                    }
                }
                _ => {
                    let Some(((at, _), happening)) = self.happenings.pop_first() else { return };
                    self.advance(at);
                    self.happen(happening);
                }
            }
        }
    }

    fn advance(&mut self, to: u64) {
        let ms = to.saturating_sub(self.now.mono);
        self.now.mono += ms;
        self.now.unix_ms = self.now.unix_ms.saturating_add(ms);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Act(action) => self.act(action),
            Happening::Change(weather) => self.change(weather),
            Happening::Quiet => self.quiet(),
            Happening::Scene(scene) => self.scene(scene),
            Happening::HostInitialized => self.host_initialized(),
            Happening::HostConnects => self.connect(),
            Happening::AnswerQuestion(question, tag) => self.answer_question(question, &tag),
            Happening::Probed => {
                let reach = if self.now.mono < self.sky.offline {
                    Reach::Offline
                } else {
                    [Reach::Answers, Reach::Silent, Reach::Unknown][self.rng.usize(0..3)]
                };
                self.say(|_| format!("probe: {reach:?}"));
                self.steps.probing = false;
                self.session.handle_probe(reach, self.now);
                self.drain();
            }
            Happening::Arrive(id, script) => {
                if self.is_script(id, script) {
                    self.arrive(id);
                }
            }
            Happening::Head(id, script) => self.head(id, script),
            Happening::Piece(id, script, text) => {
                if self.is_script(id, script) {
                    self.piece(id, &text);
                }
            }
            Happening::Ended(id, script) => {
                if self.is_script(id, script) {
                    self.ended(id);
                }
            }
            Happening::Broke(id, script) => {
                if self.is_script(id, script) {
                    self.broke(id);
                }
            }
        }
    }

    fn is_script(&self, id: ExchangeId, script: u32) -> bool {
        let talks = self.plan.talks_after_abort;
        self.exchanges.get(&id).is_some_and(|ex| ex.script == script && (ex.open || talks && ex.aborted))
    }

    // The browser.

    pub fn one_way(&mut self) -> u64 {
        let slow = if self.now.mono < self.sky.slow { self.sky.slow_by } else { 0 };
        self.rng.u64(self.plan.latency.clone()) + slow
    }

    fn send(&mut self, id: ExchangeId, purpose: Purpose, request: Request) {
        let body = request.body.as_deref().map_or(Ok(Value::Null), serde_json::from_str);
        let Ok(body) = body else { return self.fail(format!("the body is no JSON: {:?}", request.body)) };
        let mut ids = request.headers.iter().filter(|(name, _)| name == "mcp-session-id").map(|(_, id)| id.clone());
        let ex = Ex {
            purpose,
            body,
            sid: ids.next(),
            generation: self.law.generation_of(id),
            sent_at: self.now.mono,
            ahead: self.exchanges.values().filter(|ex| ex.open).count() as u64,
            open: true,
            aborted: false,
            connected: false,
            reused: false,
            copies: 0,
            script: 0,
            arrived: false,
            reply: None,
            how: None,
            head_at: None,
            text: String::new(),
            parser: sse::Parser::new(1 << 20),
            told: None,
            told_at: 0,
            told_in: 0,
            request,
        };
        self.exchanges.insert(id, ex);
        self.check_send(id);
        self.waiting.push_back(id);
        self.connect_waiting();
    }

    fn connect_waiting(&mut self) {
        while self.plan.multiplexed || self.connected < CONNECTIONS {
            let Some(id) = self.waiting.pop_front() else { return };
            let reused = self.finished > 0;
            let Some(ex) = self.exchanges.get_mut(&id) else { continue };
            (ex.connected, ex.reused) = (true, reused);
            self.connected += 1;
            let way = self.one_way();
            self.later(way, Happening::Arrive(id, 0));
        }
    }

    /// Nothing more happens on this exchange.
    fn release(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get_mut(&id).filter(|ex| ex.open) else { return };
        ex.open = false;
        if ex.connected {
            self.connected -= 1;
            self.finished += 1;
        }
        self.waiting.retain(|waiting| *waiting != id);
        self.connect_waiting();
    }

    fn arrive(&mut self, id: ExchangeId) {
        if self.now.mono < self.sky.offline {
            return self.broke(id);
        }
        if self.unlucky(self.plan.odds.lost) {
            return self.broke(id);
        }
        if self.unlucky(self.plan.odds.silent) {
            // It never arrives, and the connection stays.
            return;
        }
        if let Some(ex) = self.exchanges.get_mut(&id) {
            ex.arrived = true;
        }
        match self.reply(id) {
            Some(reply) => self.play(id, reply),
            None => self.broke(id),
        }
    }

    /// Lets an answer come, in place of what was to come.
    pub fn play(&mut self, id: ExchangeId, mut reply: Reply) {
        let after = self.one_way() + reply.after;
        let odds = self.plan.odds;
        let Some(ex) = self.exchanges.get_mut(&id) else { return };
        ex.script += 1;
        let script = ex.script;
        if self.unlucky(odds.unanswered) {
            return self.later(after, Happening::Broke(id, script));
        }
        if self.unlucky(odds.cut) {
            reply.ending = Ending::Cut;
            let last = reply.pieces.last_mut();
            last.into_iter().for_each(|(_, text)| {
                let half = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at));
                text.truncate(half.unwrap_or(0));
            });
        }
        self.later(after, Happening::Head(id, script));
        let mut last = after;
        for (at, text) in std::mem::take(&mut reply.pieces) {
            last = last.max(after + at);
            self.later(last, Happening::Piece(id, script, text));
        }
        match reply.ending {
            Ending::End => self.later(last, Happening::Ended(id, script)),
            Ending::Cut => self.later(last, Happening::Broke(id, script)),
            Ending::Open => {}
        }
        if let Some(ex) = self.exchanges.get_mut(&id) {
            ex.reply = Some(reply);
        }
    }

    fn head(&mut self, id: ExchangeId, script: u32) {
        if !self.is_script(id, script) {
            return;
        }
        let hides = self.now.mono < self.sky.hides_id;
        let Some(ex) = self.exchanges.get_mut(&id) else { return };
        let Some(reply) = &ex.reply else { return };
        ex.head_at = Some(self.now.mono);
        if reply.opaque {
            // The browser has read it; the page sees a failure.
            return self.failed(id);
        }
        let head = Head {
            status: reply.status,
            content_type: reply.content_type.clone(),
            session_id: reply.session_id.clone().filter(|_| !hides),
            retry_after: reply.retry_after.clone(),
            www_authenticate: None,
        };
        let sees_id = head.session_id.is_some();
        if let Some(made) = ex.reply.as_ref().and_then(|reply| reply.made.clone()) {
            self.law.handshake_seen(id, made, sees_id);
        }
        self.say(|world| format!("  {} ← {}", world.name(id), head.status));
        self.tell(id, Input::Head(head));
        // A body that is not read, or is none.
        let discards = matches!(self.exchanges.get(&id).and_then(|ex| ex.how), Some(ReadAs::Discard));
        if discards {
            self.ended(id);
        }
    }

    fn piece(&mut self, id: ExchangeId, text: &str) {
        let Some(ex) = self.exchanges.get_mut(&id) else { return };
        let Some(ReadAs::Events { .. }) = ex.how else { return ex.text.push_str(text) };
        let mut events = Vec::new();
        let mut bytes = text.as_bytes();
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_at(self.splits.usize(1..=bytes.len()));
            bytes = rest;
            if ex.parser.push(head, |event| events.push(event)).is_err() {
                return self.fail("an event is too large");
            }
        }
        for event in events {
            self.heard_on_stream(id, &event);
            let message = event.is_message().then(|| serde_json::from_str::<Value>(&event.data));
            if let Some(Err(_)) = &message {
                self.tell(id, Input::Malformed(Malformed::Json { bytes: event.data.len() as u64 }));
            }
            let message = message.and_then(Result::ok);
            // An answer of another's tells nothing.
            let asked = self.exchanges.get(&id).map(|ex| ex.body["id"].clone()).unwrap_or_default();
            let answers = message
                .as_ref()
                .is_some_and(|message| message.get("method").is_none() && (asked.is_null() || message["id"] == asked));
            if answers {
                self.now_told(id);
            }
            self.tell(id, Input::Event { id: event.id, retry_ms: event.retry_ms, message });
        }
    }

    fn now_told(&mut self, id: ExchangeId) {
        let (now, events) = (self.now.mono, self.events);
        if let Some(ex) = self.exchanges.get_mut(&id).filter(|ex| ex.told.is_none() && !ex.aborted) {
            ex.told_in = events;
            ex.told = ex.reply.as_ref().map(|reply| reply.truth);
            ex.told_at = now;
        }
        self.note_told(id);
    }

    fn ended(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get_mut(&id) else { return };
        let (how, text) = (ex.how, std::mem::take(&mut ex.text));
        match how {
            Some(ReadAs::Json { .. }) => {
                self.now_told(id);
                let input = match serde_json::from_str(&text) {
                    Ok(value) => Input::Message(value),
                    Err(_) => Input::Malformed(Malformed::Json { bytes: text.len() as u64 }),
                };
                self.tell(id, input);
            }
            Some(ReadAs::Text { max }) => {
                self.now_told(id);
                let cut = text.chars().take(usize::try_from(max).unwrap_or(usize::MAX)).collect();
                self.tell(id, Input::Text(cut));
            }
            Some(ReadAs::Discard | ReadAs::Events { .. }) => self.now_told(id),
            None => {}
        }
        self.stream_over(id);
        self.release(id);
        self.tell(id, Input::End);
    }

    /// The connection dies: before any header, a browser may send a POST again by itself.
    fn broke(&mut self, id: ExchangeId) {
        let again = self.plan.odds.sent_again;
        let Some(ex) = self.exchanges.get_mut(&id) else { return };
        let may = ex.reused && ex.copies == 0 && ex.head_at.is_none() && ex.request.method == Method::Post && ex.open;
        ex.script += 1;
        if may && self.now.mono >= self.sky.offline && self.unlucky(again) {
            let Some(ex) = self.exchanges.get_mut(&id) else { return };
            (ex.copies, ex.arrived) = (1, false);
            let script = ex.script;
            self.say(|world| format!("  {} is sent again by the browser", world.name(id)));
            let way = self.one_way();
            return self.later(way, Happening::Arrive(id, script));
        }
        self.failed(id);
    }

    fn failed(&mut self, id: ExchangeId) {
        self.say(|world| format!("  {} failed", world.name(id)));
        self.note_failed(id);
        self.note_era(id, true);
        self.stream_over(id);
        self.release(id);
        self.tell(id, Input::Failed { cause: None });
    }

    /// Every open connection dies at once.
    pub fn break_all(&mut self) {
        for id in self.on_the_wire() {
            self.broke(id);
        }
    }

    pub fn on_the_wire(&self) -> Vec<ExchangeId> {
        self.exchanges.iter().filter(|(_, ex)| ex.open && ex.connected).map(|(id, _)| *id).collect()
    }

    fn tell(&mut self, id: ExchangeId, input: Input<Value>) {
        if self.failure.is_none() {
            self.session.handle_input(id, input, self.now);
            self.drain();
        }
    }

    /// Performs what the session asks for.
    pub fn drain(&mut self) {
        for _ in 0..MAX_OUTPUTS {
            let Some(output) = self.session.poll_output() else {
                self.observe();
                return;
            };
            self.mix(&output);
            self.perform(output);
            if self.failure.is_some() {
                return;
            }
        }
        self.fail("outputs without end");
    }

    fn perform(&mut self, output: Output<Value>) {
        self.check_output(&output);
        match output {
            Output::Send { exchange, purpose, request } => self.send(exchange, purpose, request),
            Output::Read { exchange, how } => {
                if let Some(ex) = self.exchanges.get_mut(&exchange) {
                    ex.how = Some(how);
                }
            }
            Output::Abort { exchange } => {
                self.say(|world| format!("  {} aborted", world.name(exchange)));
                if let Some(ex) = self.exchanges.get_mut(&exchange) {
                    ex.aborted = true;
                }
                self.release(exchange);
            }
            Output::Settle { call, result } => self.settled(call, result),
            Output::Progress { call, params } => self.progressed(call, &params),
            Output::Ask { question, params, call, generation, .. } => {
                self.asked(question, params.as_ref(), call, generation);
            }
            Output::Withdraw { question } => self.withdrawn(question),
            Output::Tell { .. } | Output::Steal => self.fail("a session that is not shared speaks to tabs"),
            Output::Probe => {
                self.steps.probing = true;
                // Some driver never says.
                if self.rng.u8(0..4) > 0 {
                    self.later(20, Happening::Probed);
                }
            }
            Output::Authorize { .. } => {
                self.fail("asked to authorize, though it was not told that anybody can".to_owned())
            }
            Output::Emit(event) => self.heard(&event),
        }
    }

    /// Folds an output into the digest (FNV-1a).
    fn mix(&mut self, output: &Output<Value>) {
        if self.law.digests {
            let text = format!("{:?}{:?}", self.now, output);
            for byte in text.bytes() {
                self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }

    pub fn name(&self, id: ExchangeId) -> String {
        let Some(ex) = self.exchanges.get(&id) else { return format!("#{}", id.0) };
        let what = match ex.request.method {
            Method::Delete => "DELETE",
            Method::Get => "GET",
            Method::Post => ex.body["method"].as_str().unwrap_or("answer"),
        };
        let call = ex.purpose_call().and_then(|call| self.app.number(call)).map(|n| format!(" {n}"));
        format!("#{} {what}{} g{}", id.0, call.unwrap_or_default(), ex.generation)
    }
}

impl Ex {
    pub fn purpose_call(&self) -> Option<mcp_evergreen::protocol::CallId> {
        match self.purpose {
            Purpose::Call(call) | Purpose::Notification(call) => Some(call),
            _ => None,
        }
    }

    pub fn is(&self, rpc_method: &str) -> bool {
        self.body["method"] == rpc_method
    }
}
