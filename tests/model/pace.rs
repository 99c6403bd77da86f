//! The laws of time: no call outlives its time-out, nothing is hot while nobody waits, no flood of the server's becomes
//! one of ours, and nothing is given up that was going to be answered.

use crate::app::{Command, End};
use crate::browser::CONNECTIONS;
use crate::world::World;
use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::{Code, ExchangeId, Purpose};
use std::collections::VecDeque;

const WINDOW_MS: u64 = 10_000;
/// Requests in such a window while no command is open: a handshake, what the session held, a stream that is opened again.
const IDLE: usize = 40;
/// The same where the host has the growing pauses begin with a tenth of what they begin with by default: three more of
/// them, and what each new session holds, are over by then.
const HASTY_IDLE: usize = 64;
const HASTY_MS: u64 = 50;
/// And for each command that is open: a task is asked for ten times in a second.
const EACH: usize = 130;
/// "as many as an HTTP/2 server lets a client have at least", and what is told and answered aside.
const MOST_OPEN: usize = 130;
/// The longest that a task runs by default.
const LONGEST_TASK_MS: u64 = 3_600_000;
/// Of a server that asks without end the app hears so many at a time.
const MOST_QUESTIONS: usize = 130;
/// Questions for one call: ten rounds, and those of a server that took another's place.
const MOST_ASKED: u32 = 30;
/// A task asks one at a time, whichever server runs it.
const MOST_ASKED_BY_TASK: u32 = 10;

#[derive(Default)]
pub struct Pace {
    /// When the latest requests were sent.
    sent: VecDeque<u64>,
    /// The same, while no command was open.
    idle: VecDeque<u64>,
    pub most_idle: usize,
    /// Calls whose exchange was aborted in this event, and how many connections were in use.
    aborted: Vec<(u64, ExchangeId, usize)>,
    user_is_asked: bool,
}

/// How long a command may still take.
#[derive(Debug)]
pub struct Clock {
    pub timeout: u64,
    since: u64,
    /// Reasons for which it stands still, and since when.
    stopped: u32,
    stopped_at: u64,
    stood: u64,
    asked: u32,
}

impl Clock {
    pub fn new(timeout: u64, now: u64) -> Self {
        Self { timeout, since: now, stopped: 0, stopped_at: 0, stood: 0, asked: 0 }
    }

    pub fn stop(&mut self, now: u64) {
        if self.stopped == 0 {
            self.stopped_at = now;
        }
        self.stopped += 1;
    }

    pub fn start(&mut self, now: u64) {
        self.stopped = self.stopped.saturating_sub(1);
        if self.stopped == 0 {
            self.stood += now - self.stopped_at;
        }
    }

    /// A sign of life.
    pub fn anew(&mut self, now: u64) {
        (self.since, self.stood) = (now, 0);
        self.stopped_at = now;
    }

    /// How long it has run.
    fn shows(&self, now: u64) -> u64 {
        let stands = if self.stopped > 0 { now - self.stopped_at } else { 0 };
        (now - self.since).saturating_sub(self.stood + stands)
    }
}

impl World {
    pub fn count_request(&mut self, purpose: Option<Purpose>) {
        let open = self.exchanges.values().filter(|ex| ex.open).count();
        if open > MOST_OPEN {
            self.fail(format!("{open} requests are open at once"));
        }
        // These are as many as the server's own requests.
        if purpose == Some(Purpose::Answer) {
            return;
        }
        let now = self.now.mono;
        let fresh = |at: &u64| now - at < WINDOW_MS;
        let waiting = self.app.commands.values().filter(|command| command.end.is_none()).count();
        let pace = &mut self.pace;
        pace.sent.push_back(now);
        pace.sent.retain(fresh);
        if waiting == 0 {
            pace.idle.push_back(now);
            pace.idle.retain(fresh);
        } else {
            pace.idle.clear();
        }
        pace.most_idle = pace.most_idle.max(pace.idle.len());
        let (sent, idle) = (pace.sent.len(), pace.idle.len());
        let most = if self.plan.recovery.base_delay_ms <= HASTY_MS { HASTY_IDLE } else { IDLE };
        if idle > most {
            self.fail(format!("{idle} requests in {WINDOW_MS} ms, and nobody waits"));
        }
        if sent > 3 * IDLE + EACH * waiting.max(1) {
            self.fail(format!("{sent} requests in {WINDOW_MS} ms for {waiting} commands"));
        }
    }

    /// The clocks of all that wait stand still.
    pub fn user_is_asked(&mut self) {
        self.pace.user_is_asked = true;
        let now = self.now.mono;
        self.app.commands.values_mut().filter(|command| command.end.is_none()).for_each(|it| it.clock.stop(now));
        self.session.handle_user_asked(self.now);
    }

    pub fn user_was_asked(&mut self) {
        self.pace.user_is_asked = false;
        let now = self.now.mono;
        self.app.commands.values_mut().filter(|command| command.end.is_none()).for_each(|it| it.clock.start(now));
    }

    /// The clock of a command that is made now.
    pub fn clock(&self, timeout: u64) -> Clock {
        let mut clock = Clock::new(timeout, self.now.mono);
        if self.pace.user_is_asked {
            clock.stop(self.now.mono);
        }
        clock
    }

    /// The app is asked on behalf of this call, in answer to its request or beside it.
    pub fn note_asked(&mut self, n: Option<u64>, round: bool) {
        let now = self.now.mono;
        let open = self.app.questions.len();
        if open > MOST_QUESTIONS {
            self.fail(format!("{open} questions are open at once"));
        }
        let Some((n, command)) = n.and_then(|n| Some((n, self.app.commands.get_mut(&n)?))) else { return };
        command.clock.stop(now);
        command.clock.asked += u32::from(round);
        let asked = command.clock.asked;
        let task = command.kind.is_of_task();
        if asked > if task { MOST_ASKED_BY_TASK } else { MOST_ASKED } {
            self.fail(format!("{n} has asked {asked} times"));
        }
    }

    pub fn note_answered(&mut self, n: Option<u64>) {
        let now = self.now.mono;
        if let Some(command) = n.and_then(|n| self.app.commands.get_mut(&n)) {
            command.clock.start(now);
        }
    }

    /// The client has an answer of a task's.
    pub fn note_task(&mut self, id: ExchangeId) {
        let (now, n) = (self.now.mono, self.number_of(id));
        let Some(command) = n.and_then(|n| self.app.commands.get_mut(&n)) else { return };
        if command.kind.is_of_task() {
            command.clock.anew(now);
        }
    }

    pub fn is_too_late(&self, command: &Command) -> Option<String> {
        let took = command.clock.shows(self.now.mono);
        let timeout = command.clock.timeout;
        // What the server says of a task starts its clock anew; until the next question it may wait as long as a call.
        let task = command.kind.is_of_task();
        let may = if task { timeout.saturating_mul(2) } else { timeout };
        // Where it stopped between its end and the timer, that is late twice.
        let in_time = took <= may + 2 * self.plan.timer_late || self.law.slept;
        let longest = self.now.mono - command.made_at <= LONGEST_TASK_MS || !task || self.law.slept;
        (!in_time || !longest).then(|| format!("it took {took} ms of {timeout}"))
    }

    /// An exchange is given up.
    pub fn note_abort(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get(&id).filter(|ex| ex.open && ex.told.is_none()) else { return };
        let call = ex.purpose_call().filter(|_| ex.request.method == Method::Post);
        if let Some(n) = call.and_then(|call| self.app.number(call)).filter(|_| !self.law.host_gives_up) {
            let open = self.exchanges.values().filter(|ex| ex.open).count();
            self.pace.aborted.push((n, id, open));
        }
    }

    /// Nothing that may be answered is given up while there are connections for all.
    pub fn check_aborted(&mut self) {
        for (n, id, open) in std::mem::take(&mut self.pace.aborted) {
            let Some(command) = self.app.commands.get(&n) else { continue };
            let given_up = match &command.end {
                None => true,
                Some(End::Failed { code, .. }) => {
                    matches!(code, Code::OutcomeUnknown | Code::SessionLost | Code::Network)
                }
                Some(End::Ok | End::Cancelled) => false,
            };
            if given_up && open < CONNECTIONS {
                let name = self.name(id);
                self.fail(format!("{name} is given up, and {open} of {CONNECTIONS} connections are in use"));
            }
        }
    }
}
