//! The whole session, told what a driver may tell it, in any order a driver may.

use super::bytes::{Bytes, WORDS};
use super::message;
use super::rules::{Book, Counters};
use mcp_evergreen::protocol::config::{EraChoice, Handshake, Listen, Mode, Recovery};
use mcp_evergreen::protocol::http::{Head, Method};
use mcp_evergreen::protocol::json_rpc::ErrorObject;
use mcp_evergreen::protocol::{
    CallId, CallOptions, Config, ExchangeId, Input, Malformed, Now, Params, QuestionId, Reach, ReadAs, Redirect,
    Session,
};
use serde_json::{Value, json};

/// Choices in one run.
const MAX_STEPS: usize = 400;
/// All calls have time-outs, and so does each exchange: with a silent server this many timers are enough for them.
const MAX_TIMERS: usize = 3_000;

const METHODS: &[&str] = &[
    "tools/call",
    "tools/list",
    "resources/subscribe",
    "resources/unsubscribe",
    "logging/setLevel",
    "resources/read",
    "ping",
    "initialize",
    "",
];
const PARAMS: &[Option<&str>] = &[
    Some(r#"{"name":"a","uri":"a","level":"info"}"#),
    Some(r#"{"name":"b","uri":"b","level":"debug"}"#),
    Some(r#"{"cursor":""}"#),
    Some("{}"),
    None,
];
const NAMES: &[Option<&str>] = &[Some("a"), Some("b"), None];
const ASKED: &[&str] = &["elicitation/create", "sampling/createMessage", "roots/list"];

fn refusal(message: &str) -> ErrorObject {
    ErrorObject { code: -1, message: message.to_owned(), data: None }
}

struct World<'a> {
    bytes: Bytes<'a>,
    session: Session<Value>,
    now: Now,
    book: Book,
    made: u32,
}

/// Runs the session; says what it went through.
pub fn session(data: &[u8]) -> Counters {
    let mut bytes = Bytes(data);
    let config = config(&mut bytes);
    let now = Now { mono: 1_000, unix_ms: 1_700_000_000_000 };
    let seed = u64::from(bytes.byte());
    let mut world = World { session: Session::new(config, seed, now), bytes, now, book: Book::default(), made: 0 };
    for _ in 0..MAX_STEPS {
        if world.bytes.is_empty() {
            break;
        }
        world.step();
        world.drain();
    }
    world.end();
    world.book.counters
}

fn config(bytes: &mut Bytes<'_>) -> Config {
    let handshake = match bytes.byte() % 4 {
        0..3 => Handshake::Own {
            client_info: "{}".to_owned(),
            capabilities: bytes
                .of(&[r#"{"elicitation":{"form":{}}}"#, "{}", r#"{"elicitation":{"url":{}}}"#])
                .to_owned(),
        },
        _ => Handshake::Host,
    };
    Config {
        era: EraChoice::Legacy,
        handshake,
        timeout_ms: bytes.of(&[60_000, 1_000, 1, 600_000]),
        max_total_timeout_ms: bytes.of(&[None, Some(90_000), Some(0)]),
        recovery: Recovery {
            mode: bytes.of(&[Mode::Default, Mode::Default, Mode::Strict, Mode::Off]),
            max_attempts: u32::from(bytes.of(&[2_u8, 1, 0, 5])),
            base_delay_ms: bytes.of(&[500, 1, 0]),
            max_delay_ms: bytes.of(&[30_000, 0]),
        },
        trust_annotations: bytes.flag(),
        max_resumes: u32::from(bytes.byte() % 6),
        listen: bytes.of(&[Listen::Auto, Listen::Always, Listen::Never]),
        ..Config::default()
    }
}

impl World<'_> {
    fn step(&mut self) {
        let now = self.now;
        let choice = self.bytes.byte() % 32;
        self.book.note(|| format!("{} ms: choice {choice}", now.mono));
        match choice {
            0 => self.command(|session| session.connect(now)),
            1..4 => self.call(),
            4 => {
                let method = self.bytes.of(&["notifications/roots/list_changed", "notifications/initialized"]);
                self.command(|session| session.notify(method.to_owned(), Params::default(), now));
            }
            5 => self.command(|session| session.verify(now)),
            6 => self.command(|session| session.reconnect(now)),
            7 => {
                if self.bytes.byte().is_multiple_of(4) {
                    let terminate = self.bytes.flag();
                    self.command(|session| session.close(terminate, now));
                }
            }
            8 => {
                let reason = self.bytes.of(&[None, Some("enough \"of\" it")]).map(str::to_owned);
                if let Some(call) = self.book.any_call(&mut self.bytes) {
                    self.book.cancelled(call);
                    self.session.cancel(call, reason, now);
                }
            }
            9 => self.session.set_handled(self.bytes.of(ASKED).to_owned()),
            10 => self.session.set_listening(self.bytes.flag(), now),
            11 => self.answer(),
            12 => self
                .session
                .handle_probe(self.bytes.of(&[Reach::Silent, Reach::Answers, Reach::Offline, Reach::Unknown]), now),
            13..16 => self.time(),
            16 => self.now.unix_ms = self.bytes.of(&[0, 1_700_000_000_000, u64::MAX]),
            17 => {
                if let Some(ended) = self.book.ended_exchange(&mut self.bytes) {
                    let input = self.body(ended, ReadAs::Events { max: 0 });
                    self.session.handle_input(ended, input, now);
                    self.book.expects_silence(&mut self.session);
                }
            }
            18..24 => {
                if let Some(open) = self.book.open_exchange(&mut self.bytes) {
                    self.serve(open);
                }
            }
            24 => {
                for _ in 0..8 {
                    let Some(open) = self.book.oldest_unanswered() else { break };
                    self.serve(open);
                }
            }
            25 => {
                if let Some(open) = self.book.open_exchange(&mut self.bytes) {
                    self.refuse(open);
                }
            }
            _ => {
                if let Some(open) = self.book.open_exchange(&mut self.bytes) {
                    self.report(open);
                }
            }
        }
    }

    fn command(&mut self, make: impl FnOnce(&mut Session<Value>) -> CallId) {
        let call = make(&mut self.session);
        self.book.made(call, false);
    }

    fn call(&mut self) {
        let bytes = &mut self.bytes;
        let method = bytes.of(METHODS).to_owned();
        let text = bytes.of(PARAMS).map(str::to_owned);
        let meta = bytes.of(&[None, Some(r#"{"a":1}"#)]).map(str::to_owned);
        let name = bytes.of(NAMES).map(str::to_owned);
        let options = bytes.byte();
        let options = CallOptions {
            timeout_ms: [None, Some(500), Some(0), Some(u64::MAX)][usize::from(options & 3)],
            max_total_timeout_ms: None,
            reset_timeout_on_progress: options & 4 != 0,
            progress: options & 8 != 0,
            repeatable: options & 16 != 0,
            headers: Vec::new(),
            ..CallOptions::default()
        };
        let is_endless = options.timeout_ms == Some(u64::MAX);
        let read = text.as_deref().and_then(Params::read).unwrap_or_default();
        let params = Params { text, meta, name, ..read };
        let call = self.session.call(method, params, options, self.now);
        self.book.made(call, is_endless);
    }

    fn answer(&mut self) {
        let question = self.book.any_question(&mut self.bytes);
        let answer = if self.bytes.flag() { Ok("{}".to_owned()) } else { Err(refusal(self.bytes.of(WORDS))) };
        self.session.answer(question.unwrap_or(QuestionId(u64::MAX)), answer, self.now);
        self.book.answered(question);
    }

    fn time(&mut self) {
        match self.bytes.byte() % 8 {
            0..4 => {
                if let Some(deadline) = self.session.poll_timeout() {
                    self.advance(deadline.at.saturating_sub(self.now.mono).min(1 << 40));
                }
            }
            4 => self.advance(10),
            5 => self.advance(2_500),
            6 => self.advance(70_000),
            // A laptop that slept: time passes, and the timer fires late or not at all.
            _ => {
                let slept = self.bytes.of(&[1_000, 3_600_000, 1 << 40]);
                self.now.mono += slept;
                self.now.unix_ms = self.now.unix_ms.saturating_add(slept);
                return;
            }
        }
        self.fire();
    }

    fn advance(&mut self, ms: u64) {
        self.now.mono += ms;
        self.now.unix_ms = self.now.unix_ms.saturating_add(ms);
    }

    /// `handle_timeout` at its deadline acts or moves the deadline.
    fn fire(&mut self) {
        if self.session.poll_timeout().is_some_and(|deadline| deadline.at <= self.now.mono) {
            self.session.handle_timeout(self.now);
            let next = self.session.poll_timeout();
            assert!(next.is_none_or(|next| next.at > self.now.mono), "the timer spins: {next:?}");
        }
    }

    fn fresh_session(made: &mut u32) -> String {
        *made += 1;
        format!("secret-{made}-session-id")
    }

    fn input(&mut self, exchange: ExchangeId, input: Input<Value>) {
        self.book.note(|| format!("{exchange:?} ← {input:?}"));
        self.book.told(exchange, &input);
        self.session.handle_input(exchange, input, self.now);
        self.drain();
    }

    /// One fact, whichever a driver may report next.
    fn report(&mut self, exchange: ExchangeId) {
        let Some(how) = self.book.reads(exchange) else {
            let made = &mut self.made;
            let input = match self.bytes.byte() % 11 {
                0..5 => Input::Head(message::head(&mut self.bytes, &mut || Self::fresh_session(made))),
                5 => Input::Failed { cause: None },
                6 => {
                    let status = self.bytes.of(&[None, Some(302), Some(303), Some(307)]);
                    Input::Redirected(Redirect { elsewhere: self.bytes.byte().is_multiple_of(2), status })
                }
                7 => Input::Following { status: 307 },
                8 => Input::Followed,
                9 => Input::Outdated,
                _ => Input::Unsent { cause: Some(json!("thrown")) },
            };
            return self.input(exchange, input);
        };
        let input = match self.bytes.byte() % 8 {
            0 => Input::End,
            1 => Input::Failed { cause: Some(json!("broke")) },
            _ => self.body(exchange, how),
        };
        let ends = match &input {
            Input::Malformed(Malformed::Utf8 | Malformed::TooLarge { .. }) => true,
            Input::Message(_) | Input::Text(_) => !self.bytes.byte().is_multiple_of(8),
            Input::Fields(_)
            | Input::Head(_)
            | Input::Event { .. }
            | Input::Malformed(Malformed::Json { .. } | Malformed::Event { .. })
            | Input::Unfinished(_)
            | Input::Redirected(_)
            | Input::Following { .. }
            | Input::Followed
            | Input::Unsent { .. }
            | Input::Unproven { .. }
            | Input::Outdated
            | Input::Proxied { .. }
            | Input::End
            | Input::Failed { .. }
            | Input::Unreached { .. } => false,
        };
        self.input(exchange, input);
        if ends {
            self.input(exchange, Input::End);
        }
    }

    /// What a body read so may bring.
    fn body(&mut self, exchange: ExchangeId, how: ReadAs) -> Input<Value> {
        let (id, session) = self.book.ids(exchange);
        let bytes = &mut self.bytes;
        match how {
            ReadAs::Json { .. } => match bytes.byte() % 8 {
                0 => Input::Malformed(Malformed::Json { bytes: u64::from(bytes.byte()) }),
                1 => Input::Malformed(bytes.of(&[&Malformed::Utf8, &Malformed::TooLarge { limit: 1 }]).clone()),
                _ => Input::Message(message::message(bytes, id, &session)),
            },
            ReadAs::Events { .. } => match bytes.byte() % 8 {
                0 => Input::Malformed(
                    bytes
                        .of(&[&Malformed::Event { begins: "{".to_owned() }, &Malformed::TooLarge { limit: 1 }])
                        .clone(),
                ),
                kind => Input::Event {
                    id: bytes.of(&[None, Some("1"), Some("2"), Some("")]).map(str::to_owned),
                    retry_ms: bytes.of(&[None, None, Some(0), Some(300), Some(u64::MAX)]),
                    message: (kind > 2).then(|| message::message(bytes, id, &session)),
                },
            },
            ReadAs::Text { .. } => Input::Text(message::text(bytes, id, &session)),
            ReadAs::Discard => Input::End,
        }
    }

    /// The rest of what a good server says; as a stream where the next byte says so.
    fn serve(&mut self, exchange: ExchangeId) {
        let asked = self.book.asked(exchange);
        let style = self.bytes.byte();
        let (id, _) = self.book.ids(exchange);
        let result = match asked.rpc_method.as_str() {
            "initialize" => message::handshake("2025-11-25", style >> 6),
            "tools/list" => message::tools(style >> 6, None),
            _ => json!({}),
        };
        if self.book.reads(exchange).is_none() {
            let (status, content_type) = match asked.method {
                Method::Delete => (200, None),
                Method::Get if style & 1 == 0 => (405, None),
                Method::Get => (200, Some("text/event-stream")),
                Method::Post if !asked.has_id => (202, None),
                Method::Post if style & 1 == 0 => (200, Some("application/json")),
                Method::Post => (200, Some("text/event-stream")),
            };
            let keeps_session = asked.rpc_method == "initialize" && style & 2 == 0;
            let session_id = keeps_session.then(|| Self::fresh_session(&mut self.made));
            let content_type = content_type.map(str::to_owned);
            self.input(exchange, Input::Head(Head { status, content_type, session_id, ..Head::default() }));
        }
        match self.book.reads(exchange) {
            Some(ReadAs::Json { .. }) => self.input(exchange, Input::Message(message::result(id, &result))),
            Some(ReadAs::Events { .. }) => {
                let cut = style & 12 == 12;
                let message = (!cut && asked.has_id).then(|| message::result(id, &result));
                let event_id = (style & 16 == 0).then(|| "7".to_owned());
                self.input(exchange, Input::Event { id: event_id, retry_ms: None, message });
                if style & 12 == 8 {
                    return;
                }
            }
            Some(ReadAs::Text { .. }) => self.input(exchange, Input::Text(String::new())),
            Some(ReadAs::Discard) | None => {}
        }
        self.input(exchange, Input::End);
    }

    /// Ways to say that a session is gone, or may be.
    fn refuse(&mut self, exchange: ExchangeId) {
        if self.book.reads(exchange).is_some() {
            return self.input(exchange, Input::Failed { cause: None });
        }
        let (status, words) = self.bytes.of(&[
            (404, "Session not found"),
            (400, "Bad Request: No valid session ID provided"),
            (401, "Session expired"),
            (500, "session not found"),
            (503, "busy"),
            (400, "Server already initialized"),
            (502, "session terminated"),
        ]);
        let head = Head { status, content_type: Some("text/plain".to_owned()), ..Head::default() };
        self.input(exchange, Input::Head(head));
        self.input(exchange, Input::Text(words.to_owned()));
        self.input(exchange, Input::End);
    }

    fn drain(&mut self) {
        self.book.drain(&mut self.session);
    }

    /// The server falls silent, the host answers what it is asked: every call settles. Then it closes: nothing is left.
    fn end(&mut self) {
        while let Some(question) = self.book.any_question(&mut Bytes(&[])) {
            self.session.answer(question, Err(refusal("")), self.now);
            self.book.answered(Some(question));
            self.drain();
        }
        for _ in 0..MAX_TIMERS {
            let Some(deadline) = self.session.poll_timeout().filter(|_| self.book.waits_for_calls()) else { break };
            self.advance(deadline.at.saturating_sub(self.now.mono));
            self.fire();
            self.drain();
        }
        self.book.check_settled_in_time();
        let now = self.now;
        self.command(|session| session.close(true, now));
        self.drain();
        self.book.check_hung_up();
        // Each new session that the host asked for may have left a DELETE under way.
        for _ in 0..MAX_STEPS {
            let Some(deadline) = self.session.poll_timeout() else { break };
            self.advance(deadline.at.saturating_sub(self.now.mono));
            self.fire();
            self.drain();
        }
        self.book.check_silence(&self.session);
    }
}
