//! The application: random commands while the weather is bad, and a closing act in which everything must work.

use crate::held::{self, URIS, Wants};
use crate::plan::{Action, Plan, Standing, Tool};
use crate::world::{Happening, World};
use mcp_evergreen::protocol::config::{Listen, Mode};
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{CallId, CallOptions, Code, Error, ExchangeId, Outcome, Params, QuestionId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One run of a call on the server.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    pub exchange: ExchangeId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Connect,
    Call(Tool),
    Notify,
    Verify,
    Reconnect,
    Close,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub enum End {
    Ok,
    Failed { code: Code, outcome: Outcome, message: String },
    Cancelled,
}

pub struct Command {
    pub id: CallId,
    pub kind: Kind,
    pub made_at: u64,
    pub generation: u32,
    pub end: Option<End>,
    pub ran: Vec<Ran>,
    pub sent: Vec<ExchangeId>,
    /// Its clock is started anew by progress, or stands still while the host is asked.
    pub progress: bool,
}

pub struct App {
    pub commands: BTreeMap<u64, Command>,
    by_id: BTreeMap<CallId, u64>,
    next: u64,
    pub closed: bool,
    pub closed_at: u64,
    pub questions: BTreeMap<QuestionId, String>,
    pub wants: Wants,
    /// Commands of the closing act.
    scene: Vec<u64>,
    host: bool,
}

impl App {
    pub fn new(plan: &Plan) -> Self {
        Self {
            commands: BTreeMap::new(),
            by_id: BTreeMap::new(),
            next: 0,
            closed: false,
            closed_at: 0,
            questions: BTreeMap::new(),
            wants: Wants::default(),
            scene: Vec::new(),
            host: plan.host,
        }
    }

    pub fn number(&self, id: CallId) -> Option<u64> {
        self.by_id.get(&id).copied()
    }
}

/// Milliseconds after which everything must have healed.
const HEALED_AFTER: u64 = 300_000;
const SCENE: u64 = 100_000;

impl World {
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Call(tool) => drop(self.call(tool)),
            Action::Notify => self.notify(),
            Action::Verify => {
                let id = self.session.verify(self.now);
                self.enter(id, Kind::Verify);
            }
            Action::Reconnect => drop(self.reconnect()),
            Action::Cancel => self.cancel_one(),
            Action::Close => self.close(),
            Action::Listen(listening) => self.set_listening(listening),
            Action::Sleep(ms, breaks) => {
                self.say(|_| format!("zzz {ms} ms"));
                self.now.mono += ms;
                self.now.unix_ms += ms;
                self.law.slept = true;
                if breaks {
                    self.break_all();
                }
            }
            Action::Clock(by) => {
                self.say(|_| format!("the wall clock goes {by} ms"));
                self.now.unix_ms = self.now.unix_ms.saturating_add_signed(by);
            }
        }
    }

    fn enter(&mut self, id: CallId, kind: Kind) -> u64 {
        self.app.next += 1;
        let n = self.app.next;
        self.enter_as(n, id, kind);
        n
    }

    fn enter_as(&mut self, n: u64, id: CallId, kind: Kind) {
        if self.app.by_id.insert(id, n).is_some() {
            self.fail("a call id was given out twice");
        }
        let (generation, made_at) = (self.session.status().generation, self.now.mono);
        let (ran, sent, end) = (Vec::new(), Vec::new(), None);
        let command = Command { id, kind, made_at, generation, end, ran, sent, progress: false };
        self.app.commands.insert(n, command);
        self.say(|_| format!("{n}: {kind:?}"));
        self.drain();
    }

    pub fn connect(&mut self) {
        // Whoever connects anew does not wait for what an earlier attempt was told.
        self.law.not_before = 0;
        let id = if self.app.host {
            let text = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"h","version":"1"}}"#;
            let params = Params { text: Some(text.to_owned()), ..Params::default() };
            self.session.call("initialize".to_owned(), params, CallOptions::default(), self.now)
        } else {
            if self.plan.handles_questions {
                self.session.set_handled("elicitation/create".to_owned());
            }
            self.session.connect(self.now)
        };
        self.enter(id, Kind::Connect);
    }

    pub fn host_initialized(&mut self) {
        let id = self.session.notify("notifications/initialized".to_owned(), Params::default(), self.now);
        self.enter(id, Kind::Notify);
    }

    fn call(&mut self, tool: Tool) -> u64 {
        let n = self.app.next + 1;
        self.app.next = n;
        let progress = self.rng.bool();
        let (method, name, text) = match tool {
            Tool::Write(ms) => ("tools/call", "write", json!({"name": "write", "arguments": {"n": n, "ms": ms}})),
            Tool::Read(ms) => ("tools/call", "read", json!({"name": "read", "arguments": {"n": n, "ms": ms}})),
            Tool::Throws => ("tools/call", "throws", json!({"name": "throws", "arguments": {"n": n}})),
            Tool::Asks(rounds, _) => {
                ("tools/call", "asks", json!({"name": "asks", "arguments": {"n": n, "rounds": rounds}}))
            }
            Tool::Task(ms) => ("tools/call", "task", json!({"name": "task", "arguments": {"n": n, "takes": ms}})),
            // So that the next may be answered with what this one brings.
            Tool::Safe("resources/read") if self.is_wide() => ("resources/read", URIS[0], json!({"uri": URIS[0]})),
            Tool::Safe(method) if self.is_wide() => (method, "", json!({})),
            Tool::Safe(method) => (method, "", json!({"n": n})),
            Tool::Unknown => ("vendor/unknown", "", json!({"n": n})),
            Tool::Subscribe(_) | Tool::Unsubscribe(_) | Tool::Level(_) => held::request(tool, n).unwrap_or_default(),
        };
        self.want(n, tool);
        let params = Params { text: Some(text.to_string()), meta: None, name: Some(name.to_owned()) };
        let options = CallOptions {
            repeatable: matches!(tool, Tool::Read(_) | Tool::Asks(_, true)),
            progress,
            reset_timeout_on_progress: progress && self.rng.bool(),
            ..CallOptions::default()
        };
        let id = self.session.call(method.to_owned(), params, options, self.now);
        self.enter_as(n, id, Kind::Call(tool));
        if let Some(command) = self.app.commands.get_mut(&n) {
            command.progress = progress;
        }
        n
    }

    fn notify(&mut self) {
        let n = self.app.next + 1;
        self.app.next = n;
        let params = Params { text: Some(json!({"n": n}).to_string()), ..Params::default() };
        let id = self.session.notify("notifications/roots/list_changed".to_owned(), params, self.now);
        self.enter_as(n, id, Kind::Notify);
    }

    fn reconnect(&mut self) -> u64 {
        self.law.host_gives_up = true;
        let id = self.session.reconnect(self.now);
        let n = self.enter(id, Kind::Reconnect);
        self.law.host_gives_up = false;
        n
    }

    fn cancel_one(&mut self) {
        let open = self.app.commands.iter().filter(|(_, command)| command.end.is_none());
        let open: Vec<u64> = open.filter(|(_, command)| command.kind != Kind::Close).map(|(n, _)| *n).collect();
        if open.is_empty() {
            return;
        }
        let n = open[self.rng.usize(0..open.len())];
        self.say(|_| format!("{n} is cancelled"));
        if let Some(command) = self.app.commands.get_mut(&n) {
            command.end = Some(End::Cancelled);
            let (id, kind) = (command.id, command.kind);
            if let Kind::Call(tool) = kind {
                self.wanted(n, tool, &End::Cancelled);
            }
            self.session.cancel(id, Some("enough".to_owned()), self.now);
            self.drain();
            self.check_task_cancelled(n);
        }
    }

    pub fn close(&mut self) {
        let again = self.app.closed;
        self.app.closed = true;
        self.app.closed_at = self.now.mono;
        let id = self.session.close(self.plan.terminates, self.now);
        let n = self.enter(id, Kind::Close);
        self.check_closed_streams();
        // All that was open has settled at once.
        let open = self.app.commands.iter().find(|(other, command)| **other != n && command.end.is_none());
        if let Some((open, _)) = open.filter(|(_, command)| !again && command.kind != Kind::Close) {
            self.fail(format!("{open} is open after close"));
        }
    }

    pub fn answer_question(&mut self, question: QuestionId, tag: &str) {
        self.app.questions.remove(&question);
        let answer = if self.rng.bool() { Ok(json!({"tag": tag}).to_string()) } else { Err((-1, tag.to_owned())) };
        self.session.answer(question, answer, self.now);
        self.drain();
    }

    pub fn asked(&mut self, question: QuestionId, params: Option<&Value>, call: Option<CallId>, generation: u32) {
        let n = call.and_then(|call| self.app.number(call));
        if let Some(command) = n.and_then(|n| self.app.commands.get_mut(&n)) {
            command.progress = true;
        }
        let tag = params.and_then(|params| params["tag"].as_str()).unwrap_or_default().to_owned();
        if tag.starts_with("input:") && tag.split(':').nth(1).and_then(|of| of.parse().ok()) != n {
            self.fail(format!("{n:?} is asked {tag}"));
        }
        self.check_question(&tag, generation);
        self.app.questions.insert(question, tag.clone());
        let takes = self.rng.u64(0..5_000) * if self.rng.u8(0..5) == 0 { 20 } else { 1 };
        self.later(takes, Happening::AnswerQuestion(question, tag));
    }

    pub fn withdrawn(&mut self, question: QuestionId) {
        if self.app.questions.remove(&question).is_none() {
            self.fail("a question was withdrawn that nobody asked");
        }
    }

    pub fn progressed(&mut self, call: CallId, params: &Value) {
        let n = self.app.number(call);
        if n.is_none() || params["n"].as_u64() != n {
            self.fail(format!("{n:?} got the progress of {}", params["n"]));
        }
    }

    pub fn settled(&mut self, call: CallId, result: Result<Value, Box<Error<Value>>>) {
        let Some(n) = self.app.number(call) else { return self.fail(format!("{call:?} settled: nobody made it")) };
        self.say(|_| match &result {
            Ok(_) => format!("{n} ok"),
            Err(error) => format!("{n} {} {}: {}", error.code.as_str(), error.outcome.as_str(), error.message),
        });
        let host_connected = self.app.host && result.is_ok();
        let (closed, quiet) = (self.session.status().phase == Phase::Closed, self.is_quiet());
        let Some(command) = self.app.commands.get_mut(&n) else { return };
        if let Some(end) = &command.end {
            let what = format!("{n} settled after {end:?}");
            return self.fail(what);
        }
        let kind = command.kind;
        let end = match &result {
            Ok(_) => End::Ok,
            Err(error) => End::Failed { code: error.code, outcome: error.outcome, message: error.message.clone() },
        };
        command.end = Some(end.clone());
        if let Kind::Call(tool) = kind {
            self.wanted(n, tool, &end);
        }
        if kind == Kind::Connect && self.app.host && !self.app.closed && !closed {
            if host_connected {
                let after = self.rng.u64(0..50);
                self.later(after, Happening::HostInitialized);
            } else if !quiet {
                let after = self.rng.u64(500..5_000);
                self.later(after, Happening::HostConnects);
            }
        }
        self.check_settled(n, result.ok().as_ref());
    }

    // The closing act: the weather is fine.

    pub fn scene(&mut self, scene: u32) {
        self.say(|_| format!("=== scene {scene}"));
        let phase = self.session.status().phase;
        let strict = self.plan.recovery.mode;
        match scene {
            0 => self.later(HEALED_AFTER, Happening::Scene(1)),
            1 => {
                self.check_all_settled();
                match phase {
                    Phase::Closed => return self.later(0, Happening::Scene(9)),
                    Phase::Ready => {}
                    // Nobody has connected, or a host gave up.
                    Phase::Connecting => self.connect(),
                    Phase::Recovering | Phase::Waiting => {
                        return self.fail(format!("not healed {HEALED_AFTER} ms after the faults stopped"));
                    }
                }
                self.later(SCENE, Happening::Scene(2));
            }
            2 => {
                if phase != Phase::Ready {
                    return self.fail(format!("{phase:?} in fine weather"));
                }
                // A session whose id was hidden is of no use once the server asks for it.
                if self.law.is_blind() {
                    self.reconnect();
                } else {
                    // It may have been evicted since it was last used.
                    self.act(Action::Verify);
                }
                self.later(SCENE, Happening::Scene(3));
            }
            3 => {
                self.check_era_is_spoken();
                self.play_scene(&[Tool::Write(10)]);
                self.later(SCENE, Happening::Scene(4));
            }
            4 => {
                self.check_scene(true, true);
                self.check_leaks();
                self.law.eras.hides_end = self.ends_hidden();
                match self.plan.eras.as_ref().map(|eras| eras.ends) {
                    Some((speaks, breaks)) => self.become_(speaks, breaks),
                    None => self.evict_all(),
                }
                if self.plan.opaque_end {
                    self.sky.opaque = self.now.mono + 1_000;
                }
                let mut tools = vec![Tool::Write(0), Tool::Read(5), Tool::Write(20), Tool::Safe("tools/list")];
                tools.extend(held::last_wishes(&mut self.rng));
                self.play_scene(&tools);
                self.later(SCENE, Happening::Scene(5));
            }
            5 => {
                // Whether it ran cannot be known of what a page cannot read.
                let writes = strict == Mode::Default && !self.plan.opaque_end && !self.law.eras.hides_end;
                self.check_scene(writes, strict != Mode::Off && !self.law.eras.hides_end);
                self.check_held();
                self.scene_reconnects();
                self.later(SCENE, Happening::Scene(6));
            }
            6 => {
                self.check_scene(true, true);
                self.check_leaks();
                self.check_level();
                self.check_era_is_spoken();
                self.check_held();
                self.close();
                self.later(20_000, Happening::Scene(9));
            }
            _ => {
                self.check_all_settled();
                self.check_silence();
                let n = self.call(Tool::Write(0));
                let end = self.app.commands.get(&n).and_then(|command| command.end.clone());
                if !matches!(end, Some(End::Failed { code: Code::Closed, outcome: Outcome::NotExecuted, .. })) {
                    self.fail(format!("a call after close: {end:?}"));
                }
                self.check_silence();
                self.over = true;
            }
        }
    }

    /// New session while calls are made.
    fn scene_reconnects(&mut self) {
        self.app.scene.clear();
        let reconnect = self.reconnect();
        self.play_scene(&[Tool::Write(0), Tool::Safe("resources/read")]);
        self.app.scene.push(reconnect);
    }

    fn play_scene(&mut self, tools: &[Tool]) {
        self.app.scene = tools.iter().map(|tool| self.call(*tool)).collect();
    }

    /// Every call of the scene is ok and ran once; writes and reads where they must be.
    fn check_scene(&mut self, writes: bool, reads: bool) {
        for n in std::mem::take(&mut self.app.scene) {
            let Some(command) = self.app.commands.get(&n) else { continue };
            let must_not = match &command.end {
                Some(End::Failed { code: Code::Capability, .. }) => {
                    let refuses = matches!(self.plan.server.standing, Standing::Refused(_));
                    self.is_wide() && (refuses || self.plan.server.stateless)
                }
                // It waits for a stream that this server ends again and again.
                Some(End::Failed { code: Code::Timeout, .. }) => self.plan.server.standing != Standing::Open,
                Some(End::Failed { code: Code::InvalidOption, .. }) => self.plan.listen == Listen::Never,
                _ => false,
            };
            let (must, once) = match command.kind {
                Kind::Call(Tool::Subscribe(_)) if must_not => (false, false),
                Kind::Call(tool) if tool.is_safe() => (reads, false),
                Kind::Call(_) => (writes, true),
                Kind::Connect | Kind::Notify | Kind::Verify | Kind::Reconnect | Kind::Close => (true, false),
            };
            let (end, runs) = (command.end.clone(), command.ran.len());
            if must && !matches!(end, Some(End::Ok)) {
                self.fail(format!("{n} in fine weather: {end:?}"));
            }
            if runs > 1 && once || must && once && runs == 0 {
                self.fail(format!("{n} in fine weather ran {runs} times"));
            }
        }
    }
}
