//! The event loop: virtual time, and the driver's part of the contract.

use crate::app::App;
use crate::browser::{Ex, Network};
use crate::law::Law;
use crate::ledger::Ledger;
use crate::pace::Pace;
use crate::plan::{Action, Plan, Weather};
use crate::server::Server;
use crate::steps::Steps;
use crate::tokens::Tokens;
use fastrand::Rng;
use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::{ExchangeId, Input, Now, Output, QuestionId, Reach, Session};
use serde_json::Value;
use std::collections::BTreeMap;

const MAX_EVENTS: usize = 50_000;
const MAX_OUTPUTS: usize = 10_000;

/// What happens at a moment.
#[derive(Debug)]
pub enum Happening {
    Act(Action),
    Change(Weather),
    /// The bad weather is over.
    Quiet,
    /// The next scene of the closing act.
    Scene(u32),
    /// The host's Client goes on with its handshake.
    HostInitialized,
    HostConnects,
    AnswerQuestion(QuestionId, String),
    Probed,
    /// An authorization ends; the user was asked, or not.
    Authorized(bool),
    /// A request reaches the server.
    Arrive(ExchangeId, u32),
    Head(ExchangeId, u32),
    Piece(ExchangeId, u32, String),
    Ended(ExchangeId, u32),
    /// The connection breaks.
    Broke(ExchangeId, u32),
}

/// The weather of the moment: until when each kind lasts.
#[derive(Default)]
pub struct Sky {
    pub down: Option<(u64, crate::plan::Down)>,
    pub offline: u64,
    pub opaque: u64,
    pub hides_id: u64,
    pub drops_id: u64,
    pub forgetful: u64,
    pub full: u64,
    pub page: u64,
    pub slow: u64,
    pub slow_by: u64,
    pub busy: u64,
    /// How much longer a handshake takes.
    pub slow_handshake: u64,
    /// The next handshake is.
    pub told_to_wait: bool,
    /// The next request of this kind is swallowed.
    pub swallows: Option<&'static str>,
}

pub struct World {
    pub plan: Plan,
    pub rng: Rng,
    /// Of its own, so that nothing but the split depends on it.
    pub splits: Rng,
    pub now: Now,
    order: u64,
    happenings: BTreeMap<(u64, u64), Happening>,
    pub session: Session<Value>,
    pub exchanges: BTreeMap<ExchangeId, Ex>,
    pub network: Network,
    pub sky: Sky,
    pub server: Server,
    pub app: App,
    pub tokens: Tokens,
    pub ledger: Ledger,
    pub law: Law,
    pub pace: Pace,
    pub steps: Steps,
    pub log: Option<Vec<String>>,
    /// Of all outputs and their times.
    pub digest: u64,
    pub failure: Option<String>,
    pub over: bool,
    pub events: usize,
}

impl World {
    pub fn new(seed: u64, splits: u64, transcript: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut server = Server::new();
        let plan = Plan::new(&mut rng, seed % 2 == 1);
        let mut law = Law::default();
        if let Some(eras) = &plan.eras {
            server.speaks = eras.starts;
            eras.remembered.then(|| law.eras.remembered());
        }
        let now = Now { mono: 1_000, unix_ms: 1_700_000_000_000 };
        let session = Session::new(plan.config(), rng.u64(..), now);
        let mut world = Self {
            app: App::new(&plan),
            rng,
            splits: Rng::with_seed(splits),
            now,
            order: 0,
            happenings: BTreeMap::new(),
            session,
            exchanges: BTreeMap::new(),
            network: Network::default(),
            sky: Sky::default(),
            server,
            tokens: Tokens::default(),
            ledger: Ledger::default(),
            law,
            pace: Pace::default(),
            steps: Steps::default(),
            log: transcript.then(Vec::new),
            digest: 0xcbf2_9ce4_8422_2325,
            failure: None,
            over: false,
            events: 0,
            plan,
        };
        world.say(|world| format!("{:?}", world.plan));
        let plan = world.plan.clone();
        for (at, weather) in plan.weather {
            world.later(at, Happening::Change(weather));
        }
        for (at, action) in plan.actions {
            world.later(at, Happening::Act(action));
        }
        world.later(plan.quiet_at, Happening::Quiet);
        world
    }

    pub fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = format!("{:>9.3}  {}", (self.now.mono - 1_000) as f64 / 1000.0, line(self));
            self.log.iter_mut().for_each(|log| log.push(line.clone()));
        }
    }

    pub fn fail(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.say(|_| format!("*** {what}"));
        self.failure.get_or_insert(what);
    }

    /// `ms` from now.
    pub fn later(&mut self, ms: u64, happening: Happening) {
        self.order += 1;
        self.happenings.insert((self.now.mono.saturating_add(ms), self.order), happening);
    }

    pub fn is_quiet(&self) -> bool {
        self.now.mono >= self.plan.quiet_at + 1_000
    }

    /// A chance per mille, while the weather is bad.
    pub fn unlucky(&mut self, permille: u16) -> bool {
        !self.is_quiet() && permille > 0 && self.rng.u16(0..1000) < permille
    }

    pub fn run(&mut self) {
        self.connect();
        while self.failure.is_none() && !self.over {
            self.events += 1;
            if self.events > MAX_EVENTS {
                return self.fail("no end in sight");
            }
            let next = self.happenings.first_key_value().map(|((at, _), _)| *at);
            let timer = self.session.poll_timeout().map(|deadline| deadline.at.saturating_add(self.plan.timer_late));
            match (next, timer) {
                (None, None) => return,
                (next, Some(timer)) if next.is_none_or(|next| timer < next) => {
                    self.advance(timer);
                    self.session.handle_timeout(self.now);
                    self.drain();
                    // `handle_timeout` at its deadline acts or moves the deadline.
                    if let Some(deadline) = self.session.poll_timeout().filter(|next| next.at <= self.now.mono) {
                        self.fail(format!("the deadline {:?} stays in the past", deadline.why));
                    }
                }
                _ => {
                    let Some(((at, _), happening)) = self.happenings.pop_first() else { return };
                    self.advance(at);
                    self.happen(happening);
                }
            }
        }
    }

    fn advance(&mut self, to: u64) {
        let ms = to.saturating_sub(self.now.mono);
        self.now.mono += ms;
        self.now.unix_ms = self.now.unix_ms.saturating_add(ms);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Act(action) => self.act(action),
            Happening::Change(weather) => self.change(weather),
            Happening::Quiet => self.quiet(),
            Happening::Scene(scene) => self.scene(scene),
            Happening::HostInitialized => self.host_initialized(),
            Happening::HostConnects => self.connect(),
            Happening::AnswerQuestion(question, tag) => self.answer_question(question, &tag),
            Happening::Probed => {
                let reach = if self.now.mono < self.sky.offline {
                    Reach::Offline
                } else {
                    [Reach::Answers, Reach::Silent, Reach::Unknown][self.rng.usize(0..3)]
                };
                self.say(|_| format!("probe: {reach:?}"));
                self.steps.probing = false;
                self.session.handle_probe(reach, self.now);
                self.drain();
            }
            Happening::Authorized(asked) => self.authorized(asked),
            Happening::Arrive(id, script) => {
                if self.is_script(id, script) {
                    self.arrive(id);
                }
            }
            Happening::Head(id, script) => self.head(id, script),
            Happening::Piece(id, script, text) => {
                if self.is_script(id, script) {
                    self.piece(id, &text);
                }
            }
            Happening::Ended(id, script) => {
                if self.is_script(id, script) {
                    self.ended(id);
                }
            }
            Happening::Broke(id, script) => {
                if self.is_script(id, script) {
                    self.broke(id);
                }
            }
        }
    }

    pub fn is_script(&self, id: ExchangeId, script: u32) -> bool {
        let talks = self.plan.talks_after_abort;
        self.exchanges.get(&id).is_some_and(|ex| ex.script == script && (ex.open || talks && ex.aborted))
    }

    pub fn tell(&mut self, id: ExchangeId, input: Input<Value>) {
        if self.failure.is_none() {
            self.session.handle_input(id, input, self.now);
            self.drain();
        }
    }

    /// Performs what the session asks for.
    pub fn drain(&mut self) {
        for _ in 0..MAX_OUTPUTS {
            let Some(output) = self.session.poll_output() else {
                self.observe();
                return;
            };
            self.mix(&output);
            self.perform(output);
            if self.failure.is_some() {
                return;
            }
        }
        self.fail("outputs without end");
    }

    fn perform(&mut self, output: Output<Value>) {
        self.check_output(&output);
        match output {
            Output::Send { exchange, purpose, request, .. } => self.send(exchange, purpose, request),
            Output::Read { exchange, how } => self.read_as(exchange, how),
            Output::Abort { exchange } => self.abort(exchange),
            Output::Settle { call, result } => self.settled(call, result),
            Output::Progress { call, params } => self.progressed(call, &params),
            Output::Ask { question, params, call, generation, .. } => {
                self.asked(question, params.as_ref(), call, generation);
            }
            Output::Withdraw { question } => self.withdrawn(question),
            Output::Tell { .. } | Output::Steal | Output::Leave => {
                self.fail("a session that is not shared speaks to tabs")
            }
            Output::Identify => self.fail("header fields that do not vary are asked for"),
            Output::OtherSlash => {}
            Output::Probe => {
                self.steps.probing = true;
                // Some driver never says.
                if self.rng.u8(0..4) > 0 {
                    self.later(20, Happening::Probed);
                }
            }
            Output::Authorize { challenge, ask } => self.authorize(challenge.is_some(), ask),
            // The user goes on all the same.
            Output::GiveUpAuthorization => {}
            Output::Emit(event) => self.heard(&event),
        }
    }

    /// Folds an output into the digest (FNV-1a).
    fn mix(&mut self, output: &Output<Value>) {
        if self.law.digests {
            let text = format!("{:?}{:?}", self.now, output);
            for byte in text.bytes() {
                self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }

    pub fn name(&self, id: ExchangeId) -> String {
        let Some(ex) = self.exchanges.get(&id) else { return format!("#{}", id.0) };
        let what = match ex.request.method {
            Method::Delete => "DELETE",
            Method::Get => "GET",
            Method::Post => ex.body["method"].as_str().unwrap_or("answer"),
        };
        let call = ex.purpose_call().and_then(|call| self.app.number(call)).map(|n| format!(" {n}"));
        format!("#{} {what}{} g{}", id.0, call.unwrap_or_default(), ex.generation)
    }
}
