//! The application: random commands while the weather is bad, and a closing act in which everything must work.

use crate::held::{self, URIS, Wants};
use crate::pace::Clock;
use crate::plan::{Action, Plan, Tool};
use crate::world::{Happening, World};
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{CallId, CallOptions, Code, Error, ExchangeId, Outcome, Params, QuestionId, TaskHandle};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Connect,
    Call(Tool),
    /// Waits for the task that this call became.
    Resume(u64),
    Notify,
    Verify,
    Reconnect,
    Close,
}

impl Kind {
    /// Whether it may become a task, or waits for one.
    pub fn is_of_task(self) -> bool {
        matches!(self, Self::Call(Tool::Task(_)) | Self::Resume(_))
    }
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
    pub sent: Vec<ExchangeId>,
    pub clock: Clock,
    /// Progress starts its clock anew.
    resets: bool,
}

pub struct App {
    pub commands: BTreeMap<u64, Command>,
    by_id: BTreeMap<CallId, u64>,
    next: u64,
    pub closed: bool,
    pub closed_at: u64,
    /// What it says, and for which call it is asked.
    pub questions: BTreeMap<QuestionId, (String, Option<u64>)>,
    pub wants: Wants,
    /// The tasks that calls became.
    pub tasks: Vec<(u64, TaskHandle)>,
    /// Commands of the closing act.
    pub scene: Vec<u64>,
    host: bool,
    /// The generation of the session, where it may change at once.
    asked_under: Option<u32>,
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
            tasks: Vec::new(),
            scene: Vec::new(),
            host: plan.host,
            asked_under: None,
        }
    }

    pub fn number(&self, id: CallId) -> Option<u64> {
        self.by_id.get(&id).copied()
    }
}

impl World {
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Call(tool) => drop(self.call(tool)),
            Action::Burst(many) => self.burst(many),
            Action::Notify => self.notify(),
            Action::Verify => {
                self.law.not_before = 0;
                let id = self.session.verify(self.now);
                self.enter(id, Kind::Verify);
            }
            Action::Reconnect => drop(self.reconnect()),
            Action::Cancel => self.cancel_one(),
            Action::Resume => self.resume(),
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
        self.enter_as(n, id, kind, self.plan.timeout, false);
        n
    }

    fn enter_as(&mut self, n: u64, id: CallId, kind: Kind, timeout: u64, resets: bool) {
        if self.app.by_id.insert(id, n).is_some() {
            self.fail("a call id was given out twice");
        }
        let generation = self.app.asked_under.take().unwrap_or_else(|| self.session.status().generation);
        let made_at = self.now.mono;
        let clock = self.clock(timeout);
        let command = Command { id, kind, made_at, generation, end: None, sent: Vec::new(), clock, resets };
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

    pub fn call(&mut self, tool: Tool) -> u64 {
        let n = self.app.next + 1;
        self.app.next = n;
        let progress = self.rng.bool();
        let resets = progress && self.rng.bool();
        let own_timeout = [None, None, None, Some(2_000), Some(150_000)][self.rng.usize(0..5)];
        let timeout_ms = own_timeout.filter(|_| !self.is_quiet());
        let (method, name, text) = match tool {
            Tool::Write(ms) => ("tools/call", "write", json!({"name": "write", "arguments": {"n": n, "ms": ms}})),
            Tool::Read(ms) => ("tools/call", "read", json!({"name": "read", "arguments": {"n": n, "ms": ms}})),
            Tool::Throws => ("tools/call", "throws", json!({"name": "throws", "arguments": {"n": n}})),
            Tool::Asks(rounds, _) => {
                ("tools/call", "asks", json!({"name": "asks", "arguments": {"n": n, "rounds": rounds}}))
            }
            Tool::Task(ms) => {
                let asks = [0, 0, 0, 1, 3, 1_000_000][self.rng.usize(0..6)];
                let arguments = json!({"n": n, "takes": ms, "asks": asks});
                ("tools/call", "task", json!({"name": "task", "arguments": arguments}))
            }
            // So that the next may be answered with what this one brings.
            Tool::Safe("resources/read") if self.is_wide() => ("resources/read", URIS[0], json!({"uri": URIS[0]})),
            Tool::Safe(method) if self.is_wide() => (method, "", json!({})),
            Tool::Safe(method) => (method, "", json!({"n": n})),
            Tool::Unknown => ("vendor/unknown", "", json!({"n": n})),
            Tool::Subscribe(_) | Tool::Unsubscribe(_) | Tool::Level(_) => held::request(tool, n).unwrap_or_default(),
        };
        self.want(n, tool);
        let params = Params { name: Some(name.to_owned()), ..Params::read(&text.to_string()).expect("an object") };
        let options = CallOptions {
            repeatable: matches!(tool, Tool::Read(_) | Tool::Asks(_, true)),
            progress,
            reset_timeout_on_progress: resets,
            timeout_ms,
            ..CallOptions::default()
        };
        let id = self.session.call(method.to_owned(), params, options, self.now);
        self.enter_as(n, id, Kind::Call(tool), timeout_ms.unwrap_or(self.plan.timeout), resets);
        n
    }

    fn burst(&mut self, many: usize) {
        for _ in 0..many {
            self.call(Tool::Write(40_000));
        }
    }

    fn notify(&mut self) {
        let n = self.app.next + 1;
        self.app.next = n;
        let params = Params { text: Some(json!({"n": n}).to_string()), ..Params::default() };
        let id = self.session.notify("notifications/roots/list_changed".to_owned(), params, self.now);
        self.enter_as(n, id, Kind::Notify, self.plan.timeout, false);
    }

    pub fn reconnect(&mut self) -> u64 {
        // Nor does whoever wants a new session now.
        self.law.not_before = 0;
        self.law.host_gives_up = true;
        self.app.asked_under = Some(self.session.status().generation);
        let id = self.session.reconnect(self.now);
        let n = self.enter(id, Kind::Reconnect);
        self.law.host_gives_up = false;
        n
    }

    fn resume(&mut self) {
        if self.app.tasks.is_empty() {
            return;
        }
        let (of, task) = self.app.tasks[self.rng.usize(0..self.app.tasks.len())].clone();
        let id = self.session.resume_task(task, CallOptions::default(), self.now);
        self.enter(id, Kind::Resume(of));
    }

    pub fn became_task(&mut self, call: CallId, task: &Value) {
        let text = |name: &str| task[name].as_str().map(str::to_owned);
        let (Some(n), Some(id)) = (self.app.number(call), text("taskId")) else { return };
        self.app.tasks.push((n, TaskHandle { id, created_at: text("createdAt") }));
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
            let before = self.cancellations_of(kind);
            if let Kind::Call(tool) = kind {
                self.wanted(n, tool, &End::Cancelled);
            }
            self.session.cancel(id, Some("enough".to_owned()), self.now);
            self.drain();
            self.check_task_cancelled(n);
            self.check_other_not_cancelled(n, before);
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
        let Some((_, of)) = self.app.questions.remove(&question) else { return };
        self.note_answered(of);
        // Whoever is asked without end goes on answering.
        let declines = if tag.starts_with("input:") { 8 } else { 2 };
        let answer =
            if self.rng.u8(0..declines) > 0 { Ok(json!({"tag": tag}).to_string()) } else { Err((-1, tag).into()) };
        self.session.answer(question, answer, self.now);
        self.drain();
    }

    pub fn asked(&mut self, question: QuestionId, params: Option<&Value>, call: Option<CallId>, generation: u32) {
        let n = call.and_then(|call| self.app.number(call));
        let tag = params.and_then(|params| params["tag"].as_str()).unwrap_or_default().to_owned();
        self.note_asked(n, tag.starts_with("input:"));
        let of = n.map(|n| match self.app.commands.get(&n).map(|command| command.kind) {
            Some(Kind::Resume(of)) => of,
            _ => n,
        });
        if tag.starts_with("input:") && tag.split(':').nth(1).and_then(|of| of.parse().ok()) != of {
            self.fail(format!("{n:?} is asked {tag}"));
        }
        self.check_question(&tag, generation);
        self.app.questions.insert(question, (tag.clone(), n));
        let slow = !self.is_quiet() && self.rng.u8(0..5) == 0;
        let takes = self.rng.u64(0..5_000) * if slow { 20 } else { 1 };
        self.later(takes, Happening::AnswerQuestion(question, tag));
    }

    pub fn withdrawn(&mut self, question: QuestionId) {
        let Some((_, of)) = self.app.questions.remove(&question) else {
            return self.fail("a question was withdrawn that nobody asked");
        };
        self.note_answered(of);
    }

    pub fn progressed(&mut self, call: CallId, params: &Value) {
        let n = self.app.number(call);
        if n.is_none() || params["n"].as_u64() != n {
            self.fail(format!("{n:?} got the progress of {}", params["n"]));
        }
        let now = self.now.mono;
        if let Some(command) = n.and_then(|n| self.app.commands.get_mut(&n)).filter(|command| command.resets) {
            command.clock.anew(now);
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
}
