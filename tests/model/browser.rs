//! The browser: its connections, the requests on them, and the copies of its own that it sends.

use crate::ledger::Courier;
use crate::server::{Ending, Reply, Truth};
use crate::world::{Happening, World};
use mcp_evergreen::protocol::http::{Head, Method, Request};
use mcp_evergreen::protocol::{CallId, ExchangeId, Input, Malformed, Purpose, ReadAs, Redirect, sse};
use serde_json::Value;
use std::collections::VecDeque;

/// "HTTP/1.1 allows six connections per host".
pub const CONNECTIONS: usize = 6;

/// The connections to the server's origin.
#[derive(Default)]
pub struct Network {
    waiting: VecDeque<ExchangeId>,
    pub connected: usize,
    finished: usize,
}

/// One HTTP request, as the browser and the world know it.
pub struct Ex {
    pub purpose: Purpose,
    pub request: Request,
    pub body: Value,
    pub sid: Option<String>,
    pub generation: u32,
    pub sent_at: u64,
    /// The token that the driver added, counted; 0: none.
    pub token: u32,
    pub open: bool,
    pub aborted: bool,
    connected: bool,
    reused: bool,
    /// Who brings it to the server now.
    pub by: Courier,
    /// Events of an older script are void.
    pub script: u32,
    pub arrived: bool,
    pub reply: Option<Reply>,
    how: Option<ReadAs>,
    pub begun_at: Option<u64>,
    text: String,
    parser: sse::Parser,
    /// Its stream has said something, before any answer.
    pub spoke: bool,
    /// What the server truly said, once the core has all of it.
    pub told: Option<Truth>,
    pub told_at: u64,
    /// The event of the world in which it had.
    pub told_in: usize,
}

impl World {
    pub fn one_way(&mut self) -> u64 {
        let slow = if self.now.mono < self.sky.slow { self.sky.slow_by } else { 0 };
        self.rng.u64(self.plan.latency.clone()) + slow
    }

    pub fn send(&mut self, id: ExchangeId, purpose: Purpose, request: Request) {
        let body = request.body.as_deref().map_or(Ok(Value::Null), serde_json::from_str);
        let Ok(body) = body else { return self.fail(format!("the body is no JSON: {:?}", request.body)) };
        let mut ids = request.headers.iter().filter(|(name, _)| name == "mcp-session-id").map(|(_, id)| id.clone());
        let ex = Ex {
            purpose,
            body,
            sid: ids.next(),
            generation: self.law.generation_of(id),
            sent_at: self.now.mono,
            token: self.tokens.current(),
            open: true,
            aborted: false,
            connected: false,
            reused: false,
            by: Courier::Client,
            // What was repaired goes out under its old name: nothing of its first attempt happens to it any more.
            script: self.exchanges.get(&id).map_or(0, |before| before.script + 1),
            arrived: false,
            reply: None,
            how: None,
            begun_at: None,
            text: String::new(),
            spoke: false,
            parser: sse::Parser::new(1 << 20),
            told: None,
            told_at: 0,
            told_in: 0,
            request,
        };
        self.exchanges.insert(id, ex);
        self.check_send(id);
        self.count_request(Some(purpose));
        self.network.waiting.push_back(id);
        self.connect_waiting();
    }

    fn connect_waiting(&mut self) {
        while self.plan.multiplexed || self.network.connected < CONNECTIONS {
            let Some(id) = self.network.waiting.pop_front() else { return };
            let reused = self.network.finished > 0;
            let Some(ex) = self.exchanges.get_mut(&id) else { continue };
            (ex.connected, ex.reused) = (true, reused);
            self.network.connected += 1;
            let script = ex.script;
            let way = self.one_way();
            self.later(way, Happening::Arrive(id, script));
        }
    }

    pub fn read_as(&mut self, id: ExchangeId, how: ReadAs) {
        if let Some(ex) = self.exchanges.get_mut(&id) {
            ex.how = Some(how);
        }
    }

    pub fn abort(&mut self, id: ExchangeId) {
        self.say(|world| format!("  {} aborted", world.name(id)));
        self.note_abort(id);
        self.stream_closed(id);
        if let Some(ex) = self.exchanges.get_mut(&id) {
            ex.aborted = true;
        }
        self.release(id);
    }

    /// Nothing more happens on this exchange.
    pub fn release(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get_mut(&id).filter(|ex| ex.open) else { return };
        ex.open = false;
        if ex.connected {
            self.network.connected -= 1;
            self.network.finished += 1;
        }
        self.network.waiting.retain(|waiting| *waiting != id);
        self.connect_waiting();
    }

    pub fn arrive(&mut self, id: ExchangeId) {
        if self.now.mono < self.sky.offline {
            return self.broke(id);
        }
        if self.unlucky(self.plan.odds.lost) {
            return self.broke(id);
        }
        if self.unlucky(self.plan.odds.silent) || self.is_swallowed(id) {
            // It never arrives, and the connection stays.
            return;
        }
        if let Some(ex) = self.exchanges.get_mut(&id) {
            ex.arrived = true;
        }
        if self.sends_again(id) {
            return;
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
        // The head is there already: what follows is in its body.
        let begun = ex.begun_at.is_some();
        if !begun && self.unlucky(odds.unanswered) {
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
        if !begun {
            self.later(after, Happening::Head(id, script));
        }
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

    pub fn head(&mut self, id: ExchangeId, script: u32) {
        if !self.is_script(id, script) {
            return;
        }
        let hides = self.now.mono < self.sky.hides_id;
        let Some(ex) = self.exchanges.get_mut(&id) else { return };
        let Some(reply) = &ex.reply else { return };
        ex.begun_at = Some(self.now.mono);
        if reply.opaque {
            // The browser has read it; the page sees a failure.
            return self.failed(id);
        }
        let head = Head {
            status: reply.status,
            content_type: reply.content_type.clone(),
            session_id: reply.session_id.clone().filter(|_| !hides),
            retry_after: reply.retry_after.clone(),
            www_authenticate: reply.challenge.clone(),
        };
        if head.status == 303 {
            self.now_told(id);
            self.stream_over(id);
            self.release(id);
            let status = Some(head.status).filter(|_| self.plan.host);
            return self.tell(id, Input::Redirected(Redirect { elsewhere: false, status }));
        }
        let sees_id = head.session_id.is_some();
        if let Some(made) = ex.reply.as_ref().and_then(|reply| reply.made.clone()) {
            self.law.handshake_seen(id, made, sees_id);
        }
        self.say(|world| format!("  {} ← {}", world.name(id), head.status));
        self.tell(id, Input::Head(head));
        // A body that is not read, or is none.
        let discards = matches!(self.exchanges.get(&id).and_then(|ex| ex.how), Some(ReadAs::Discard));
        if discards && self.is_script(id, script) {
            self.ended(id);
        }
    }

    pub fn piece(&mut self, id: ExchangeId, text: &str) {
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
        let script = ex.script;
        for event in events {
            if !self.is_script(id, script) {
                return;
            }
            self.heard_on_stream(id, &event);
            let message = event.is_message().then(|| serde_json::from_str::<Value>(&event.data));
            if let Some(Err(_)) = &message {
                self.tell(id, Input::Malformed(Malformed::Event { begins: sse::beginning(&event.data) }));
            }
            let message = message.and_then(Result::ok);
            // An answer of another's tells nothing.
            let asked = self.exchanges.get(&id).map(|ex| ex.body["id"].clone()).unwrap_or_default();
            let answers = message.as_ref().is_some_and(|message| {
                let own = asked.is_null() || message["id"] == asked;
                // A refusal has an id of nobody's, if it has one.
                let digit = message["id"].to_string().contains(|c: char| c.is_ascii_digit());
                let nobodys = message.get("error").is_some() && !digit;
                message.get("method").is_none() && (own || nobodys)
            });
            if answers {
                self.now_told(id);
            } else if message.as_ref().is_some_and(|message| message.get("method").is_some())
                && let Some(ex) = self.exchanges.get_mut(&id)
            {
                ex.spoke = true;
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
            if let Some(truth) = ex.told.filter(|_| !ex.spoke) {
                self.ledger.told(id, truth, now);
            }
        }
        self.note_told(id);
    }

    pub fn ended(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get_mut(&id) else { return };
        let (how, text, script) = (ex.how, std::mem::take(&mut ex.text), ex.script);
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
        // It may have been given up, or sent once more.
        if !self.is_script(id, script) {
            return;
        }
        self.stream_over(id);
        self.release(id);
        self.tell(id, Input::End);
    }

    /// The connection dies: before any header, a browser may send a POST again by itself.
    pub fn broke(&mut self, id: ExchangeId) {
        let again = self.plan.odds.sent_again;
        let Some(ex) = self.exchanges.get_mut(&id) else { return };
        let may = ex.reused
            && ex.by == Courier::Client
            && ex.begun_at.is_none()
            && ex.request.method == Method::Post
            && ex.open;
        ex.script += 1;
        if may && self.now.mono >= self.sky.offline && self.unlucky(again) {
            let Some(ex) = self.exchanges.get_mut(&id) else { return };
            (ex.by, ex.arrived) = (Courier::Browser, false);
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
}

impl Ex {
    pub fn purpose_call(&self) -> Option<CallId> {
        match self.purpose {
            Purpose::Call(call) | Purpose::Notification(call) => Some(call),
            _ => None,
        }
    }

    /// Whether its answer is an event stream.
    pub fn is_event_stream(&self) -> bool {
        matches!(self.how, Some(ReadAs::Events { .. }))
    }

    pub fn is(&self, rpc_method: &str) -> bool {
        self.body["method"] == rpc_method
    }
}
