//! The closing act: the weather is fine, and everything must work.

use crate::app::{End, Kind};
use crate::browser::Ex;
use crate::held;
use crate::plan::{Action, Dying, Standing, Tool};
use crate::server::Truth;
use crate::world::{Happening, World};
use fastrand::Rng;
use mcp_evergreen::protocol::config::{Listen, Mode};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{Code, Outcome, Purpose};

/// Milliseconds after which everything must have healed: as long as a server may ask for, and more.
const HEALED_AFTER: u64 = 400_000;
const SCENE: u64 = 100_000;
/// A server that is restarted again and again costs each call no more than this.
const EACH_HEALS_IN: u64 = 4_000;
const RESTARTS: u32 = 8;
const FIRST_RESTART: u32 = 10;

/// One thing that goes wrong in the closing act; it costs nobody a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stumble {
    /// The ping, or the handshake, is swallowed.
    Swallowed(&'static str),
    /// The handshake takes its time, and a call is running on under the old session.
    SlowHandshake,
    /// The handshake is told to come back in decades; then the host asks for a new session.
    ToldToWait,
    /// The server is restarted again and again.
    Restless,
}

impl Stumble {
    pub fn new(rng: &mut Rng) -> Self {
        let all = [
            Self::Swallowed("ping"),
            Self::Swallowed("initialize"),
            Self::SlowHandshake,
            Self::ToldToWait,
            Self::Restless,
        ];
        all[rng.usize(0..all.len())]
    }
}

impl World {
    pub fn scene(&mut self, scene: u32) {
        self.say(|_| format!("=== scene {scene}"));
        let phase = self.session.status().phase;
        let strict = self.plan.recovery.mode;
        match scene {
            0 => {
                // What only the user can mend waits until somebody wants it.
                if self.plan.tokens.is_some() {
                    self.later(HEALED_AFTER - 100_000, Happening::Act(Action::Verify));
                }
                self.later(HEALED_AFTER, Happening::Scene(1));
            }
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
                // Of two handshakes the one whose id was hidden may have won.
                let status = self.session.status();
                let unseen =
                    status.era == Some(Era::Legacy) && status.session_tag.is_none() && !self.plan.server.stateless;
                if self.law.is_blind() || unseen || self.plan.stumble.is_some() {
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
                match self.plan.stumble {
                    Some(Stumble::Swallowed(method)) => self.sky.swallows = Some(method),
                    Some(Stumble::SlowHandshake) => {
                        self.plan.server.dying = Dying::Answers;
                        self.sky.slow_handshake = 5_000;
                        let n = self.call(Tool::Write(9_000));
                        self.app.scene.push(n);
                        return self.later(500, Happening::Scene(40));
                    }
                    Some(Stumble::ToldToWait) => {
                        self.sky.told_to_wait = true;
                        self.evict_all();
                        self.call(Tool::Write(0));
                        return self.later(5_000, Happening::Scene(41));
                    }
                    Some(Stumble::Restless) | None => {}
                }
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
            40 => {
                self.evict_all();
                self.play_scene(&[Tool::Write(0), Tool::Read(5)]);
                self.later(SCENE, Happening::Scene(5));
            }
            // Whoever asks for a new session now is not told to wait by what an earlier one was told.
            41 => {
                self.sky.told_to_wait = false;
                let reconnect = self.reconnect();
                self.play_scene(&[Tool::Write(0)]);
                self.app.scene.push(reconnect);
                self.later(SCENE, Happening::Scene(5));
            }
            5 => {
                // Whether it ran cannot be known of what a page cannot read.
                let writes = strict == Mode::Default && !self.plan.opaque_end && !self.law.eras.hides_end;
                // Nor of what is refused in no words of a session.
                let writes = writes && !self.ends_in_other_words();
                self.check_scene(writes, strict != Mode::Off && !self.law.eras.hides_end);
                self.check_held();
                self.sky.swallows = None;
                self.sky.slow_handshake = 0;
                self.scene_reconnects();
                self.later(SCENE, Happening::Scene(6));
            }
            6 => {
                self.check_scene(true, true);
                self.check_leaks();
                self.check_level();
                self.check_era_is_spoken();
                self.check_held();
                match self.plan.stumble {
                    Some(Stumble::Restless) => self.later(0, Happening::Scene(FIRST_RESTART)),
                    _ => self.later(0, Happening::Scene(8)),
                }
            }
            restart @ FIRST_RESTART.. if restart < FIRST_RESTART + RESTARTS => {
                self.check_scene(true, true);
                self.evict_all();
                self.play_scene(&[Tool::Write(0)]);
                self.later(EACH_HEALS_IN, Happening::Scene(restart + 1));
            }
            8 | FIRST_RESTART.. => {
                self.check_scene(true, true);
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

    /// "An error under the request's own id" may be a handler's: a ping tells. None does where the session was refused to
    /// something else meanwhile, and given up.
    fn met_a_dead_session(&self, n: u64) -> bool {
        let Some(command) = self.app.commands.get(&n) else { return false };
        let refused = |ex: &&Ex| matches!(ex.told, Some(Truth::Gate { .. }));
        let pinged = |generation: u32| {
            let pings = self.exchanges.values().filter(|ex| ex.purpose == Purpose::Ping);
            pings.filter(refused).any(|ping| ping.generation == generation)
        };
        let last = command.sent.last().and_then(|id| self.exchanges.get(id)).filter(refused);
        let doubtful = |ex: &&Ex| self.law.is_given_up(ex.generation) && !pinged(ex.generation);
        matches!(command.end, Some(End::Failed { outcome: Outcome::Unknown, .. })) && last.filter(doubtful).is_some()
    }

    /// New session while calls are made.
    fn scene_reconnects(&mut self) {
        self.app.scene.clear();
        let reconnect = self.reconnect();
        self.play_scene(&[Tool::Write(0), Tool::Safe("resources/read")]);
        self.app.scene.push(reconnect);
    }

    fn play_scene(&mut self, tools: &[Tool]) {
        let calls: Vec<u64> = tools.iter().map(|tool| self.call(*tool)).collect();
        self.app.scene.extend(calls);
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
                Kind::Resume(_) | Kind::Connect | Kind::Notify | Kind::Verify | Kind::Reconnect | Kind::Close => {
                    (true, false)
                }
            };
            let (end, runs) = (command.end.clone(), self.ledger.runs(n));
            let must = must && !(once && self.met_a_dead_session(n));
            if must && !matches!(end, Some(End::Ok)) {
                self.fail(format!("{n} in fine weather: {end:?}"));
            }
            if runs > 1 && once || must && once && runs == 0 {
                self.fail(format!("{n} in fine weather ran {runs} times"));
            }
        }
    }
}
