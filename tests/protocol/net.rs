//! A world of one client and one scripted server, on a virtual clock. What went over the wire, in order, is the
//! transcript that the tests compare.

mod server;

use mcp_evergreen::protocol::Unreached;
use mcp_evergreen::protocol::config::EraChoice;
use mcp_evergreen::protocol::era::{Era, modern};
use mcp_evergreen::protocol::http::{Head, Method, Request};
use mcp_evergreen::protocol::status::{Event, Phase, Status};
use mcp_evergreen::protocol::{
    Authorized, CallId, CallOptions, Config, Error, ExchangeId, Input, Malformed, Now, Output, Params, QuestionId,
    Reach, ReadAs, Redirect, Session, sse,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Stands for the id of the request that is answered.
pub const OWN_ID: &str = "{own id}";

/// What the server answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, Content-Type, body.
    Body(u16, &'static str, String),
    /// As [`Reply::Body`], with header fields.
    With(u16, &'static str, String, Head),
    /// An event stream that stays open.
    Open(String),
    /// An event stream that ends.
    Stream(String),
    /// The connection breaks before any header.
    Break,
    /// As [`Reply::Break`], where the platform says why, and whether nothing was sent.
    Unreached(Unreached, bool),
    /// A 200 of this type whose body breaks off.
    Cut(&'static str, String),
    /// A head of this status, whose body does not come.
    Bodiless(u16),
    /// Nothing, ever.
    Silence,
    /// The host's header fields could not be had: nothing was sent.
    Unsent,
    /// The proof that goes with the token could not be made: nothing was sent.
    Unproven,
    /// The provider has another token by now: nothing was sent.
    Outdated,
    /// The host's proxy speaks in its own name, with this status.
    Proxied(&'static str, u16),
    /// The driver does not follow it.
    Redirect(Redirect),
    /// The host's `fetch` followed a redirect to it.
    Followed(Box<Reply>),
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::Body(status, "application/json", body.to_string())
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self::Body(status, "text/plain", body.to_owned())
    }

    /// With the request's id where [`OWN_ID`] stands.
    fn to(self, id: &Value) -> Self {
        let fill = |text: String| text.replace(&format!("\"{OWN_ID}\""), &id.to_string());
        match self {
            Self::Body(status, media_type, text) => Self::Body(status, media_type, fill(text)),
            Self::With(status, media_type, text, head) => Self::With(status, media_type, fill(text), head),
            Self::Open(text) => Self::Open(fill(text)),
            Self::Stream(text) => Self::Stream(fill(text)),
            Self::Cut(media_type, text) => Self::Cut(media_type, fill(text)),
            Self::Followed(reply) => Self::Followed(Box::new(reply.to(id))),
            other @ (Self::Bodiless(_)
            | Self::Break
            | Self::Unreached(..)
            | Self::Silence
            | Self::Unsent
            | Self::Unproven
            | Self::Outdated
            | Self::Proxied(..)
            | Self::Redirect(_)) => other,
        }
    }

    /// A JSON-RPC error under the request's own id.
    pub fn own_error(status: u16, code: i64, message: &str) -> Self {
        Self::json(status, &json!({"jsonrpc": "2.0", "id": OWN_ID, "error": {"code": code, "message": message}}))
    }

    /// A JSON-RPC error to nobody in particular.
    pub fn error(status: u16, code: i64, message: &str) -> Self {
        Self::json(status, &json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}}))
    }
}

/// One request on the wire.
#[derive(Clone, Debug)]
pub struct Sent {
    pub exchange: ExchangeId,
    pub request: Request,
    pub body: Value,
    pub session: Option<String>,
    /// The token that the driver added.
    pub token: u32,
    /// The host's header fields that it went out with.
    pub fields: String,
}

impl Sent {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// `call`, `list`, `initialize` …, short for the transcript.
    pub fn name(&self) -> String {
        let method = match self.request.method {
            Method::Delete => "DELETE",
            Method::Get => "GET",
            Method::Post => self.body["method"].as_str().unwrap_or("answer"),
        };
        match method {
            "tools/call" => "call".to_owned(),
            "tools/list" => "list".to_owned(),
            "server/discover" => "discover".to_owned(),
            "subscriptions/listen" => "listen".to_owned(),
            method => method.trim_start_matches("notifications/").to_owned(),
        }
    }
}

pub struct Net {
    pub session: Session<Value>,
    pub now: Now,
    pub log: Vec<String>,
    /// Every request, in order.
    pub sent: Vec<Sent>,
    /// Ids of the sessions that the server holds.
    pub live: BTreeSet<String>,
    made: u32,
    /// How the server refuses a session that it does not hold.
    pub refusal: Reply,
    /// Replies that come before the server's own, by the request's name.
    script: BTreeMap<String, VecDeque<Reply>>,
    results_next: BTreeMap<String, VecDeque<Value>>,
    /// Whether the server hands out session ids.
    pub stateless: bool,
    /// From the next handshake on it does not.
    pub stateless_next: bool,
    /// It gives its one client the same id each time.
    pub one_id: bool,
    /// It forgets each session as soon as it has made it.
    pub forgetful: bool,
    /// The sessions that were made, and by which `initialize`.
    pub made_by: Vec<(String, ExchangeId)>,
    pub version: &'static str,
    /// The eras that the server speaks.
    pub eras: &'static [Era],
    /// What the server declares.
    pub capabilities: Value,
    /// From this session on the server does not call itself another.
    pub last_version: u32,
    /// What a probe finds out.
    pub reach: Reach,
    /// How long an answer takes.
    pub latency: u64,
    /// How often each tool ran, by its name.
    pub executions: BTreeMap<String, u32>,
    /// An `initialize` that was met with [`Reply::Silence`].
    silent: Option<ExchangeId>,
    open: BTreeMap<ExchangeId, ReadAs>,
    bodies: BTreeMap<ExchangeId, Reply>,
    pub results: BTreeMap<CallId, Result<Value, Box<Error<Value>>>>,
    names: BTreeMap<CallId, String>,
    pub events: Vec<Event<Value>>,
    pub questions: Vec<(QuestionId, String)>,
    pub progress: Vec<Value>,
    /// The token that the driver has, and the one that the server takes; `None`: it takes all.
    pub token: u32,
    pub valid_token: Option<u32>,
    /// How the next authorizations end; those that nothing is said of stay open.
    pub authorizations: VecDeque<Authorized<Value>>,
    loading: bool,
    /// What is stored is loaded by [`Net::authorized`] only.
    pub loads_by_hand: bool,
    /// Header fields that the host adds, and those that the core was told of.
    fields: String,
    told: String,
    /// What is about to leave, with the fields that were known when it was handed over.
    leaving: VecDeque<(Sent, Option<String>)>,
    /// The host's function for header fields settles when it is only asked which they are.
    pub settles: bool,
    /// It leaves by [`Net::leave`] only.
    pub lags: bool,
    /// What the server would do next, in order of arrival: one exchange at a time.
    queue: VecDeque<ExchangeId>,
}

impl Net {
    /// A client of the legacy era.
    pub fn new(config: Config) -> Self {
        Self::in_era(EraChoice::Legacy, config)
    }

    pub fn in_era(era: EraChoice, config: Config) -> Self {
        let now = Now { mono: 1_000, unix_ms: 1_700_000_000_000 };
        Self {
            session: Session::new(Config { era, ..config }, 7, now),
            now,
            log: Vec::new(),
            sent: Vec::new(),
            live: BTreeSet::new(),
            made: 0,
            refusal: Reply::error(404, -32001, "Session not found"),
            script: BTreeMap::new(),
            results_next: BTreeMap::new(),
            stateless: false,
            stateless_next: false,
            one_id: false,
            forgetful: false,
            made_by: Vec::new(),
            version: "2025-11-25",
            eras: &[Era::Legacy],
            capabilities: json!({"tools": {}, "resources": {"subscribe": true}, "prompts": {}, "completions": {}, "logging": {}}),
            last_version: u32::MAX,
            reach: Reach::Unknown,
            latency: 10,
            executions: BTreeMap::new(),
            silent: None,
            open: BTreeMap::new(),
            bodies: BTreeMap::new(),
            results: BTreeMap::new(),
            names: BTreeMap::new(),
            events: Vec::new(),
            questions: Vec::new(),
            progress: Vec::new(),
            token: 0,
            valid_token: None,
            authorizations: VecDeque::new(),
            loading: false,
            loads_by_hand: false,
            fields: "[]".to_owned(),
            told: String::new(),
            leaving: VecDeque::new(),
            settles: true,
            lags: false,
            queue: VecDeque::new(),
        }
    }

    /// A connected session; the transcript starts after the handshake.
    pub fn connected() -> Self {
        Self::connected_with(Config::default())
    }

    pub fn connected_with(config: Config) -> Self {
        let mut net = Self::new(config);
        net.connect();
        assert_eq!(net.run(), ["initialize→200 s1", "initialized→202", "connect ok"]);
        net
    }

    pub fn connect(&mut self) -> CallId {
        let id = self.session.connect(self.now);
        self.names.insert(id, "connect".to_owned());
        id
    }

    pub fn call(&mut self, tool: &str) -> CallId {
        self.call_with(tool, CallOptions::default())
    }

    pub fn call_with(&mut self, tool: &str, options: CallOptions) -> CallId {
        let params = json!({"name": tool, "arguments": {}});
        self.request("tools/call", Some(&params), options, tool)
    }

    pub fn request(&mut self, method: &str, params: Option<&Value>, options: CallOptions, name: &str) -> CallId {
        let text = params.map(Value::to_string);
        let params = text.map(|text| Params::read(&text).expect("an object")).unwrap_or_default();
        let id = self.session.call(method.to_owned(), params, options, self.now);
        self.names.insert(id, name.to_owned());
        id
    }

    pub fn notify(&mut self, method: &str) -> CallId {
        let id = self.session.notify(method.to_owned(), Params::default(), self.now);
        self.names.insert(id, method.trim_start_matches("notifications/").to_owned());
        id
    }

    pub fn name(&mut self, id: CallId, name: &str) {
        self.names.insert(id, name.to_owned());
    }

    /// The server holds this session from before.
    pub fn occupy(&mut self, id: &str) {
        self.live.insert(id.to_owned());
        self.made += 1;
    }

    /// The server forgets every session, as after a restart.
    pub fn restart(&mut self) {
        self.live.clear();
    }

    /// The next request of this name is answered so.
    pub fn reply(&mut self, name: &str, reply: Reply) {
        self.script.entry(name.to_owned()).or_default().push_back(reply);
    }

    pub fn status(&self) -> Status<Value> {
        self.session.status()
    }

    pub fn phase(&self) -> Phase {
        self.status().phase
    }

    pub fn error(&self, id: CallId) -> &Error<Value> {
        match self.results.get(&id) {
            Some(Err(error)) => error,
            other => panic!("{id:?} did not fail: {other:?}"),
        }
    }

    /// Answers all that is on the wire, without waiting for timers. Returns what happened since the last time.
    pub fn run(&mut self) -> Vec<String> {
        for _ in 0..10_000 {
            self.drain();
            let Some(exchange) = self.queue.pop_front() else {
                return std::mem::take(&mut self.log);
            };
            self.serve(exchange);
        }
        panic!("no end in sight: {:?}", &self.log[self.log.len() - 20..]);
    }

    /// The server takes the next request on the wire, and no more.
    pub fn step(&mut self) {
        self.drain();
        let exchange = self.queue.pop_front().expect("a request on the wire");
        self.serve(exchange);
    }

    /// As [`Self::run`], for this many milliseconds, timers included.
    pub fn run_for(&mut self, ms: u64) -> Vec<String> {
        let end = self.now.mono + ms;
        let mut log = self.run();
        for _ in 0..10_000 {
            match self.session.poll_timeout().filter(|deadline| deadline.at <= end) {
                Some(deadline) => {
                    self.advance(deadline.at.saturating_sub(self.now.mono));
                    self.session.handle_timeout(self.now);
                    log.extend(self.run());
                }
                None => {
                    self.advance(end.saturating_sub(self.now.mono));
                    return log;
                }
            }
        }
        panic!("timers spin: {:?}", &log[log.len() - 20..]);
    }

    /// Sends what is to be sent, but lets the server answer nothing.
    pub fn flush(&mut self) -> Vec<String> {
        self.drain();
        std::mem::take(&mut self.log)
    }

    fn advance(&mut self, ms: u64) {
        self.now.mono += ms;
        self.now.unix_ms += ms;
    }

    fn drain(&mut self) {
        self.perform();
        while !self.lags && self.leave(0) {}
    }

    /// The driver's part: the host's header fields are known a moment after all that is to be sent, and that of any
    /// request may be known first.
    pub fn leave(&mut self, at: usize) -> bool {
        let Some((sent, known)) = self.leaving.get(at) else { return false };
        let exchange = sent.exchange;
        if known.as_ref() != Some(&self.fields) {
            self.told.clone_from(&self.fields);
            let fields = self.fields.clone();
            self.session.handle_input(exchange, Input::Fields(fields), self.now);
            self.perform();
        }
        if let Some(at) = self.leaving.iter().position(|(sent, _)| sent.exchange == exchange)
            && let Some((sent, _)) = self.leaving.remove(at)
        {
            self.sent.push(Sent { fields: self.fields.clone(), ..sent });
            self.queue.push_back(exchange);
        }
        true
    }

    /// How many requests wait for the host's header fields.
    pub fn leaving(&self) -> usize {
        self.leaving.len()
    }

    fn perform(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send { exchange, request, identify, .. } => {
                    let body =
                        request.body.as_deref().map_or(Value::Null, |body| serde_json::from_str(body).expect("JSON"));
                    let session =
                        request.headers.iter().find(|(name, _)| name == "mcp-session-id").map(|(_, id)| id.clone());
                    let known = (!identify).then(|| self.told.clone());
                    let sent = Sent { exchange, request, body, session, token: self.token, fields: String::new() };
                    self.leaving.push_back((sent, known));
                }
                Output::Read { exchange, how } => {
                    self.open.insert(exchange, how);
                    self.deliver(exchange);
                }
                Output::Abort { exchange } => {
                    let leaving = self.leaving.iter().position(|(sent, _)| sent.exchange == exchange);
                    let unsent = leaving.and_then(|at| self.leaving.remove(at));
                    let name = unsent.map_or_else(|| self.sent_as(exchange).name(), |(sent, _)| sent.name());
                    self.queue.retain(|queued| *queued != exchange);
                    self.open.remove(&exchange);
                    self.log.push(format!("{name} aborted"));
                }
                Output::Settle { call, result } => {
                    let name = self.names.get(&call).cloned().unwrap_or_else(|| "?".to_owned());
                    self.log.push(match &result {
                        Ok(_) => format!("{name} ok"),
                        Err(error) => format!("{name} {} {}", error.code.as_str(), error.outcome.as_str()),
                    });
                    assert!(self.results.insert(call, result).is_none(), "{name} settled twice");
                }
                Output::Progress { params, .. } => self.progress.push(params),
                Output::Ask { question, method, .. } => {
                    self.log.push(format!("asked {method}"));
                    self.questions.push((question, method));
                }
                Output::Withdraw { .. } => self.log.push("question withdrawn".to_owned()),
                Output::OtherSlash => self.log.push("other slash".to_owned()),
                Output::Tell { .. } | Output::Steal => panic!("a session that is not shared speaks to tabs"),
                Output::Identify => {
                    self.log.push("identify".to_owned());
                    if self.settles {
                        self.identify();
                    }
                }
                Output::Leave => panic!("a session that is not shared leaves no tabs"),
                Output::Probe => {
                    self.log.push("probe".to_owned());
                    self.session.handle_probe(self.reach, self.now);
                }
                Output::Authorize { challenge, ask } => {
                    let what = challenge.map_or_else(|| "load".to_owned(), |challenge| challenge.status.to_string());
                    self.log.push(format!("authorize {what}{}", if ask || what == "load" { "" } else { " quietly" }));
                    self.loading = what == "load";
                    if let Some(authorized) = self.authorizations.pop_front() {
                        self.authorized(authorized);
                    } else if what == "load" && !self.loads_by_hand {
                        self.authorized(Authorized::Granted { refresh_at_unix_ms: None, same: true });
                    }
                }
                Output::GiveUpAuthorization => self.log.push("authorize given up".to_owned()),
                Output::Emit(event) => {
                    if let Event::Task { task, .. } = &event {
                        self.log.push(format!("task {}", task["taskId"].as_str().unwrap_or("?")));
                    }
                    self.events.push(event);
                }
            }
        }
    }

    /// Header fields that the host adds from now on.
    pub fn host_adds(&mut self, fields: &[(&str, &str)]) {
        self.fields = json!(fields).to_string();
    }

    /// The driver's part: says which fields the host would add now.
    fn identify(&mut self) {
        if self.told != self.fields {
            self.told.clone_from(&self.fields);
            self.session.handle_fields(None, &self.fields, self.now);
        }
        self.session.handle_identified(self.now);
    }

    pub fn sent_as(&self, exchange: ExchangeId) -> &Sent {
        self.sent.iter().rev().find(|sent| sent.exchange == exchange).expect("was sent")
    }

    fn input(&mut self, exchange: ExchangeId, input: Input<Value>) {
        self.session.handle_input(exchange, input, self.now);
        self.drain();
    }

    /// The driver's part: reads the body as it was told to.
    fn deliver(&mut self, exchange: ExchangeId) {
        let Some(reply) = self.bodies.remove(&exchange) else { return };
        let (text, ends, breaks) = match reply {
            Reply::Body(_, _, text) | Reply::With(_, _, text, _) | Reply::Stream(text) => (text, true, false),
            Reply::Open(text) => (text, false, false),
            Reply::Cut(_, text) => (text, false, true),
            Reply::Bodiless(_)
            | Reply::Break
            | Reply::Unreached(..)
            | Reply::Silence
            | Reply::Unsent
            | Reply::Unproven
            | Reply::Outdated
            | Reply::Proxied(..)
            | Reply::Redirect(_)
            | Reply::Followed(_) => {
                return;
            }
        };
        match self.open.get(&exchange) {
            Some(how) if breaks && !matches!(how, ReadAs::Events { .. }) => {}
            Some(ReadAs::Json { .. } | ReadAs::Events { .. }) if is_event_stream(&text) => self.events(exchange, &text),
            Some(ReadAs::Events { .. }) if !text.trim_start().starts_with(['{', '[']) => self.events(exchange, &text),
            Some(ReadAs::Json { .. } | ReadAs::Events { .. }) => {
                let input = match serde_json::from_str(&text) {
                    Ok(value) => Input::Message(value),
                    Err(_) => Input::Text(text),
                };
                self.input(exchange, input);
            }
            Some(ReadAs::Text { max }) => {
                let text: String = text.chars().take(usize::try_from(*max).unwrap_or(usize::MAX)).collect();
                self.input(exchange, Input::Text(text));
            }
            // The driver cancels it, whether it ends or not.
            Some(ReadAs::Discard) => return self.input(exchange, Input::End),
            None => {}
        }
        // Nothing more is reported after an abort.
        if !self.open.contains_key(&exchange) {
            return;
        }
        if breaks {
            self.input(exchange, Input::Failed { cause: None });
        } else if ends {
            self.input(exchange, Input::End);
        }
    }

    /// More of an open stream.
    pub fn events(&mut self, exchange: ExchangeId, text: &str) {
        let Some(ReadAs::Events { max } | ReadAs::Json { max }) = self.open.get(&exchange) else { return };
        let limit = *max;
        let mut events = Vec::new();
        let mut parser = sse::Parser::new(usize::try_from(limit).expect("fits"));
        let read = parser.push(text.as_bytes(), |event| events.push(event));
        for event in events {
            let message = event.is_message().then(|| serde_json::from_str(&event.data));
            if let Some(Err(_)) = message {
                self.input(exchange, Input::Malformed(Malformed::Event { begins: sse::beginning(&event.data) }));
            }
            let message = message.and_then(Result::ok);
            self.input(exchange, Input::Event { id: event.id, retry_ms: event.retry_ms, message });
        }
        // It ends, or there is no more of it for a second.
        let rest = parser.rest().filter(sse::Event::is_message);
        if let Some(Ok(rest)) = rest.map(|event| serde_json::from_str(&event.data)) {
            self.input(exchange, Input::Unfinished(rest));
        }
        if read.is_err() {
            self.input(exchange, Input::Malformed(Malformed::TooLarge { limit }));
        }
    }

    /// The `warning` kinds that were emitted.
    pub fn warnings(&self) -> Vec<&'static str> {
        let kind = |event: &Event<Value>| match event {
            Event::Warning { kind, .. } => Some(*kind),
            _ => None,
        };
        self.events.iter().filter_map(kind).collect()
    }
}

/// How the driver tells an event stream that is named JSON.
fn is_event_stream(text: &str) -> bool {
    ["data:", "event:", "id:", "retry:", ":"]
        .iter()
        .any(|field| text.trim_start_matches('\u{feff}').trim_start().starts_with(field))
}

/// A notification as an event of a stream.
pub fn event(method: &str, params: &Value) -> String {
    format!("data: {}\n\n", json!({"jsonrpc": "2.0", "method": method, "params": params}))
}
