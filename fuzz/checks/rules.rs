//! What must hold of everything that the session says, whatever it was told.

use super::bytes::Bytes;
use mcp_evergreen::protocol::http::{Method, Request};
use mcp_evergreen::protocol::status::{Event, Phase, WireStep};
use mcp_evergreen::protocol::{
    CallId, Error, ExchangeId, Input, Malformed, Output, Purpose, QuestionId, ReadAs, Session,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// How often the session was where bugs live.
pub type Counters = BTreeMap<&'static str, u64>;

/// One fact or command asks for so much at most.
const MAX_OUTPUTS: usize = 5_000;
/// A call is sent at most this often.
const MAX_SENDS: u32 = 3;
const WIRE_IDS: std::ops::Range<u64> = 1 << 40..1 << 53;

/// What was asked in an exchange.
#[derive(Clone)]
pub struct Asked {
    pub method: Method,
    pub rpc_method: String,
    pub has_id: bool,
}

struct Exchange {
    asked: Asked,
    purpose: Purpose,
    wire_id: u64,
    session: Option<String>,
    /// The head was reported, and this is how the body is read.
    reads: Option<ReadAs>,
    has_head: bool,
    /// Its answer was taken. A stream may go on.
    is_answered: bool,
    /// Its body was told as a whole: only the end is left.
    is_told: bool,
    /// Another handshake has made the session: this one is only waited for, so that what it makes can be ended.
    is_overtaken: bool,
}

/// What was said so far.
#[derive(Default)]
pub struct Book {
    pub counters: Counters,
    open: BTreeMap<ExchangeId, Exchange>,
    ended: Vec<ExchangeId>,
    /// Calls that have not settled, and how often each was sent.
    calls: BTreeMap<CallId, u32>,
    /// Calls whose time-out is as good as none.
    endless: BTreeSet<CallId>,
    questions: BTreeSet<QuestionId>,
    wire_ids: BTreeSet<u64>,
    /// Ids that answers to `initialize` brought.
    handed: BTreeSet<String>,
    generations: BTreeMap<ExchangeId, u32>,
    /// The session id of each generation.
    sessions: BTreeMap<u32, Option<String>>,
    /// Generations that were declared lost.
    lost: BTreeSet<u32>,
    /// The generation in doubt.
    doubted: Option<u32>,
    /// The wire id of each call's last request, for the GET that resumes its stream.
    last_wire_id: BTreeMap<CallId, u64>,
    closed: bool,
}

impl Book {
    fn count(&mut self, what: &'static str) {
        *self.counters.entry(what).or_default() += 1;
    }

    /// For whoever looks into a failure: `FUZZ_TRACE=1` prints what happens.
    pub fn note(&self, what: impl FnOnce() -> String) {
        static TRACE: OnceLock<bool> = OnceLock::new();
        if *TRACE.get_or_init(|| std::env::var_os("FUZZ_TRACE").is_some()) {
            println!("{}", what());
        }
    }

    pub fn made(&mut self, call: CallId, is_endless: bool) {
        self.endless.extend(is_endless.then_some(call));
        assert!(self.calls.insert(call, 0).is_none(), "{call:?} is made twice");
    }

    pub fn cancelled(&mut self, call: CallId) {
        self.calls.remove(&call);
        self.count("cancelled");
    }

    pub fn any_call(&self, bytes: &mut Bytes<'_>) -> Option<CallId> {
        self.calls.keys().copied().nth(bytes.below(self.calls.len()))
    }

    pub fn any_question(&self, bytes: &mut Bytes<'_>) -> Option<QuestionId> {
        self.questions.iter().copied().nth(bytes.below(self.questions.len()))
    }

    pub fn answered(&mut self, question: Option<QuestionId>) {
        if question.is_some_and(|question| self.questions.remove(&question)) {
            self.count("answered");
        }
    }

    pub fn open_exchange(&self, bytes: &mut Bytes<'_>) -> Option<ExchangeId> {
        self.open.keys().copied().nth(bytes.below(self.open.len()))
    }

    pub fn ended_exchange(&self, bytes: &mut Bytes<'_>) -> Option<ExchangeId> {
        self.ended.get(bytes.below(self.ended.len())).copied()
    }

    pub fn oldest_unanswered(&self) -> Option<ExchangeId> {
        self.open.iter().find(|(_, exchange)| !exchange.has_head).map(|(id, _)| *id)
    }

    pub fn reads(&self, id: ExchangeId) -> Option<ReadAs> {
        self.open.get(&id)?.reads
    }

    pub fn asked(&self, id: ExchangeId) -> Asked {
        self.open.get(&id).map(|exchange| exchange.asked.clone()).expect("an open exchange")
    }

    /// The request's id, and the session's.
    pub fn ids(&self, id: ExchangeId) -> (u64, String) {
        let exchange = self.open.get(&id);
        let session = exchange.and_then(|exchange| exchange.session.clone()).unwrap_or_default();
        (exchange.map_or(0, |exchange| exchange.wire_id), session)
    }

    pub fn waits_for_calls(&self) -> bool {
        self.calls.keys().any(|call| !self.endless.contains(call))
    }

    /// The driver reports this.
    pub fn told(&mut self, id: ExchangeId, input: &Input<Value>) {
        let Some(exchange) = self.open.get_mut(&id) else { return };
        let ends = match input {
            Input::Fields(_) | Input::Following { .. } | Input::Followed => false,
            Input::Head(head) => {
                exchange.has_head = true;
                if exchange.purpose == Purpose::Initialize {
                    self.handed.extend(head.session_id.clone());
                }
                false
            }
            Input::Malformed(Malformed::Event { .. }) => false,
            Input::Malformed(_) => matches!(exchange.reads, Some(ReadAs::Json { .. })),
            Input::Redirected(_)
            | Input::Unsent { .. }
            | Input::Unproven { .. }
            | Input::Outdated
            | Input::Proxied { .. }
            | Input::End
            | Input::Failed { .. }
            | Input::Unreached { .. } => true,
            Input::Message(_) | Input::Text(_) => {
                exchange.is_told = true;
                false
            }
            Input::Event { .. } | Input::Unfinished(_) => false,
        };
        if ends {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: ExchangeId) {
        self.open.remove(&id);
        self.ended.push(id);
    }

    pub fn expects_silence(&self, session: &mut Session<Value>) {
        let output = session.poll_output();
        assert!(output.is_none(), "an exchange that is over brings {output:?}");
    }

    pub fn drain(&mut self, session: &mut Session<Value>) {
        let mut outputs = 0;
        while let Some(output) = session.poll_output() {
            outputs += 1;
            assert!(outputs < MAX_OUTPUTS, "no end of outputs");
            self.note(|| format!("    {output:?}"));
            self.hear(output);
        }
        self.look(session);
    }

    fn hear(&mut self, output: Output<Value>) {
        match output {
            Output::Send { exchange, purpose, request, .. } => self.sent(exchange, purpose, &request),
            Output::Read { exchange, how } => {
                let open = self.open.get_mut(&exchange).expect("an exchange is read that is over");
                assert!(open.has_head && open.reads.is_none(), "read before its head, or twice");
                assert!(!self.closed || open.purpose == Purpose::Delete, "read after close");
                open.reads = Some(how);
            }
            Output::OtherSlash => {}
            Output::Identify => panic!("header fields that do not vary are asked for"),
            Output::Tell { .. } | Output::Steal | Output::Leave => {
                panic!("a session that is not shared speaks to tabs")
            }
            Output::Abort { exchange } => {
                assert!(self.open.contains_key(&exchange), "{exchange:?} is aborted, and is over");
                self.forget(exchange);
                self.count("aborted");
            }
            Output::Settle { call, result } => {
                assert!(self.calls.remove(&call).is_some(), "{call:?} settles, and is not open");
                match result {
                    Ok(_) => self.count("settled well"),
                    Err(error) => self.check_error(&error),
                }
            }
            Output::Progress { call, .. } => {
                assert!(self.calls.contains_key(&call), "progress of {call:?}, which is not open");
                self.count("progress");
            }
            Output::Ask { question, call, .. } => {
                assert!(!self.closed, "asked after close");
                assert!(self.questions.insert(question), "{question:?} is asked twice");
                self.count(if call.is_some() { "asked for a call" } else { "asked" });
            }
            Output::Withdraw { question } => {
                assert!(self.questions.remove(&question), "{question:?} is withdrawn, and is not open");
                self.count("withdrawn");
            }
            Output::Probe => self.count("probe"),
            Output::Authorize { .. } => panic!("asked to authorize, though it was not told that anybody can"),
            Output::GiveUpAuthorization => {}
            Output::Emit(event) => self.event(&event),
        }
    }

    fn sent(&mut self, id: ExchangeId, purpose: Purpose, request: &Request) {
        let body: Value = request.body.as_deref().map_or(Value::Null, |body| {
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{purpose:?} sends {body}: {error}"))
        });
        let generation = self.generations.get(&id).copied().expect("the time line tells of it first");
        let field = request.headers.iter().find(|(name, _)| name == "mcp-session-id");
        let session = field.map(|(_, value)| value.clone());
        let is_delete = request.method == Method::Delete;
        assert!(!self.closed || is_delete, "{purpose:?} is sent after close");
        assert!(is_delete || !self.lost.contains(&generation), "{purpose:?} is sent under a session known to be dead");
        assert!(session.iter().all(|id| self.handed.contains(id)), "no handshake gave {session:?}");
        if purpose == Purpose::Initialize {
            assert_eq!(session, None, "initialize carries a session id");
            let waits = |other: &&Exchange| !other.is_answered && !other.is_overtaken;
            let open = self.open.values().filter(|other| other.purpose == Purpose::Initialize).filter(waits);
            assert!(open.count() < 2, "more than one handshake and its hedge");
        } else if generation > 0 {
            let known = self.sessions.entry(generation).or_insert_with(|| session.clone());
            assert_eq!(*known, session, "generation {generation} has another session id");
        }
        let mut wire_id = 0;
        let has_id = body.get("id").is_some();
        if body.get("method").is_some() && has_id {
            wire_id = body["id"].as_u64().filter(|id| WIRE_IDS.contains(id)).expect("an id of ours");
            assert!(self.wire_ids.insert(wire_id), "the id {wire_id} is used twice");
        }
        if let Purpose::Call(call) | Purpose::Notification(call) = purpose {
            let sends = self.calls.get_mut(&call).unwrap_or_else(|| panic!("{call:?} is sent, and is not open"));
            if request.method == Method::Get {
                wire_id = self.last_wire_id.get(&call).copied().expect("a stream is resumed that never was");
                self.count("resumed");
            } else {
                *sends += 1;
                assert!(*sends <= MAX_SENDS, "{call:?} is sent {sends} times");
                let again = *sends > 1;
                self.last_wire_id.insert(call, wire_id);
                if again {
                    assert!(matches!(purpose, Purpose::Call(_)), "a notification is sent again");
                    self.count("sent again");
                }
            }
        }
        if purpose == Purpose::Initialized {
            let handshakes = self.open.values_mut().filter(|other| other.purpose == Purpose::Initialize);
            handshakes.for_each(|other| other.is_overtaken = true);
        }
        self.count(purpose.as_str());
        let rpc_method = body["method"].as_str().unwrap_or_default().to_owned();
        let asked = Asked { method: request.method, rpc_method, has_id: has_id && body.get("method").is_some() };
        let exchange = Exchange {
            asked,
            purpose,
            wire_id,
            session,
            reads: None,
            has_head: false,
            is_answered: false,
            is_told: false,
            is_overtaken: false,
        };
        assert!(self.open.insert(id, exchange).is_none(), "{id:?} is sent twice");
    }

    /// "No session id is in `message`."
    fn check_error(&mut self, error: &Error<Value>) {
        self.count("settled badly");
        for text in [Some(&error.message), error.excerpt.as_ref()].into_iter().flatten() {
            assert!(!self.handed.iter().any(|id| id.len() > 9 && text.contains(id)), "a session id is told: {text}");
        }
    }

    fn event(&mut self, event: &Event<Value>) {
        match event {
            Event::Wire(wire) if wire.step == WireStep::Sent => {
                self.generations.insert(wire.exchange, wire.generation);
            }
            Event::Recovering { generation, .. } => {
                assert!(self.lost.insert(*generation), "generation {generation} is lost twice");
                self.count("lost");
            }
            Event::Recovered { recovery, changes, .. } => {
                self.count("recovered");
                if !recovery.restored.is_empty() {
                    self.count("restored");
                }
                if !recovery.lost.is_empty() {
                    self.count("not restored");
                }
                if changes.tools.is_some() {
                    self.count("tools changed");
                }
            }
            Event::Close { .. } => {
                assert!(!self.closed, "closed twice");
                self.closed = true;
                self.count("closed");
            }
            Event::Warning { kind, .. } => self.count(kind),
            Event::Wire(wire) => {
                if let Some(exchange) = self.open.get_mut(&wire.exchange) {
                    exchange.is_answered = true;
                }
            }
            Event::Task { .. } => self.count("task"),
            Event::Stale { .. } => self.count("stale"),
            Event::InvalidTool { .. } => self.count("invalid tool"),
            Event::StateChange
            | Event::Notification { .. }
            | Event::EventId { .. }
            | Event::EraLearned { .. }
            | Event::ListChanged { .. }
            | Event::ResourceStale { .. }
            | Event::ForClient { .. }
            | Event::Keep { .. }
            | Event::TakenUp
            | Event::Reclaim => {}
        }
    }

    fn look(&mut self, session: &Session<Value>) {
        let status = session.status();
        assert_eq!(status.phase == Phase::Closed, self.closed, "the status and the event differ");
        let established = matches!(status.phase, Phase::Recovering | Phase::Waiting) && status.generation > 0;
        if established && !self.lost.contains(&status.generation) {
            if self.doubted != Some(status.generation) {
                self.doubted = Some(status.generation);
                self.count("doubt");
            }
        } else if status.phase == Phase::Ready && self.doubted.take() == Some(status.generation) {
            self.count("reprieved");
        }
    }

    /// Every call has settled, whatever the server did.
    pub fn check_settled_in_time(&self) {
        let hanging = self.calls.keys().find(|call| !self.endless.contains(call));
        assert_eq!(hanging, None, "a call that never settles");
    }

    /// As soon as it is closed, nothing is under way but DELETE, and a session that is being made, which is then ended.
    pub fn check_hung_up(&self) {
        let ends = |purpose| matches!(purpose, Purpose::Delete | Purpose::Initialize);
        let open = self.open.values().find(|exchange| !exchange.is_told && !ends(exchange.purpose));
        assert_eq!(open.map(|exchange| exchange.purpose), None, "open after close");
    }

    /// After close all calls have settled, nothing is open, and no timer runs.
    pub fn check_silence(&self, session: &Session<Value>) {
        assert_eq!(self.calls, BTreeMap::new(), "calls that never settle");
        assert_eq!(self.questions, BTreeSet::new(), "questions that are never withdrawn");
        let open = self.open.iter().find(|(_, exchange)| !exchange.is_told);
        assert_eq!(open.map(|(id, _)| id), None, "open after close");
        assert_eq!(session.poll_timeout(), None, "a timer runs after close");
    }
}
