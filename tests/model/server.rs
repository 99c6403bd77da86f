//! The servers, and the proxies before them. Each answer carries what it truly means.

use crate::app::Ran;
use crate::eras::Speaks;
use crate::modern::Modern;
use crate::plan::{Down, Dying, Format, Weather};
use crate::world::{Ex, Sky, World};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::{CallId, ExchangeId};
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
    /// Refused before it was dispatched; come back after so many milliseconds.
    Busy { floor: u64 },
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
    made: u64,
    /// A restart changes nothing in the count of ids.
    pub stateless_ids: BTreeSet<u64>,
    /// Events that have an id: the session, what comes from there on, and when all of it is there.
    events: BTreeMap<String, Kept>,
}

/// What a stream can be resumed with.
#[derive(Clone)]
struct Kept {
    sid: Option<String>,
    /// Whose stream it is; `None`: the standing one.
    call: Option<CallId>,
    /// When each piece is there, on the clock, and its text.
    rest: Vec<(u64, String)>,
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

    pub fn rows(&self) -> usize {
        ROWS.len()
    }

    pub fn living(&self) -> usize {
        self.sessions.values().filter(|held| held.alive).count()
    }

    /// The id of an event on a standing stream.
    pub fn cursor(&mut self, sid: Option<String>, call: Option<CallId>) -> String {
        self.made += 1;
        let name = format!("e{}", self.made);
        self.events.insert(name.clone(), Kept { sid, call, rest: Vec::new() });
        name
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
            let running = ex.arrived && ex.head_at.is_none() && ex.sid.is_some() && ex.request.method == Method::Post;
            if running && ex.body["id"].is_u64() && !ex.is("initialize") {
                let reply = match dying {
                    Dying::Says500 => {
                        let words = "Session terminated before the request completed";
                        Reply::error(500, -32603, words, Truth::Unclear)
                    }
                    Dying::EndsStream | Dying::Answers => {
                        Reply::new(200, "text/event-stream", String::new(), Truth::Unclear)
                    }
                };
                self.play(id, reply);
            }
        }
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

    /// What stands before the server. `Err`: it lets the request pass.
    fn proxy(&mut self, id: ExchangeId) -> Result<Option<Reply>, ()> {
        let now = self.now.mono;
        let odds = self.plan.odds;
        if let Some((_, down)) = self.sky.down.filter(|(until, _)| now < *until) {
            return Ok(match down {
                Down::Refused => None,
                Down::BadGateway => Some(Reply::new(502, "text/html", "<h1>Bad Gateway</h1>".into(), Truth::Unclear)),
                Down::Unavailable => Some(self.busy(503, "Server is shutting down")),
                Down::NotFound => Some(self.page(id)),
            });
        }
        if now < self.sky.page {
            return Ok(Some(self.page(id)));
        }
        if now < self.sky.busy || self.unlucky(odds.busy) {
            return Ok(Some(self.busy(429, "Too many requests")));
        }
        if self.unlucky(odds.forbidden) {
            return Ok(Some(Reply::text(403, "Forbidden", Truth::Forbidden)));
        }
        Err(())
    }

    /// Refused before the server saw it.
    fn busy(&mut self, status: u16, words: &str) -> Reply {
        let seconds = self.rng.u64(0..8);
        let mut reply = Reply::text(status, words, Truth::Busy { floor: seconds * 1000 });
        if self.rng.bool() {
            reply.retry_after = Some(seconds.to_string());
        } else if status == 429 {
            reply.truth = Truth::Busy { floor: 0 };
        } else {
            // Without a word on when to come back it may be a proxy's on a connection that broke.
            reply.truth = Truth::Unclear;
        }
        reply
    }

    /// A hosting edge's own page: the session may live, but this is how the specification says that it does not.
    fn page(&mut self, id: ExchangeId) -> Reply {
        self.refuses(id);
        Reply::new(404, "text/html", "<h1>Not Found</h1>".to_owned(), Truth::Gate { plain: true })
    }

    /// A refusal of the standing stream alone says nothing: some servers refuse each GET.
    fn refuses(&mut self, id: ExchangeId) {
        let sid = self.exchanges.get(&id).filter(|ex| !ex.is_standing()).and_then(|ex| ex.sid.clone());
        if let Some(held) = sid.and_then(|sid| self.server.sessions.get_mut(&sid)) {
            held.refused = true;
        }
    }

    fn origin(&mut self, id: ExchangeId) -> Reply {
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
        let plain = matches!(row.status, 404 | 410) || row.status == 400 && !own_id;
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
        let copy = self.exchanges.get(&id).is_some_and(|ex| ex.copies > 0);
        let ids = match sid.as_ref().and_then(|sid| self.server.sessions.get_mut(sid)) {
            Some(held) => &mut held.ids,
            None => &mut self.server.stateless_ids,
        };
        if !ids.insert(wire_id) && !copy {
            self.fail(format!("the request id {wire_id} came twice"));
        }
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
            let (status, words) =
                [(502, "bad gateway"), (504, "time-out"), (500, "oops"), (503, "busy")][self.rng.usize(0..4)];
            return Reply { after: takes / 2, ..Reply::text(status, words, Truth::Unclear) };
        }
        let mut before = Vec::new();
        if self.plan.server.asks && method == "tools/call" && self.rng.bool() {
            before.push(self.question(&sid));
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
            json!({"jsonrpc": "2.0", "id": wire_id.to_string(), "result": {"n": 1_000_001, "wire": 0}}),
        ]
    }

    /// A GET: resumes a stream, or opens the standing one.
    fn stream(&mut self, id: ExchangeId, sid: &Option<String>) -> Reply {
        let now = self.now.mono;
        let Some(ex) = self.exchanges.get(&id) else { return Reply::text(500, "", Truth::Unclear) };
        let call = ex.purpose_call();
        let Some(cursor) = ex.last_event().map(str::to_owned) else { return self.standing(id, sid) };
        match self.server.events.get(&cursor).cloned() {
            Some(kept) if kept.call != call => {
                self.fail(format!("the cursor {cursor} crossed to another stream"));
                Reply::text(400, "failed to replay events", Truth::Answer)
            }
            Some(kept) if self.plan.server.resumes && kept.sid == *sid && call.is_none() => self.standing(id, sid),
            Some(kept) if self.plan.server.resumes && kept.sid == *sid => {
                let mut reply = Reply::new(200, "text/event-stream", String::new(), Truth::Answer);
                let pieces = kept.rest.into_iter().map(|(at, text)| (at.saturating_sub(now), text));
                reply.pieces.extend(pieces);
                reply
            }
            Some(kept) if kept.sid != *sid => {
                self.fail(format!("the cursor {cursor} crossed to {sid:?}"));
                Reply::text(400, "failed to replay events", Truth::Answer)
            }
            _ => Reply::text(400, "failed to replay events", Truth::Answer),
        }
    }

    /// As JSON, or as events where something comes before it.
    pub fn answer(
        &mut self,
        answer: &Value,
        takes: u64,
        before: Vec<Value>,
        resumable: Option<(Option<String>, Option<CallId>)>,
    ) -> Reply {
        let garbage = self.unlucky(self.plan.odds.garbage);
        let text = if garbage { "{\"jsonrpc\": \"2.0\", \"res".to_owned() } else { answer.to_string() };
        let truth = if garbage { Truth::Unclear } else { Truth::Answer };
        let events = match self.plan.server.format {
            Format::Json => false,
            Format::Events => true,
            Format::Mixed => !before.is_empty() || self.rng.bool(),
        };
        if !events {
            return Reply { after: takes, ..Reply::new(200, "application/json", text, truth) };
        }
        let early = self.rng.bool();
        let mut reply = Reply::new(200, "text/event-stream; charset=utf-8", ": hello\r\n\r\n".into(), truth);
        reply.after = if early { 0 } else { takes };
        let rest = if early { takes } else { 0 };
        for message in before {
            reply.pieces.push((rest / 2, format!("event: message\r\ndata: {message}\r\n\r\n")));
        }
        let end = if early { "\n" } else { "\r\n" };
        let lines = text.replacen(",\"", &format!(",{end}data: \""), 1);
        reply.pieces.push((rest, format!("data: {lines}{end}{end}")));
        // A restart loses what was kept; then nothing knows the session either.
        if let Some((sid, call)) = resumable.filter(|_| self.plan.server.event_ids) {
            let from = self.now.mono + reply.after;
            let pieces = reply.pieces.clone();
            for (at, (_, text)) in reply.pieces.iter_mut().enumerate() {
                self.server.made += 1;
                let name = format!("e{}", self.server.made);
                *text = format!("id: {name}\n{text}");
                let rest = pieces[at + 1..].iter().map(|(at, text)| (from + at, text.clone())).collect();
                self.server.events.insert(name, Kept { sid: sid.clone(), call, rest });
            }
        }
        if self.plan.server.streams_linger {
            reply.ending = Ending::Open;
        }
        reply
    }

    /// A call runs on the server.
    pub fn ran(&mut self, n: u64, exchange: ExchangeId) {
        self.say(|_| format!("    call {n} runs"));
        if let Some(command) = self.app.commands.get_mut(&n) {
            command.ran.push(Ran { exchange });
        }
        self.check_ran(n, exchange);
    }
}
