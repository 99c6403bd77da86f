//! The servers. Each answer carries what it truly means.

use crate::browser::Ex;
use crate::eras::Speaks;
use crate::ledger::Courier;
use crate::modern::Modern;
use crate::plan::{Dying, Weather};
use crate::streams::Kept;
use crate::world::{Sky, World};
use fastrand::Rng;
use mcp_evergreen::protocol::ExchangeId;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What an answer truly means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// The handler's own word.
    Answer,
    /// The gate does not know the session: this copy did not run. `plain`: no ping is needed to know.
    Gate { plain: bool },
    /// A limiter refused this copy before it was dispatched.
    Busy,
    /// Refused before it was dispatched, for another reason.
    Forbidden,
    /// It may be running.
    Unclear,
}

pub struct Reply {
    /// Milliseconds until the head.
    pub after: u64,
    pub status: u16,
    pub content_type: Option<String>,
    pub session_id: Option<String>,
    pub retry_after: Option<String>,
    /// Nobody is to come back before so many milliseconds.
    pub floor: Option<u64>,
    /// `WWW-Authenticate`
    pub challenge: Option<String>,
    /// Milliseconds after the head, and text.
    pub pieces: Vec<(u64, String)>,
    pub ending: Ending,
    pub truth: Truth,
    /// Without CORS headers.
    pub opaque: bool,
    /// The session that this answer to `initialize` made; `None` inside where the server keeps none.
    pub made: Option<Option<String>>,
    /// The era that this answer shows.
    pub era: Option<Era>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    End,
    Cut,
    /// The stream stays open.
    Open,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: String, truth: Truth) -> Self {
        Self {
            after: 0,
            status,
            content_type: (!content_type.is_empty()).then(|| content_type.to_owned()),
            session_id: None,
            retry_after: None,
            floor: None,
            challenge: None,
            pieces: vec![(0, body)],
            ending: Ending::End,
            truth,
            opaque: false,
            made: None,
            era: None,
        }
    }

    pub fn text(status: u16, words: &str, truth: Truth) -> Self {
        Self::new(status, "text/plain", words.to_owned(), truth)
    }

    pub fn events(body: String) -> Self {
        Self::new(200, "text/event-stream", body, Truth::Answer)
    }

    pub fn error(status: u16, code: i64, message: &str, truth: Truth) -> Self {
        let error = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}});
        Self::new(status, "application/json", error.to_string(), truth)
    }
}

/// One row of the survey.
#[derive(serde::Deserialize)]
struct Row {
    verdict: String,
    request: String,
    status: u16,
    content_type: Option<String>,
    body: String,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../signals.json")).expect("the survey is JSON");
    rows.into_iter().filter(|row| row.verdict == "evicted" && row.request == "POST").collect()
});

/// A session, as the server has it.
#[derive(Default)]
pub struct Held {
    pub alive: bool,
    replica: usize,
    initialized: bool,
    last_used: u64,
    asked: u64,
    ids: BTreeSet<u64>,
    /// A gate or a proxy has said that it is gone.
    pub refused: bool,
    /// DELETE was sent.
    pub deleted: bool,
    pub held: crate::held::Held,
}

pub struct Server {
    pub speaks: Speaks,
    pub modern: Modern,
    pub sessions: BTreeMap<String, Held>,
    pub made: u64,
    /// A restart changes nothing in the count of ids.
    pub stateless_ids: BTreeSet<u64>,
    /// Events that have an id: the session, what comes from there on, and when all of it is there.
    pub events: BTreeMap<String, Kept>,
}

/// A row of the survey; `in_body`: one that says it in a 200.
pub fn row(rng: &mut Rng, in_body: bool) -> usize {
    let rows: Vec<usize> = (0..ROWS.len()).filter(|row| !in_body || ROWS[*row].status == 200).collect();
    rows[rng.usize(0..rows.len())]
}

impl Server {
    pub fn new() -> Self {
        Self {
            speaks: Speaks::Legacy,
            modern: Modern::default(),
            sessions: BTreeMap::new(),
            made: 0,
            stateless_ids: BTreeSet::new(),
            events: BTreeMap::new(),
        }
    }

    pub fn living(&self) -> usize {
        self.sessions.values().filter(|held| held.alive).count()
    }

    fn kill_all(&mut self) {
        self.sessions.values_mut().for_each(|held| held.alive = false);
    }
}

impl World {
    pub fn change(&mut self, weather: Weather) {
        self.say(|_| format!("~~~ {weather:?}"));
        let now = self.now.mono;
        match weather {
            Weather::Restart(ms, down) => {
                self.server.kill_all();
                self.forget_modern();
                self.break_all();
                self.sky.down = Some((now + ms, down));
            }
            Weather::Evict => self.evict_all(),
            Weather::Offline(ms) => {
                self.sky.offline = now + ms;
                self.break_all();
            }
            Weather::Opaque(ms) => self.sky.opaque = now + ms,
            Weather::HidesId(ms) => self.sky.hides_id = now + ms,
            Weather::DropsId(ms) => self.sky.drops_id = now + ms,
            Weather::Forgetful(ms) => self.sky.forgetful = now + ms,
            Weather::Full(ms) => self.sky.full = now + ms,
            Weather::Page(ms) => self.sky.page = now + ms,
            Weather::Slow(ms, by) => (self.sky.slow, self.sky.slow_by) = (now + ms, by),
            Weather::Busy(ms) => self.sky.busy = now + ms,
            Weather::Become(speaks, breaks) => self.become_(speaks, breaks),
        }
    }

    /// The weather clears for good; what is permanent about the server stays.
    pub fn quiet(&mut self) {
        self.say(|_| "~~~ quiet".to_owned());
        self.sky = Sky::default();
        self.plan.server.sticky = true;
        self.plan.server.idle = u64::MAX;
        self.plan.server.cap = 10_000;
        self.later(0, crate::world::Happening::Scene(0));
    }

    /// Sessions end; what they were running ends as the plan says.
    pub fn evict_all(&mut self) {
        self.server.kill_all();
        let dying = self.plan.server.dying;
        if dying == Dying::Answers {
            return;
        }
        for id in self.on_the_wire() {
            let Some(ex) = self.exchanges.get(&id) else { continue };
            let begun = ex.begun_at.is_some();
            let open = ex.told.is_none() && (!begun || ex.reply.as_ref().is_some_and(|reply| reply.status == 200));
            let running = open && ex.arrived && ex.sid.is_some() && ex.request.method == Method::Post;
            if !running || !ex.body["id"].is_u64() || ex.is("initialize") || ex.body.get("method").is_none() {
                continue;
            }
            let reply = match dying {
                Dying::Says500 if !begun => {
                    let words = "Session terminated before the request completed";
                    Reply::error(500, -32603, words, Truth::Unclear)
                }
                Dying::Refuses => self.refusal_in(id, begun),
                Dying::Says500 | Dying::EndsStream | Dying::Answers => {
                    Reply::new(200, "text/event-stream", String::new(), Truth::Unclear)
                }
            };
            self.play(id, reply);
        }
    }

    /// What was running is refused as what comes anew is: where the head has gone out, in the body.
    fn refusal_in(&mut self, id: ExchangeId, begun: bool) -> Reply {
        let Some(ex) = self.exchanges.get(&id) else { return Reply::text(500, "", Truth::Unclear) };
        let stream = begun && ex.is_event_stream();
        let body = ex.body.clone();
        let mut reply = self.refusal(id, &body);
        if begun {
            let (text, status) = (std::mem::take(&mut reply.pieces[0].1), 200);
            // What is no JSON is no message on a stream.
            let json = serde_json::from_str::<Value>(&text).ok().filter(|json| json["error"].is_object());
            let plain =
                || json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "Session not found"}});
            let text = json.unwrap_or_else(plain).to_string();
            reply.pieces = vec![(0, if stream { format!("data: {text}\n\n") } else { text })];
            reply.status = status;
            reply.truth = Truth::Gate { plain: false };
        }
        reply
    }

    /// What the request is answered with; `None`: the connection is refused.
    pub fn reply(&mut self, id: ExchangeId) -> Option<Reply> {
        if self.preflight_fails(id) {
            return None;
        }
        let mut reply = match self.proxy(id) {
            Ok(reply) => reply?,
            Err(()) => self.origin(id),
        };
        let refusal = !(200..300).contains(&reply.status);
        reply.opaque |= refusal && self.now.mono < self.sky.opaque;
        if refusal && self.plan.server.ids_on_errors && reply.session_id.is_none() {
            reply.session_id = Some(format!("bogus-{}", self.rng.u32(0..1000)));
        }
        Some(reply)
    }

    /// A refusal of the standing stream alone says nothing: some servers refuse each GET.
    pub fn refuses(&mut self, id: ExchangeId) {
        let sid = self.exchanges.get(&id).filter(|ex| !ex.is_standing()).and_then(|ex| ex.sid.clone());
        if let Some(held) = sid.and_then(|sid| self.server.sessions.get_mut(&sid)) {
            held.refused = true;
        }
    }

    pub fn origin(&mut self, id: ExchangeId) -> Reply {
        if let Some(reply) = self.by_era(id) {
            return reply;
        }
        let now = self.now.mono;
        let Some(ex) = self.exchanges.get(&id) else { return Reply::text(500, "", Truth::Unclear) };
        let body = ex.body.clone();
        let sent_sid = ex.sid.clone();
        let http = ex.request.method;
        let method = body["method"].as_str().unwrap_or_default().to_owned();
        let sid = sent_sid.filter(|_| now >= self.sky.drops_id);
        if method == "initialize" {
            return self.initialize(id, &body);
        }
        let replica = match &sid {
            Some(sid) if self.plan.server.sticky => self.server.sessions.get(sid).map_or(0, |held| held.replica),
            _ => self.rng.usize(0..self.plan.server.replicas),
        };
        let idle = self.plan.server.idle;
        if let Some(held) = sid.as_ref().and_then(|sid| self.server.sessions.get_mut(sid)) {
            if now.saturating_sub(held.last_used) > idle {
                held.alive = false;
            }
            held.last_used = now;
        }
        if !self.plan.server.stateless {
            let Some(sid) = &sid else {
                // Python's carries a new and useless id.
                let words = "Bad Request: Missing session ID";
                let mut reply = Reply::error(400, -32600, words, Truth::Gate { plain: false });
                reply.session_id = Some("useless".to_owned());
                self.refuses(id);
                return reply;
            };
            let knows = self.server.sessions.get(sid).is_some_and(|held| held.alive && held.replica == replica);
            if !knows {
                return self.refusal(id, &body);
            }
        }
        if http == Method::Get {
            return self.stream(id, &sid);
        }
        if http == Method::Delete {
            if self.plan.server.refuses_delete && !self.plan.server.single {
                return Reply::error(405, -32000, "Method not allowed.", Truth::Answer);
            }
            if let Some(held) = sid.as_ref().and_then(|sid| self.server.sessions.get_mut(sid)) {
                held.alive = false;
            }
            return Reply::new(200, "", String::new(), Truth::Answer);
        }
        if body["id"].is_null() || method.is_empty() {
            return self.one_way_message(id, &sid, &method, &body);
        }
        self.request(id, sid, &method, &body)
    }

    fn initialize(&mut self, id: ExchangeId, body: &Value) -> Reply {
        let now = self.now.mono;
        if self.exchanges.get(&id).is_some_and(|ex| ex.sid.is_some()) {
            self.fail("initialize carries a session id");
        }
        if self.plan.server.single && self.is_quiet() {
            // Nobody but an operator ends a session whose handshake was lost on the way.
            let known = self.current_id();
            let lost = self.server.sessions.iter_mut().filter(|(sid, _)| Some(*sid) != known.as_ref());
            lost.for_each(|(_, held)| held.alive = false);
        }
        if self.plan.server.single && self.server.living() > 0 {
            return Reply::error(400, -32600, "Invalid Request: Server already initialized", Truth::Forbidden);
        }
        if std::mem::take(&mut self.sky.told_to_wait) {
            let mut reply = Reply::text(503, "Service Unavailable", Truth::Unclear);
            reply.retry_after = Some("1000000000".to_owned());
            return reply;
        }
        if now < self.sky.full || self.server.living() >= self.plan.server.cap {
            return Reply::error(503, -32603, "Too many open sessions", Truth::Unclear);
        }
        let result = json!({
            "protocolVersion": self.plan.server.version,
            "capabilities": {"tools": {}, "resources": {"subscribe": true}, "logging": {}},
            "serverInfo": {"name": "model", "version": "1"},
        });
        let answer = json!({"jsonrpc": "2.0", "id": body["id"], "result": result});
        let mut reply = self.answer(&answer, 0, Vec::new(), None);
        reply.after = self.sky.slow_handshake;
        if !self.is_quiet() {
            let handshakes = self.plan.server.handshakes;
            reply.after = handshakes[self.rng.usize(0..handshakes.len())];
        }
        let sid = (!self.plan.server.stateless).then(|| {
            self.server.made += 1;
            let sid = format!("s{}", self.server.made);
            let replica = self.rng.usize(0..self.plan.server.replicas);
            let held = Held { alive: true, replica, last_used: now, ..Held::default() };
            self.server.sessions.insert(sid.clone(), held);
            sid
        });
        self.say(|world| format!("  {} made {sid:?}", world.name(id)));
        reply.session_id.clone_from(&sid);
        reply.made = Some(sid);
        reply
    }

    /// As this server's gate refuses.
    fn refusal(&mut self, id: ExchangeId, body: &Value) -> Reply {
        self.refuses(id);
        let row = &ROWS[self.plan.server.row];
        let own = body["id"].to_string();
        let text =
            row.body.replace("\"id\": 7", &format!("\"id\": {own}")).replace("\"id\": 3", &format!("\"id\": {own}"));
        let own_id = text != row.body;
        let plain = matches!(row.status, 400 | 404 | 410) && !own_id;
        let content_type = row.content_type.as_deref().unwrap_or_default();
        Reply::new(row.status, content_type, text, Truth::Gate { plain })
    }

    fn one_way_message(&mut self, id: ExchangeId, sid: &Option<String>, method: &str, body: &Value) -> Reply {
        if method == "notifications/initialized" {
            let forgetful = self.now.mono < self.sky.forgetful;
            if let Some(held) = sid.as_ref().and_then(|sid| self.server.sessions.get_mut(sid)) {
                held.initialized = true;
                held.alive &= !forgetful;
            }
            if forgetful {
                self.refuses(id);
            }
        }
        if method == "notifications/cancelled" {
            self.check_cancelled(sid, body);
        }
        if method.is_empty() {
            self.check_answer(sid, body);
        }
        if let Some(n) = body["params"]["n"].as_u64() {
            self.ran(n, id);
        }
        Reply::new(if self.rng.bool() { 202 } else { 204 }, "", String::new(), Truth::Answer)
    }

    fn request(&mut self, id: ExchangeId, sid: Option<String>, method: &str, body: &Value) -> Reply {
        let wire_id = body["id"].as_u64().unwrap_or_default();
        let copy = self.exchanges.get(&id).is_some_and(|ex| ex.by != Courier::Client);
        let ids = match sid.as_ref().and_then(|sid| self.server.sessions.get_mut(sid)) {
            Some(held) => &mut held.ids,
            None => &mut self.server.stateless_ids,
        };
        if !ids.insert(wire_id) && !copy {
            self.fail(format!("the request id {wire_id} came twice"));
        }
        self.answered(id);
        let params = &body["params"];
        let n = params["arguments"]["n"].as_u64().or_else(|| params["n"].as_u64());
        let error = |code: i64, message: &str| json!({"jsonrpc": "2.0", "id": wire_id, "error": {"code": code, "message": message}});
        let mut result = json!({"jsonrpc": "2.0", "id": wire_id, "result": {"n": n, "wire": wire_id}});
        let takes = params["arguments"]["ms"].as_u64().unwrap_or(0);
        match (method, params["name"].as_str()) {
            ("ping", _) => result["result"] = json!({}),
            ("tools/call", Some(tool)) => {
                if let Some(n) = n {
                    self.ran(n, id);
                }
                if tool == "throws" {
                    // A TypeScript server's tool that throws: the handler ran, and the session lives.
                    result = error(-32600, "MCP error -32600: Session not found");
                }
                if let Some(reply) = self.own_error(wire_id, takes, tool == "throws") {
                    return reply;
                }
            }
            ("tools/list" | "resources/read", _) => {}
            ("resources/subscribe" | "resources/unsubscribe" | "logging/setLevel", _) => {
                if let Err((code, words)) = self.hold(&sid, method, params) {
                    result = error(code, words);
                }
            }
            _ if self.rng.bool() => {
                let words = if self.rng.bool() { "no such method in this session" } else { "Method not found" };
                let text = error(-32601, words).to_string();
                return Reply::new(404, "application/json", text, Truth::Answer);
            }
            _ => result = error(-32601, "Method not found"),
        }
        if self.unlucky(self.plan.odds.gateway) {
            return self.gateway_page(id, takes);
        }
        let mut before = Vec::new();
        if self.plan.server.asks && method == "tools/call" && self.rng.bool() {
            let questions = if self.plan.server.floods && self.rng.bool() { 300 } else { 1 };
            let pings = questions > 1 && !self.plan.host && self.rng.bool();
            let ping = |at: u64| json!({"jsonrpc": "2.0", "id": format!("p{at}"), "method": "ping"});
            before.extend((0..questions).map(|at| if pings { ping(at) } else { self.question(&sid) }));
        }
        if self.plan.server.muddles {
            before.extend(self.muddle(wire_id));
        }
        if let Some(token) = params["_meta"]["progressToken"].as_u64() {
            let progress = json!({"progressToken": token, "progress": 1, "n": self.number_of(id)});
            before.push(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}));
        }
        // What a restoration asks for is no call's, and is not resumed.
        let call = self.exchanges.get(&id).and_then(Ex::purpose_call);
        self.answer(&result, takes, before, Some((sid, call)))
    }

    /// A handler that failed says so with a status, and under the request's own id.
    pub fn own_error(&mut self, wire_id: u64, takes: u64, throws: bool) -> Option<Reply> {
        if !self.unlucky(if throws { 500 } else { self.plan.odds.own_error }) {
            return None;
        }
        let status = [400, 400, 404, 409, 410, 422, 500, 503][self.rng.usize(0..8)];
        let words = ["Unknown tool", "The session store is full", "Invalid arguments", "Session not found"];
        let words = if throws { words[3] } else { words[self.rng.usize(0..3)] };
        let code = [-32602, -32603, -32000, -32600, -32021][self.rng.usize(0..5)];
        let text = json!({"jsonrpc": "2.0", "id": wire_id, "error": {"code": code, "message": words}}).to_string();
        Some(Reply { after: takes, ..Reply::new(status, "application/json", text, Truth::Answer) })
    }

    /// The app's number of the call that is sent.
    pub fn number_of(&self, id: ExchangeId) -> Option<u64> {
        self.exchanges.get(&id).and_then(Ex::purpose_call).and_then(|call| self.app.number(call))
    }

    /// A question of the server's; ids count from 0 in each session.
    pub fn question(&mut self, sid: &Option<String>) -> Value {
        let mut asked = 0;
        if let Some(held) = sid.as_ref().and_then(|sid| self.server.sessions.get_mut(sid)) {
            asked = held.asked;
            held.asked += 1;
        }
        let tag = format!("{}:{asked}", sid.as_deref().unwrap_or_default());
        json!({"jsonrpc": "2.0", "id": asked, "method": "elicitation/create", "params": {"tag": tag}})
    }

    /// Answers that are not this request's.
    pub fn muddle(&mut self, wire_id: u64) -> Vec<Value> {
        let wires = |ex: &Ex| ex.body["id"].as_u64().filter(|id| *id != wire_id);
        let others: Vec<u64> = self.exchanges.values().filter_map(wires).collect();
        let other = if others.is_empty() { wire_id + 1 } else { others[self.rng.usize(0..others.len())] };
        vec![
            json!({"jsonrpc": "2.0", "id": other, "result": {"n": 1_000_000, "wire": 0}}),
            json!({"jsonrpc": "2.0", "id": other.to_string(), "result": {"n": 1_000_001, "wire": 0}}),
            json!({"jsonrpc": "2.0", "id": other, "error": {"code": -32000, "message": "another's"}}),
        ]
    }
}
