//! Ten thousand clients of one server that restarts. A herd without jitter is one whose members all draw the same.

use mcp_evergreen::protocol::config::EraChoice;
use mcp_evergreen::protocol::http::Head;
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{CallOptions, Config, ExchangeId, Input, Now, Output, Params, Purpose, ReadAs, Session};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub const CLIENTS: usize = 10_000;
const MINUTE: u64 = 60_000;
const RESTART_AT: u64 = 2 * MINUTE;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The client makes its call of this minute.
    Call(usize),
    /// The server takes a request.
    Serve(usize, ExchangeId),
    Timer(usize),
    Restart,
}

struct Client {
    session: Session<Value>,
    /// The session id and the body's method and id of what is on the wire.
    open: BTreeMap<ExchangeId, (Purpose, Option<String>, Value)>,
    running: BTreeSet<ExchangeId>,
    timer: Option<u64>,
}

pub struct Herd {
    clients: Vec<Client>,
    due: BTreeSet<(u64, u64, Due)>,
    order: u64,
    now: u64,
    rng: fastrand::Rng,
    down: std::ops::Range<u64>,
    live: BTreeSet<String>,
    made: u64,
    /// `initialize` requests in each second after the restart: those that the server took, and those that found nobody.
    pub taken: BTreeMap<u64, u64>,
    pub refused: BTreeMap<u64, u64>,
    /// Milliseconds from the restart until every client was ready again.
    pub healed_after: Option<u64>,
}

impl Herd {
    /// `calls_take`: how long the server works on a call, in milliseconds; all that run break when it restarts.
    pub fn run(jitter: bool, downtime: u64, calls_take: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(7);
        let now = Now { mono: 0, unix_ms: 1_700_000_000_000 };
        let config = Config { era: EraChoice::Legacy, timeout_ms: 120_000, ..Config::default() };
        let client = |n: usize| Client {
            session: Session::new(config.clone(), if jitter { n as u64 } else { 1 }, now),
            open: BTreeMap::new(),
            running: BTreeSet::new(),
            timer: None,
        };
        let mut herd = Self {
            clients: (0..CLIENTS).map(client).collect(),
            due: BTreeSet::new(),
            order: 0,
            now: 0,
            down: RESTART_AT..RESTART_AT + downtime,
            live: BTreeSet::new(),
            made: 0,
            taken: BTreeMap::new(),
            refused: BTreeMap::new(),
            healed_after: None,
            rng: rng.fork(),
        };
        for n in 0..CLIENTS {
            let at = rng.u64(0..MINUTE);
            herd.later(at, Due::Call(n));
        }
        herd.later(RESTART_AT, Due::Restart);
        herd.go(RESTART_AT + 2 * MINUTE, calls_take);
        herd
    }

    fn later(&mut self, ms: u64, due: Due) {
        self.order += 1;
        self.due.insert((self.now + ms, self.order, due));
    }

    fn clock(&self) -> Now {
        Now { mono: self.now, unix_ms: 1_700_000_000_000 + self.now }
    }

    fn go(&mut self, until: u64, calls_take: u64) {
        let mut checked = 0;
        while let Some((at, _, due)) = self.due.pop_first() {
            if at > until {
                return;
            }
            self.now = at;
            match due {
                Due::Call(n) => {
                    self.later(MINUTE, Due::Call(n));
                    let params =
                        Params { text: Some(r#"{"name":"a","arguments":{}}"#.to_owned()), ..Params::default() };
                    let now = self.clock();
                    self.clients[n].session.call("tools/call".to_owned(), params, CallOptions::default(), now);
                    self.drain(n);
                }
                Due::Timer(n) => {
                    if self.clients[n].timer == Some(at) {
                        self.clients[n].timer = None;
                        let now = self.clock();
                        self.clients[n].session.handle_timeout(now);
                        self.drain(n);
                    }
                }
                Due::Serve(n, id) => self.serve(n, id, calls_take),
                Due::Restart => {
                    self.live.clear();
                    for n in 0..CLIENTS {
                        for id in std::mem::take(&mut self.clients[n].running) {
                            self.fail(n, id);
                        }
                    }
                }
            }
            if self.now > self.down.end && self.healed_after.is_none() && self.now > checked + 1_000 {
                checked = self.now;
                let ready = |client: &Client| client.session.status().phase == Phase::Ready;
                if self.live.len() >= CLIENTS && self.clients.iter().all(ready) {
                    self.healed_after = Some(self.now - RESTART_AT);
                }
            }
        }
    }

    fn drain(&mut self, n: usize) {
        while let Some(output) = self.clients[n].session.poll_output() {
            match output {
                Output::Send { exchange, purpose, request, .. } => {
                    let body = request.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
                    let mut ids = request.headers.into_iter().filter(|(name, _)| name == "mcp-session-id");
                    let sid = ids.next().map(|(_, id)| id);
                    self.clients[n].open.insert(exchange, (purpose, sid, body.unwrap_or_default()));
                    let way = self.rng.u64(10..60);
                    self.later(way, Due::Serve(n, exchange));
                }
                Output::Abort { exchange } => {
                    self.clients[n].open.remove(&exchange);
                    self.clients[n].running.remove(&exchange);
                }
                _ => {}
            }
        }
        let timer = self.clients[n].session.poll_timeout().map(|deadline| deadline.at.max(self.now));
        if timer != self.clients[n].timer {
            self.clients[n].timer = timer;
            if let Some(at) = timer {
                self.later(at - self.now, Due::Timer(n));
            }
        }
    }

    fn fail(&mut self, n: usize, id: ExchangeId) {
        if self.clients[n].open.remove(&id).is_some() {
            let now = self.clock();
            self.clients[n].session.handle_input(id, Input::Failed { cause: None }, now);
            self.drain(n);
        }
    }

    fn serve(&mut self, n: usize, id: ExchangeId, calls_take: u64) {
        let Some((purpose, sid, body)) = self.clients[n].open.get(&id).cloned() else { return };
        let down = self.down.contains(&self.now);
        if purpose == Purpose::Initialize && self.now >= RESTART_AT {
            let second = (self.now - RESTART_AT) / 1000;
            *if down { &mut self.refused } else { &mut self.taken }.entry(second).or_default() += 1;
        }
        if down {
            return self.fail(n, id);
        }
        let answer = |result: Value| json!({"jsonrpc": "2.0", "id": body["id"], "result": result});
        let held = sid.as_ref().is_some_and(|sid| self.live.contains(sid));
        match purpose {
            Purpose::Initialize => {
                self.made += 1;
                let sid = format!("s{}", self.made);
                self.live.insert(sid.clone());
                let result = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}});
                self.reply(n, id, 200, Some(sid), Some(answer(result)));
            }
            _ if !held => self.reply(n, id, 404, None, None),
            Purpose::Call(_) if self.clients[n].running.insert(id) => {
                let takes = if calls_take == 0 { 0 } else { self.rng.u64(0..calls_take) };
                self.later(takes, Due::Serve(n, id));
            }
            Purpose::Call(_) | Purpose::Ping => self.reply(n, id, 200, None, Some(answer(json!({})))),
            _ => self.reply(n, id, 202, None, None),
        }
    }

    fn reply(&mut self, n: usize, id: ExchangeId, status: u16, session_id: Option<String>, message: Option<Value>) {
        let now = self.clock();
        self.clients[n].running.remove(&id);
        self.clients[n].open.remove(&id);
        let session = &mut self.clients[n].session;
        let content_type = Some(if message.is_some() { "application/json" } else { "text/plain" }.to_owned());
        session.handle_input(id, Input::Head(Head { status, content_type, session_id, ..Head::default() }), now);
        let mut read = None;
        let mut rest = Vec::new();
        while let Some(output) = session.poll_output() {
            match output {
                Output::Read { how, .. } => read = Some(how),
                other => rest.push(other),
            }
        }
        assert!(rest.iter().all(|output| matches!(output, Output::Emit(_))), "a head alone makes nothing happen");
        match (message, read) {
            (Some(message), _) => session.handle_input(id, Input::Message(message), now),
            (None, Some(ReadAs::Text { .. })) => {
                session.handle_input(id, Input::Text("Session not found".to_owned()), now);
            }
            (None, _) => {}
        }
        session.handle_input(id, Input::End, now);
        self.drain(n);
    }

    pub fn peak(&self) -> u64 {
        self.taken.values().copied().max().unwrap_or_default()
    }

    pub fn knocks(&self) -> u64 {
        self.refused.values().copied().max().unwrap_or_default()
    }
}
