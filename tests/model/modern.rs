//! Servers of the modern era: no sessions, but rounds, tasks, listening streams and results that may be used again; and
//! the laws of these.

use crate::app::{Command, Kind};
use crate::browser::Ex;
use crate::held::{LEVELS, URIS};
use crate::plan::{Standing, Tool};
use crate::server::{Ending, Reply, Truth};
use crate::world::World;
use mcp_evergreen::protocol::config::Listen;
use mcp_evergreen::protocol::era::{Era, modern};
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{ExchangeId, Purpose, sse};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const META: &str = "io.modelcontextprotocol/";
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// "A server that names none to speak of is asked no more often."
const POLL_FLOOR_MS: u64 = 100;

#[derive(Default)]
pub struct Modern {
    /// By their numbers.
    rounds: BTreeMap<u64, Round>,
    /// In the order of their making: of those of one name, the last is the one that it means.
    tasks: Vec<Task>,
    /// Tasks that were made since it counts them.
    counted: u64,
    ids: BTreeSet<u64>,
    made: u64,
}

/// The server has asked for input.
struct Round {
    /// Of which call.
    n: u64,
    asked_in: ExchangeId,
    state: Option<String>,
    keys: Vec<String>,
    /// Rounds that are still to come.
    left: u64,
    forgotten: bool,
}

struct Task {
    name: String,
    created_at: String,
    n: u64,
    made_in: ExchangeId,
    done_at: u64,
    /// Questions that are still to come; `pending` is open.
    asks: u64,
    pending: Option<String>,
    forgotten: bool,
}

impl Modern {
    /// The task of this name, where it is known still.
    fn task(&mut self, name: &str) -> Result<&mut Task, (i64, &'static str)> {
        let named = self.tasks.iter_mut().rfind(|task| task.name == name);
        named.filter(|task| !task.forgotten).ok_or((-32602, "unknown task"))
    }
}

impl Ex {
    fn param(&self, name: &str) -> &Value {
        &self.body["params"][name]
    }

    /// Whether this is the same request once more: of the same round, about the same task.
    pub fn same_request(&self, other: &Self) -> bool {
        let of = ["requestState", "inputResponses", "taskId"];
        self.body["method"] == other.body["method"] && of.iter().all(|name| self.param(name) == other.param(name))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.request.headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    fn is_answered(&self) -> bool {
        self.told == Some(Truth::Answer)
    }
}

fn tag(n: u64, key: &str) -> String {
    format!("input:{n}:{key}")
}

fn error(id: &Value, code: i64, words: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": words}})
}

impl World {
    pub fn forget_modern(&mut self) {
        self.server.modern.rounds.values_mut().for_each(|round| round.forgotten = true);
        self.server.modern.tasks.iter_mut().for_each(|task| task.forgotten = true);
        if self.plan.eras.as_ref().is_some_and(|eras| eras.counts_anew) {
            self.server.modern.counted = 0;
        }
    }

    /// A request of the modern era reaches a server that speaks it.
    pub fn modern(&mut self, id: ExchangeId, body: &Value) -> Reply {
        let wire_id = &body["id"];
        let copy = self.exchanges.get(&id).is_some_and(|ex| ex.by != crate::ledger::Courier::Client);
        if let Some(wire_id) = wire_id.as_u64()
            && !self.server.modern.ids.insert(wire_id)
            && !copy
        {
            self.fail(format!("the request id {wire_id} came twice"));
        }
        self.answered(id);
        let params = &body["params"];
        let method = body["method"].as_str().unwrap_or_default();
        let mut takes = 0;
        let answer = match method {
            modern::DISCOVER => Ok(json!({
                "resultType": "complete",
                "supportedVersions": ["2030-01-01", modern::VERSION],
                "capabilities": {"tools": {"listChanged": true}, "logging": {}, "extensions": {modern::TASKS: {}},
                    "resources": {"subscribe": true, "listChanged": true}, "prompts": {"listChanged": true}},
                "_meta": {format!("{META}serverInfo"): {"name": "model", "version": "1"}},
            })),
            modern::LISTEN => return self.listen_to(id, body),
            "tools/call" => {
                takes = params["arguments"]["ms"].as_u64().unwrap_or(0);
                self.call_tool(id, body)
            }
            "tools/list" | "resources/read" => {
                let ttl = self.plan.eras.as_ref().map_or(0, |eras| eras.ttl);
                Ok(json!({"wire": wire_id, "ttlMs": ttl, "cacheScope": "private"}))
            }
            "tasks/get" => self.stands(params["taskId"].as_str().unwrap_or_default()),
            "tasks/update" => self.update(params),
            "tasks/cancel" => self.server.modern.task(params["taskId"].as_str().unwrap_or_default()).map(|task| {
                task.forgotten = true;
                self.steps.mark("task", "cancelled");
                json!({"resultType": "complete"})
            }),
            _ => Err((-32601, "Method not found")),
        };
        let odds = self.plan.odds;
        if method != modern::DISCOVER && self.unlucky(odds.gateway) {
            return self.gateway_page(id, takes);
        }
        let plain = matches!(params["name"].as_str(), Some("write" | "read" | "throws")) && method == "tools/call";
        let own_error = plain.then(|| self.own_error(wire_id.as_u64().unwrap_or_default(), takes, false));
        if let Some(reply) = own_error.flatten() {
            return reply;
        }
        let message = match answer {
            Ok(result) => json!({"jsonrpc": "2.0", "id": wire_id, "result": result}),
            Err((code, words)) => error(wire_id, code, words),
        };
        let mut before = Vec::new();
        if self.plan.server.muddles {
            before.extend(self.muddle(wire_id.as_u64().unwrap_or_default()));
        }
        if let Some(token) = params["_meta"]["progressToken"].as_u64() {
            let n = self.number_of(id);
            let progress = json!({"progressToken": token, "progress": 1, "n": n});
            before.push(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}));
        }
        let mut reply = self.answer(&message, takes, before, None);
        if message["error"]["code"] == -32601 && self.rng.bool() {
            reply = Reply::new(404, "application/json", message.to_string(), Truth::Answer);
        }
        reply
    }

    fn call_tool(&mut self, id: ExchangeId, body: &Value) -> Result<Value, (i64, &'static str)> {
        let params = &body["params"];
        let n = params["arguments"]["n"].as_u64().unwrap_or_default();
        let done = json!({"resultType": "complete", "n": n, "wire": body["id"]});
        match params["name"].as_str() {
            Some("asks") => {
                let given = |round: &Round| {
                    let state = round.state.as_deref().is_some_and(|state| params["requestState"] == *state);
                    state || round.keys.iter().any(|key| params["inputResponses"].get(key).is_some())
                };
                let continues = params.get("requestState").is_some() || params.get("inputResponses").is_some();
                let left = match self.server.modern.rounds.values().find(|round| given(round)) {
                    Some(round) if round.forgotten => return Err((-32602, "unknown state")),
                    Some(round) => round.left,
                    None if continues => return Err((-32602, "unknown state")),
                    None => params["arguments"]["rounds"].as_u64().unwrap_or(0),
                };
                if left == 0 {
                    self.ran(n, id);
                    self.steps.mark("input", "given");
                    return Ok(done);
                }
                Ok(self.ask(id, n, left - 1))
            }
            Some("task") => {
                self.ran(n, id);
                let modern = &mut self.server.modern;
                modern.made += 1;
                modern.counted += 1;
                let name = format!("task{}", modern.counted);
                let created_at = format!("2026-01-01T00:00:00.{:06}Z", modern.made);
                let ms = params["arguments"]["takes"].as_u64().unwrap_or(0);
                let asks = params["arguments"]["asks"].as_u64().unwrap_or(0);
                let done_at = self.now.mono + ms;
                let poll = self.plan.eras.as_ref().map_or(0, |eras| eras.poll);
                let told = json!({"resultType": "task", "taskId": name, "createdAt": created_at, "status": "working",
                    "pollIntervalMs": poll});
                let task = Task { name, created_at, n, made_in: id, done_at, asks, pending: None, forgotten: false };
                modern.tasks.push(task);
                Ok(told)
            }
            Some("throws") => {
                self.ran(n, id);
                Err((-32600, "MCP error -32600: Session not found"))
            }
            _ => {
                self.ran(n, id);
                Ok(done)
            }
        }
    }

    fn ask(&mut self, id: ExchangeId, n: u64, left: u64) -> Value {
        let style = self.rng.u8(0..4);
        let modern = &mut self.server.modern;
        modern.made += 1;
        let number = modern.made;
        let state = (style != 1).then(|| format!("state \"{number}\" of {n}"));
        let keys: Vec<String> = if style == 0 { Vec::new() } else { vec![format!("a{number}"), format!("b{number}")] };
        let request = |key: &String| {
            let params = json!({"tag": tag(n, key)});
            (key.clone(), json!({"method": "elicitation/create", "params": params}))
        };
        let requests: Map<String, Value> = keys.iter().map(request).collect();
        let mut result = json!({"resultType": "input_required"});
        if let Some(state) = &state {
            result["requestState"] = json!(state);
        }
        if !requests.is_empty() {
            result["inputRequests"] = Value::Object(requests);
        }
        modern.rounds.insert(number, Round { n, asked_in: id, state, keys, left, forgotten: false });
        result
    }

    fn stands(&mut self, name: &str) -> Result<Value, (i64, &'static str)> {
        let poll = self.plan.eras.as_ref().map_or(0, |eras| eras.poll);
        let dreams = self.unlucky(self.plan.odds.garbage);
        let number = self.server.modern.made + 1;
        let task = self.server.modern.task(name)?;
        let mut told = json!({"taskId": name, "createdAt": task.created_at, "pollIntervalMs": poll});
        if dreams {
            told["status"] = json!("dreaming");
        } else if task.asks > 0 {
            let key = task.pending.get_or_insert_with(|| format!("q{number}")).clone();
            let asked = json!({"method": "elicitation/create", "params": {"tag": tag(task.n, &key)}});
            told["status"] = json!("input_required");
            told["inputRequests"] = json!({key: asked});
            self.server.modern.made += 1;
        } else if self.now.mono < task.done_at {
            told["status"] = json!("working");
        } else {
            let wire = self.exchanges.get(&task.made_in).map(|ex| ex.body["id"].clone());
            told["status"] = json!("completed");
            told["result"] = json!({"n": task.n, "wire": wire});
            self.steps.mark("task", "completed");
        }
        Ok(told)
    }

    /// Takes what a task had asked for.
    fn update(&mut self, params: &Value) -> Result<Value, (i64, &'static str)> {
        let name = params["taskId"].as_str().unwrap_or_default();
        let task = self.server.modern.task(name)?;
        let (n, given) = (task.n, &params["inputResponses"]);
        if let Some(key) = task.pending.take_if(|key| given.get(key.as_str()).is_some()) {
            task.asks -= 1;
            if given[&key]["tag"] != tag(n, &key) {
                self.fail(format!("the task of {n} asked for {key}, and was given {given}"));
            }
        }
        Ok(json!({"resultType": "complete"}))
    }

    /// `subscriptions/listen`: acknowledged, and then what was asked for.
    fn listen_to(&mut self, id: ExchangeId, body: &Value) -> Reply {
        let plan = self.plan.server.standing;
        let lives = match plan {
            Standing::Refused(status) => {
                let text = error(&body["id"], -32601, "Method not found").to_string();
                return Reply::new(status, "application/json", text, Truth::Answer);
            }
            Standing::Ends => 0,
            Standing::Lives(ms) => ms,
            Standing::Open => 30_000,
        };
        self.say(|world| format!("    {} listens to {}", world.name(id), body["params"]["notifications"]));
        let meta = json!({format!("{META}subscriptionId"): body["id"]});
        let mut granted = body["params"]["notifications"].clone();
        if let Some(uris) = granted["resourceSubscriptions"].as_array_mut() {
            uris.retain(|uri| *uri != URIS[3]);
        }
        let acknowledges = self.plan.eras.as_ref().map_or(0, |eras| eras.acknowledges);
        let mut reply = Reply::events(": hello\n\n".to_owned());
        let message = |method: &str, mut params: Value| {
            params["_meta"] = meta.clone();
            format!("data: {}\n\n", json!({"jsonrpc": "2.0", "method": method, "params": params}))
        };
        reply.pieces.push((acknowledges, message(ACKNOWLEDGED, json!({"notifications": granted}))));
        let mut at: Vec<u64> = (0..self.rng.usize(0..5)).map(|_| acknowledges + self.rng.u64(0..=lives)).collect();
        at.sort_unstable();
        for at in at {
            if self.rng.bool() && granted["toolsListChanged"] == true {
                reply.pieces.push((at, message("notifications/tools/list_changed", json!({}))));
            } else if granted["resourceSubscriptions"].as_array().is_some_and(|uris| uris.contains(&json!(URIS[0]))) {
                reply.pieces.push((at, message("notifications/resources/updated", json!({"uri": URIS[0]}))));
            }
        }
        reply.pieces.push((acknowledges + lives, ": bye\n\n".to_owned()));
        reply.ending = if plan == Standing::Open { Ending::Open } else { Ending::End };
        reply
    }

    // The laws.

    /// Header fields and body agree, and each request says all that the server must know; one of the legacy era says
    /// nothing of that.
    pub fn wrong_envelope(&self, ex: &Ex) -> Option<String> {
        let meta = ex.param("_meta");
        let key = |name: &str| &meta[format!("{META}{name}")];
        if ex.era() == Era::Legacy {
            let stamped = meta.as_object().is_some_and(|meta| meta.keys().any(|key| key.starts_with(META)));
            let continues = ex.param("requestState") != &Value::Null || ex.param("inputResponses") != &Value::Null;
            return (stamped || continues).then(|| format!("a legacy request says {}", ex.body["params"]));
        }
        if ex.header("mcp-method") != ex.body["method"].as_str() {
            return Some(format!("Mcp-Method is {:?}", ex.header("mcp-method")));
        }
        let named = match ex.body["method"].as_str().unwrap_or_default() {
            "tools/call" | "prompts/get" => ex.param("name").as_str(),
            "resources/read" => ex.param("uri").as_str(),
            "tasks/get" | "tasks/update" | "tasks/cancel" => ex.param("taskId").as_str(),
            _ => None,
        };
        if ex.header("mcp-name") != named {
            return Some(format!("Mcp-Name is {:?}, and the body names {named:?}", ex.header("mcp-name")));
        }
        let version = key("protocolVersion").as_str();
        if version != Some(modern::VERSION) || ex.header("mcp-protocol-version") != version {
            return Some(format!("the version is {version:?} in the body"));
        }
        let whole = key("clientInfo").is_object() && key("clientCapabilities").is_object();
        let foreign = ex.sid.is_some() || ex.last_event().is_some();
        (!whole || foreign).then(|| "its envelope is of another era".to_owned())
    }

    /// "Inputs and state go back exactly to the call that asked."
    pub fn wrong_round(&self, n: u64, ex: &Ex) -> Option<String> {
        if ex.era() == Era::Legacy || !ex.is("tools/call") {
            return None;
        }
        let (state, inputs) = (ex.param("requestState"), ex.param("inputResponses"));
        let told = |round: &&Round| round.n == n && self.exchanges.get(&round.asked_in).is_some_and(Ex::is_answered);
        let Some(round) = self.server.modern.rounds.values().rfind(told) else {
            let none = state.is_null() && inputs.is_null();
            return (!none).then(|| format!("{n} continues what nobody began: {state} {inputs}"));
        };
        let asked = self.exchanges.get(&round.asked_in).map_or(0, |ex| ex.generation);
        if state.is_null() && inputs.is_null() {
            return (asked == ex.generation).then(|| format!("{n} forgets what it was told"));
        }
        let mut right = round.state.as_deref().map_or(state.is_null(), |told| *state == *told);
        right &= inputs.as_object().map_or(0, Map::len) == round.keys.len();
        right &= round.keys.iter().all(|key| inputs[key]["tag"] == tag(n, key));
        (!right)
            .then(|| format!("{n} continues with {state} {inputs}, and was told {:?} {:?}", round.state, round.keys))
    }

    /// A task is asked for as often as its server wants.
    pub fn wrong_poll(&self, ex: &Ex, command: &Command) -> Option<String> {
        let poll = self.plan.eras.as_ref().map_or(0, |eras| eras.poll).max(POLL_FLOOR_MS);
        // Nobody waits longer for one word than for the call.
        let poll = poll.min(command.clock.timeout);
        let before = command.sent.last().and_then(|id| self.exchanges.get(id)).filter(|_| ex.is("tasks/get"))?;
        if before.is("tasks/update") || before.reply.as_ref().is_some_and(|reply| reply.status != 200) {
            return None;
        }
        let early = before.is_answered() && before.generation == ex.generation && self.now.mono < before.told_at + poll;
        early.then(|| format!("a task is asked for {} ms after it was told of", self.now.mono - before.told_at))
    }

    /// A task that nobody waits for is cancelled, where the client knows of it and can say so.
    pub fn check_task_cancelled(&mut self, n: u64) {
        let status = self.session.status();
        if status.phase != Phase::Ready || self.app.closed || self.tokens.are_got() {
            return;
        }
        let known = |task: &&Task| {
            let ex = self.exchanges.get(&task.made_in);
            task.n == n && ex.is_some_and(|ex| ex.is_answered() && ex.generation == status.generation)
        };
        // A browser that sends twice makes two; the client is told of the later one.
        let Some(Task { name, .. }) = self.server.modern.tasks.iter().rfind(known) else { return };
        if self.cancellations(name) == 0 {
            let what = format!("{n} is given up, and {name} runs on");
            self.fail(what);
        }
    }

    /// How often the task was cancelled that this one waits for, by its name.
    pub fn cancellations_of(&self, kind: Kind) -> usize {
        let Kind::Resume(of) = kind else { return 0 };
        let named = self.app.tasks.iter().find(|(n, _)| *n == of);
        named.map_or(0, |(_, task)| self.cancellations(&task.id))
    }

    /// "A cancellation may meet another's": nothing is cancelled that the server has not told of. `before`: how often it
    /// was when this was given up.
    pub fn check_other_not_cancelled(&mut self, n: u64, before: usize) {
        let Some(command) = self.app.commands.get(&n) else { return };
        if !self.is_told_of_task(command) && self.cancellations_of(command.kind) != before {
            self.fail(format!("{n} is given up, and cancels a task that may be another"));
        }
    }

    /// How often a task of this name was cancelled.
    fn cancellations(&self, name: &str) -> usize {
        self.exchanges.values().filter(|ex| ex.is("tasks/cancel") && *ex.param("taskId") == *name).count()
    }

    /// Whether the client was told how the task stands that this command waits for.
    fn is_told_of_task(&self, command: &Command) -> bool {
        let mut sent = command.sent.iter().filter_map(|id| self.exchanges.get(id));
        sent.any(|ex| ex.is("tasks/get") && ex.is_answered())
    }

    /// The answer is the call's own, or one that may be used again.
    pub fn wrong_result(&self, n: u64, command: &Command, tool: Tool, result: &Value) -> Option<String> {
        let mut own = command.sent.iter().filter_map(|id| self.exchanges.get(id));
        let own = own.any(|ex| result["wire"] == ex.body["id"]);
        let right = match tool {
            Tool::Safe(method) if !own => return self.wrong_cached(n, method, result),
            Tool::Safe(_) => true,
            // In the modern era these are no requests.
            Tool::Subscribe(_) | Tool::Unsubscribe(_) | Tool::Level(_) => own || *result == json!({}),
            _ => own && result["n"] == n,
        };
        (!right).then(|| format!("it got the answer {result}"))
    }

    fn wrong_cached(&self, n: u64, method: &str, result: &Value) -> Option<String> {
        let of = |ex: &&Ex| ex.body["id"] == result["wire"] && ex.is(method);
        let Some(ex) = self.exchanges.values().find(of) else { return Some(format!("{n} got the answer {result}")) };
        let ttl = self.plan.eras.as_ref().map_or(0, |eras| eras.ttl);
        let changed = self.law.changed.get(method).is_some_and(|at| *at > ex.told_in);
        if ex.generation != self.session.status().generation {
            Some(format!("{n} got what an older server said"))
        } else if self.now.mono >= ex.told_at + ttl {
            Some(format!("{n} got what was old: {} ms", self.now.mono - ex.told_at))
        } else {
            changed.then(|| format!("{n} got what has changed since"))
        }
    }

    /// The client is about to be told on a listening stream that something has changed.
    pub fn note_change(&mut self, id: ExchangeId, event: &sse::Event) {
        let listens = |ex: &&Ex| ex.is_standing() && ex.era() == Era::Modern && ex.open && !ex.aborted;
        if self.exchanges.get(&id).filter(listens).is_none() {
            return;
        }
        let message: Value = serde_json::from_str(&event.data).unwrap_or_default();
        match message["method"].as_str() {
            Some("notifications/tools/list_changed") => drop(self.law.changed.insert("tools/list", self.events)),
            Some("notifications/resources/updated") => drop(self.law.changed.insert("resources/read", self.events)),
            Some(ACKNOWLEDGED) => self.steps.mark("filter", "acknowledged"),
            _ => {}
        }
    }

    /// In fair weather: one open stream, with what the app wants to hear.
    pub fn check_heard(&mut self) {
        let open: Vec<&Ex> = self.exchanges.values().filter(|ex| ex.open && ex.is_standing()).collect();
        let names: Vec<&Value> = open.iter().map(|ex| ex.param("notifications")).collect();
        if open.len() > 1 || open.iter().any(|ex| ex.era() == Era::Legacy) {
            let what = format!("these are open together: {names:?}");
            return self.fail(what);
        }
        let wants = &self.app.wants;
        let lists = wants.listening() || self.plan.listen == Listen::Always;
        let (must, may) = wants.subscribed();
        let Some(filter) = names.first() else {
            let heard = self.plan.listen != Listen::Never && (lists || !must.is_empty());
            if heard && self.plan.server.standing == Standing::Open {
                self.fail(format!("nothing is open, and {must:?} is wanted, lists: {lists}"));
            }
            return;
        };
        let uris: BTreeSet<&str> =
            filter["resourceSubscriptions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let right = (filter["toolsListChanged"] == true) == lists && must.is_subset(&uris) && uris.is_subset(&may);
        if !right {
            let what = format!("open is {filter}; wanted are {must:?} of {may:?}, lists: {lists}");
            self.fail(what);
        } else {
            self.steps.mark("filter", "as wanted");
        }
    }

    /// The level that the app wants to hear goes with each request.
    pub fn check_level(&mut self) {
        let last =
            self.exchanges.values().rfind(|ex| matches!(ex.purpose, Purpose::Call(_)) && ex.era() == Era::Modern);
        let Some(ex) = last.filter(|ex| ex.generation == self.session.status().generation) else { return };
        let told = ex.param("_meta")[format!("{META}logLevel")].as_str();
        if let Some(level) = self.app.wants.sure_level()
            && (level.is_none() || level.is_some_and(|level| LEVELS.contains(&level)))
            && told != level
        {
            let what = format!("the log level said is {told:?}, and {level:?} is wanted");
            self.fail(what);
        }
    }
}
